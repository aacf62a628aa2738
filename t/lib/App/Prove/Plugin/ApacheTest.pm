# SPDX-License-Identifier: Apache-2.0
package App::Prove::Plugin::ApacheTest;

# `prove` alone is enough: httpd is started before the first test that needs it and stopped after
# the last. With no tests named, all of them run; none at all is an error.

use strict;
use warnings;

my $owner = 0;

sub load {
    my ($class, $p) = @_;
    my $app = $p->{app_prove};

    $app->argv([ units(), glob('t/*.t') ]) unless @{ $app->argv };
    $ENV{IIIF_LIB} //= 'apxs-build/lib'; # where the module to be tested lies
    die "there is no test to run\n" unless @{ $app->argv };
    return 1 unless grep { m{(^|/)t/[^/]+\.t$} } @{ $app->argv };
    system($^X, 't/TEST.pl', '-start-httpd');

    # Apache::Test can fail and still exit 0, and then every test would "skip".
    die "httpd did not start; see t/logs/error_log\n" unless running();
    $owner = $$;
    return 1;
}

# Compiled TAP programs, one for each t/unit/*_test.c; one that was not built is an error.
sub units {
    my @sources = glob('t/unit/*_test.c');
    my @units = map { m{([^/]+)_test\.c$}; "apxs-build/lib/t/$1" } @sources;

    -x $_ or die "$_ was not built\n" for @units;
    return @units;
}

sub running {
    open my $fh, '<', 't/logs/httpd.pid' or return 0;
    my ($pid) = (<$fh> // '') =~ /^(\d+)$/;
    return $pid && kill 0, $pid;
}

END {
    my $rc = $?;
    system($^X, 't/TEST.pl', '-stop-httpd') if $owner == $$;
    $? = $rc;
}

1;
