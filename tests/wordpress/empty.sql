-- Back to a blog that nobody has written in: the users, their passwords and the settings stay, ids are not used again.
DELETE FROM wp_posts;
DELETE FROM wp_postmeta;
DELETE FROM wp_comments;
DELETE FROM wp_commentmeta;
DELETE FROM wp_term_relationships;
DELETE FROM wp_term_taxonomy WHERE term_id <> 1;
DELETE FROM wp_terms WHERE term_id <> 1;
DELETE FROM wp_termmeta;
UPDATE wp_term_taxonomy SET count = 0;
UPDATE wp_options SET option_value = 'a:0:{}' WHERE option_name = 'sticky_posts';
DELETE FROM wp_options WHERE option_name LIKE '%\_transient\_%' OR option_name LIKE '%\_children';
