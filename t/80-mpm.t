# SPDX-License-Identifier: Apache-2.0
# The module under each MPM, over HTTP/1.1 and HTTP/2, by many clients at once; and graceful restarts
# under load, in which not one request may fail.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use IIIF::PrivateHttpd ();
use POSIX ();

my $CLIENTS  = 4;
my $REQUESTS = 400;    # of one client, at most
my $RESTARTS = 10;
my @CURL     = (qw(curl --silent --show-error --max-time 60 --output /dev/null --write-out), q(%{http_code} %{content_type}\n));
my %PROTOCOL = ('HTTP/1.1' => '--http1.1', 'HTTP/2' => '--http2-prior-knowledge');

my $CONF = <<'CONF';
LogLevel iiif_image:debug
Include ${TOP}/conf.d/iiif-image.conf
# as many as there are workers: nobody waits for a turn here
IIIFRenderThreads 64
IIIFImageRoot /iiif ${FIXTURES}/images
<IfModule http2_module>
    Protocols h2c http/1.1
</IfModule>
# few threads, so that the restarts meet busy children
<IfModule !mpm_prefork_module>
    StartServers 2
    ServerLimit 4
    ThreadsPerChild 8
    MaxRequestWorkers 32
    MinSpareThreads 8
    MaxSpareThreads 24
</IfModule>
CONF

# The n-th of endless different requests: renders of every format, documents, redirects.
sub request {
    my ($n) = @_;
    my $x = $n * 7 % 700;
    my @kinds = (
        [ "plain.png/$x,0,300,300/200,/0/default.jpg",  '200 image/jpeg' ],
        [ "plain.jpg/$x,50,256,256/max/0/default.jpg",  '200 image/jpeg' ],
        [ 'plain.png/info.json',                        '200 application/ld+json' ],
        [ "map.tif/$x,0,200,200/100,/!90/gray.png",     '200 image/png' ],
        [ "plain.jpg/$x,0,99,99/50,/22.5/default.webp", '200 image/webp' ],
        [ "plain.png/$x,0,64,64/max/0/default.gif",     '200 image/gif' ],
        [ "plain.png/$x,0,0,0/max/0/default.jpg",       '400 text/plain' ],
        [ 'plain.png',                                  '303 ' ],
        [ "plain.png/$x,0,90,90/max/0/default.jp2",     '200 image/jp2' ],
        [ "plain.jpg/full/!100,$x/0/bitonal.tif" =~ s/,0\//,9\//r, '200 image/tiff' ],
    );
    return @{ $kinds[ $n % @kinds ] };
}

# What curl says of one request, over a connection of its own: status and type, or why there is none.
sub answer {
    my ($protocol, $url) = @_;
    open my $curl, '-|', @CURL, '--globoff', $PROTOCOL{$protocol}, $url or die "curl: $!\n";
    chomp(my $answer = <$curl> // 'no answer');
    return close $curl ? $answer : "$answer, curl ended with $?";
}

# One client: COUNT requests from the FIRST on, until the file $until is there. How many went well, how
# many were made again, and what went wrong. A child that ends may close a connection of HTTP/2 before it
# has read a request from it (mod_http2 does so for files of core as well, about once in some hundred
# restarts): nothing was answered, so a client asks again, and that must go well.
sub client {
    my ($httpd, $protocol, $first, $count, $until) = @_;
    my ($good, $again, @failed) = (0, 0);

    for my $n ($first .. $first + $count - 1) {
        last if -e $until;
        my ($path, $want) = request($n);
        my $url = $httpd->origin . "/iiif/$path";
        my $answer = answer($protocol, $url);
        if ($protocol eq 'HTTP/2' && $answer =~ /^000/) {
            ++$again;
            $answer = answer($protocol, $url);
        }
        index($answer, $want) == 0 && $answer !~ /curl ended/ ? ++$good : push @failed, "$path: $answer";
    }
    return ($good, $again, @failed);
}

# $CLIENTS of them at once; returns a function that waits for all.
sub clients {
    my ($httpd, $protocol, $count) = @_;
    my $until = $httpd->directory . '/enough';
    my @pipes = map {
        my $first = $_ * 10007;
        my $pid = open my $pipe, '-|';
        die "fork: $!\n" unless defined $pid;
        if (!$pid) {
            print "$_\n" for client($httpd, $protocol, $first, $count, $until);
            close STDOUT;
            POSIX::_exit(0);
        }
        $pipe;
    } 1 .. $CLIENTS;

    return sub {
        my ($good, $again, @failed) = (0, 0);
        for my $pipe (@pipes) {
            chomp(my ($well, $twice, @badly) = <$pipe>);
            close $pipe or push @badly, 'a client died';
            $good += $well // 0;
            $again += $twice // 0;
            push @failed, @badly;
        }
        return ($good, \@failed, $again);
    };
}

# COUNT requests of each of $CLIENTS connections, eight at a time on each. Statuses by class.
sub multiplexed {
    my ($httpd, $count) = @_;
    my $file = $httpd->directory . '/urls';
    my @requests = map { [ request($_) ] } 1 .. $count;
    my %want;

    IIIF::PrivateHttpd::spew($file, join '', map { $httpd->origin . "/iiif/$_->[0]\n" } @requests);
    $want{ substr $_->[1], 0, 1 } += $CLIENTS for @requests;
    my $report = qx(h2load -n @{[ $count * $CLIENTS ]} -c $CLIENTS -m 8 -i $file 2>&1);
    my ($got) = $report =~ /^status codes: (.*)$/m;
    return ($got // $report, join ', ', map { ($want{$_} // 0) . " ${_}xx" } 2 .. 5);
}

# -- over 50 requests under each MPM; mod_http2 does not go with prefork
my %PROTOCOLS = (prefork => ['HTTP/1.1'], worker => [ 'HTTP/1.1', 'HTTP/2' ], event => [ 'HTTP/1.1', 'HTTP/2' ]);
for my $mpm (sort keys %PROTOCOLS) {
    my $httpd = IIIF::PrivateHttpd->new(mpm => $mpm, conf => $CONF, without => $mpm eq 'prefork' ? ['http2_module'] : []);
    my (undef, $version) = $httpd->run('-V');
    like $version, qr/^Server MPM:\s+$mpm$/m, "$mpm: is the MPM";
    $httpd->start;
    for my $protocol (@{ $PROTOCOLS{$mpm} }) {
        my ($good, $failed, $again) = clients($httpd, $protocol, 13)->();
        is_deeply $failed, [], "$mpm: every request over $protocol is answered as it should be";
        is $good, 13 * $CLIENTS, '  and all were made';
        is $again, 0, '  once';
    }
    if ($mpm ne 'prefork') {
        my ($got, $want) = multiplexed($httpd, 50);
        is $got, $want, "$mpm: and many at once on one connection";
    }
    $httpd->stop;
    is complaints($httpd), '', '  with nothing in the log';
}

# Lines that no run should leave. Children of an older generation are let finish, not killed.
sub complaints {
    my ($httpd) = @_;
    return join "\n", grep { /:(?:warn|error|crit|alert|emerg)\]|exit signal|still did not exit/ } split /\n/, $httpd->error_log;
}

# -- graceful restarts under load
for my $protocol ('HTTP/1.1', 'HTTP/2') {
    my $httpd = IIIF::PrivateHttpd->new(mpm => 'event', conf => $CONF);
    $httpd->start;
    my $wait = clients($httpd, $protocol, $REQUESTS);
    my $restarts = grep { $httpd->restart } 1 .. $RESTARTS;
    IIIF::PrivateHttpd::spew($httpd->directory . '/enough', '');
    my ($good, $failed, $again) = $wait->();
    unlink $httpd->directory . '/enough';
    is $restarts, $RESTARTS, "$RESTARTS graceful restarts under load over $protocol";
    is_deeply $failed, [], '  and not one request failed';
    cmp_ok $good, '>=', $CLIENTS, '  of those made meanwhile';
    cmp_ok $again, '<=', $RESTARTS, '  nearly all of them made once';
    note "$good requests, $again made again";
    my ($after, $failed_after, $again_after) = clients($httpd, $protocol, 10)->();
    is_deeply $failed_after, [], '  and it still answers';
    is $again_after, 0, '  each request at once';
    $httpd->stop;
    is complaints($httpd), '', '  with nothing in the log';
}

done_testing;
