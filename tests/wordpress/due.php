<?php
// Let the time of a scheduled post come: its date is a minute ago, and so is the event that publishes it.
require $argv[1] . '/wp-load.php';
$id = (int) $argv[2];
$wpdb->update($wpdb->posts, [
    'post_date' => wp_date('Y-m-d H:i:s', time() - 60),
    'post_date_gmt' => gmdate('Y-m-d H:i:s', time() - 60),
], ['ID' => $id]);
wp_clear_scheduled_hook('publish_future_post', [$id]);
wp_schedule_single_event(time() - 60, 'publish_future_post', [$id]);
delete_transient('doing_cron');
