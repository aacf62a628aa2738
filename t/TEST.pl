# SPDX-License-Identifier: Apache-2.0
# Starts and stops the tests' httpd; called by App::Prove::Plugin::ApacheTest.
use strict;
use warnings FATAL => 'all';
use Apache::TestRun ();
use Cwd qw(getcwd);

# HTTPD: another binary, for example one that runs with a sanitizer preloaded
Apache::TestRun->new->run(
    '-httpd_conf', getcwd() . '/t/conf/modules.conf',
    $ENV{HTTPD} ? ('-httpd', getcwd() . "/$ENV{HTTPD}") : ('-apxs', $ENV{APXS} // 'apxs'), @ARGV
);
