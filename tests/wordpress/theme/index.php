<?php // Shows titles and texts: Debian's package comes without a theme. ?>
<!doctype html>
<html <?php language_attributes(); ?>>
<head><meta charset="<?php bloginfo('charset'); ?>"><?php wp_head(); ?></head>
<body>
<?php while (have_posts()) : the_post(); ?>
<article>
<h1><a href="<?php the_permalink(); ?>"><?php the_title(); ?></a></h1>
<?php is_singular() ? the_post_thumbnail() : null; ?>
<?php is_singular() ? the_content() : the_excerpt(); ?>
</article>
<?php endwhile; ?>
<?php wp_footer(); ?>
</body>
</html>
