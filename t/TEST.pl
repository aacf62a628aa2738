# SPDX-License-Identifier: Apache-2.0
# Starts and stops the tests' httpd; called by App::Prove::Plugin::ApacheTest.
use strict;
use warnings FATAL => 'all';
use Apache::TestRun ();
use Cwd qw(getcwd);
Apache::TestRun->new->run('-httpd_conf', getcwd() . '/t/conf/modules.conf', '-apxs', $ENV{APXS} // 'apxs', @ARGV);
