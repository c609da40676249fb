<?php
// Install WordPress and print, as JSON, the application password of one user for each role that is asked for.
define('WP_INSTALLING', true);
require $argv[1] . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require_once ABSPATH . 'wp-admin/includes/file.php';

wp_install('Test blog', 'administrator', 'administrator@example.com', true, '', 'of no use');
global $wp_rewrite;
$wp_rewrite->set_permalink_structure('/%postname%/');
flush_rewrite_rules();
switch_theme('plain');
update_option('timezone_string', 'America/New_York'); // so that local time and UTC cannot be mixed up unseen

$passwords = [];
foreach (array_slice($argv, 2) as $role) {
    $user = get_user_by('login', $role);
    $id = $user ? $user->ID : wp_insert_user([
        'user_login' => $role,
        'user_pass' => wp_generate_password(),
        'user_email' => "$role@example.com",
        'display_name' => ucfirst($role) . ' of the blog',
        'role' => $role,
    ]);
    $passwords[$role] = WP_Application_Passwords::create_new_application_password($id, ['name' => 'tests'])[0];
}
echo json_encode($passwords);
