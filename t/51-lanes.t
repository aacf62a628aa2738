# SPDX-License-Identifier: Apache-2.0
# Many renders at once harm nobody: they wait, are refused, or are cut when their client has gone; what costs
# little is answered all the time. Under each MPM, over HTTP/1.1 and HTTP/2, and when children are killed.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use HTTP::Response ();
use IO::Select ();
use IO::Socket::INET ();
use IIIF::Client qw(get ask h2);
use IIIF::Load qw(processes);
use IIIF::PrivateHttpd qw(steady_children);

# Enlarged to 80 megapixels, and a PNG: more than ten seconds of work; and one of milliseconds
my $HEAVY = '/iiif/plain.png/full/^10000,8000/0/default.png';
my $LIGHT = '/iiif/plain.jpg/0,0,200,200/100,/0/default.jpg';
# 4001 x 3003: uncompressed, it is more than sockets hold
my $LONG = '/iiif/map.jpg/full/max/0/default.png';

sub conf {
    my ($renders) = @_;
    my $children = steady_children(2, 64);
    return <<"CONF";
IIIFImageRoot /iiif \${FIXTURES}/images
IIIFUpscale 10
$renders
<Location /status>
    SetHandler iiif-status
</Location>
LogFormat "%U %>s plan=%{iiif-plan}n lane=%{iiif-lane}n wait=%{iiif-wait}n refused=%{iiif-refused}n" lanes
CustomLog lanes_log lanes
<IfModule http2_module>
    Protocols h2c http/1.1
</IfModule>
<IfModule !mpm_prefork_module>
$children</IfModule>
<IfModule mpm_prefork_module>
    StartServers 40
    ServerLimit 60
    MaxRequestWorkers 60
</IfModule>
CONF
}

my $TWO = "IIIFRenderThreads 2\nIIIFRenderMemory 4G\nIIIFRenderQueue 6 60\n";

sub start {
    my ($renders, %arguments) = @_;
    my $httpd = IIIF::PrivateHttpd->new(conf => conf($renders), %arguments);
    $httpd->start;
    $IIIF::Client::PORT = $httpd->port;
    return $httpd;
}

# What the status page says, as a hash.
sub status { return { get('/status')->content =~ /^(\S+) (\d+)$/mg } }

sub running {
    my ($status) = @_;
    return $status->{'running-small'} + $status->{'running-large'};
}

# Wait until the status page says so; fails with what it says.
sub comes_to {
    my ($what, $condition) = @_;
    my $last;
    my $came = IIIF::PrivateHttpd::until_true(sub { $last = status(); $condition->($last) });
    ok $came, $what or diag join ', ', map { "$_ $last->{$_}" } sort keys %$last;
    return $last;
}

# A client that asks, and does not read yet.
sub asking {
    my ($path) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $IIIF::Client::PORT) or die "no connection: $!\n";
    print $socket "GET $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    $socket->flush;
    return $socket;
}

sub heavy { return map { asking($HEAVY) } 1 .. $_[0] }

sub answer {
    my ($socket) = @_;
    local $/;
    return HTTP::Response->parse(scalar(<$socket>) // '');
}

# The answers that are there, when so many are.
sub answers {
    my ($count, @sockets) = @_;
    my $waiting = IO::Select->new(@sockets);
    my @answers;

    IIIF::PrivateHttpd::until_true(sub {
        for my $socket ($waiting->can_read(0.02)) {
            push @answers, answer($socket);
            $waiting->remove($socket);
        }
        return @answers >= $count;
    });
    return @answers;
}

# -- 32 clients ask for large images without end

sub cheap_is_answered {
    my ($what) = @_;
    my $tile = get('/iiif/raw%2Feven-420.tif/256,256,256,256/max/0/default.jpg');
    is $tile->code, 200, "$what: a tile is sent";
    is get('/iiif/plain.png/info.json')->code, 200, "$what: info.json too";
    is get('/iiif/raw%2Feven-420.tif/256,256,256,256/max/0/default.jpg', 'If-None-Match' => $tile->header('ETag'))->code, 304,
        "$what: 304 where nothing changed";
    is ask('HEAD', $HEAVY)->code, 200, "$what: HEAD of a large image";
    is get($LIGHT)->code, 200, "$what: and a small render finds its way";
    return;
}

sub refused_well {
    my ($what, @refused) = @_;
    is_deeply [ grep { $_->code != 503 } @refused ], [], "$what: with 503";
    is_deeply [ grep { ($_->header('Retry-After') // '') !~ /\A(?:[1-9]|[12][0-9]|30)\z/ } @refused ], [],
        '  and a time at which to come again';
    is_deeply [ grep { ($_->header('Cache-Control') // '') ne 'no-store' || $_->header('ETag') } @refused ], [],
        '  which nobody keeps';
    like $refused[0]->content, qr/^too many images are being made at once; try again in \d+ s$/, '  and a sentence';
    return;
}

sub overloaded {
    my ($mpm, @without) = @_;
    my $httpd = start($TWO, mpm => $mpm, without => \@without);
    my @clients = heavy(32);
    comes_to("$mpm: one large render, and six that wait", sub { $_[0]{'running-large'} == 1 && $_[0]{waiting} == 6 });
    refused_well("$mpm: the others are refused", answers(25, @clients));
    cheap_is_answered($mpm);
    my $status = status();
    is $status->{'running-large'}, 1, "$mpm: all the while the large one runs";
    is $status->{'refused-full'}, 25, '  and 25 are counted';
    cmp_ok $status->{'memory-large'}, '>', 80e6, '  with the memory it may take';
    close $_ for @clients;
    my $after = comes_to("$mpm: when all have hung up, nothing runs and nothing waits", sub { !running($_[0]) && !$_[0]{waiting} });
    is $after->{'gone-running'} + $after->{'gone-waiting'}, 7, '  as all seven were dropped';
    cmp_ok $after->{'gone-running'}, '>=', 1, '  in the middle of their work, too';
    is "$after->{'memory-small'} $after->{'memory-large'}", '0 0', '  and no memory is taken';
    is get($LIGHT)->code, 200, '  and it goes on';
    $httpd->stop;
    my $log = IIIF::PrivateHttpd::slurp($httpd->directory . '/lanes_log');
    like $log, qr/^\Q$LIGHT\E 200 plan=render lane=small wait=0 refused=-$/m, "$mpm: notes of a small render";
    is scalar(() = $log =~ /503 plan=- lane=large wait=\d+ refused=full$/mg), 25, '  of what was refused, and is no render';
    is scalar(() = $log =~ /503 plan=render lane=large wait=\d+ refused=gone$/mg), 7, '  and of what was dropped';
    unlike $httpd->error_log, qr/:(?:warn|error|crit|alert|emerg)\]|exit signal/, '  and nothing in the error log';
    return;
}

overloaded('event');
overloaded('worker');
overloaded('prefork', 'http2_module');

# -- who waits too long; and what may stand behind a request on its connection

{
    my $httpd = start("IIIFRenderThreads 1\nIIIFRenderMemory 4G\nIIIFRenderQueue 4 1\n");
    my ($running) = heavy(1);
    comes_to('one runs', sub { running($_[0]) == 1 });
    my ($refused) = answers(1, asking($LIGHT));
    refused_well('who has waited as long as is allowed is refused', $refused);
    is status()->{'refused-waited'}, 1, '  and counted';

    my $half = asking($LIGHT);
    comes_to('a client waits', sub { $_[0]{waiting} == 1 });
    $half->shutdown(1);
    comes_to('when it closes its sending side, it counts as gone', sub { !$_[0]{waiting} && $_[0]{'gone-waiting'} == 1 });
    close $running;
    comes_to('the running one is cut', sub { !running($_[0]) });

    my $pipelined = IIIF::Client::raw("GET $LIGHT HTTP/1.1\r\nHost: localhost\r\n\r\n"
            . "GET /iiif/plain.png/info.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    is_deeply [ $pipelined =~ m{HTTP/1\.1 (\d+)}g ], [ 200, 200 ], 'a request that was sent behind another is not lost';
    $httpd->stop;
}

# -- what can never fit

{
    my $httpd = start("IIIFRenderThreads 2\nIIIFRenderMemory 64M\nIIIFRenderQueue 4 1\n");
    my $refused = get($HEAVY);
    is $refused->code, 413, 'what can never fit is refused for good';
    like $refused->content, qr/\Athis image would take about \d+ MB of memory to make, more than the 64 MB of IIIFRenderMemory\n\z/,
        '  with a sentence';
    is $refused->header('Retry-After'), undef, '  and without a time';
    is get($LIGHT)->code, 200, '  and what fits, is made';
    is status()->{'refused-too-big'}, 1, '  and it is counted';
    $httpd->stop;
}

# -- an answer that nobody reads

{
    my $httpd = start("IIIFRenderThreads 2\nIIIFRenderMemory 4G\nIIIFRenderQueue 4 60\nIIIFEffort png 0\n");
    my $large = asking($LONG);
    comes_to('a large image is made', sub { $_[0]{admitted} == 1 && !running($_[0]) });
    my $kept = status()->{'memory-large'};
    cmp_ok $kept, '>', 36e6, '  and counted as long as its client does not read it';
    my $small = asking($LIGHT);
    is answer($small)->code, 200, '  while others are answered';
    is status()->{'memory-large'}, $kept, '  all the time';
    my $answer = answer($large);
    is $answer->header('Content-Length'), $kept, '  as what it is';
    comes_to('  until it has been sent', sub { !$_[0]{'memory-large'} });

    $large = asking($LONG);
    comes_to('another one', sub { $_[0]{admitted} == 3 && !running($_[0]) && $_[0]{'memory-large'} == $kept });
    close $large;
    comes_to('  or until its client has gone', sub { !$_[0]{'memory-large'} });
    $httpd->stop;
}

# -- in shadow nothing is refused

{
    my $httpd = start("IIIFRenderThreads 1\nIIIFRenderMemory 64M\nIIIFRenderQueue 0 1 shadow\n");
    my @clients = heavy(2);
    comes_to('in shadow all run at once', sub { running($_[0]) == 2 });
    is get($LIGHT)->code, 200, '  and more is let in';
    my $status = status();
    is "$status->{'refused-full'} $status->{'refused-too-big'} $status->{waiting}", '1 2 0', '  and counted';
    like $httpd->error_log, qr/:info\].*IIIF0013: \Q$LIGHT\E: would be refused: full$/m, '  and told the log';
    like $httpd->error_log, qr/:info\].*IIIF0013: \S+: would be refused: too-big$/m, '  with the reason';
    close $_ for @clients;
    comes_to('  until their clients have gone', sub { !running($_[0]) });
    $httpd->stop;
}

# -- HTTP/2: a connection that is closed; a stream that is reset, on one that stays

sub frame {
    my ($type, $flags, $stream, $payload) = @_;
    return pack('N', length($payload) << 8 | $type) . pack('CN', $flags, $stream) . $payload;
}

# A literal field without indexing, and without Huffman's codes (RFC 7541, 6.2.2); the length of either below 127.
sub field { return "\0" . join '', map { chr(length $_) . $_ } @_ }

sub h2_asking {
    my ($path) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $IIIF::Client::PORT) or die "no connection: $!\n";
    my $fields = field(':method', 'GET') . field(':scheme', 'http') . field(':authority', 'localhost') . field(':path', $path);
    print $socket "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . frame(4, 0, 0, '') . frame(1, 5, 1, $fields);
    $socket->flush;
    return $socket;
}

{
    my $httpd = start($TWO);
    my $closing = h2_asking($HEAVY);
    comes_to('HTTP/2: one runs', sub { running($_[0]) == 1 });
    close $closing;
    comes_to('  and is cut when the connection is closed', sub { !running($_[0]) && $_[0]{'gone-running'} == 1 });

    my @streams = (h2_asking($HEAVY), h2_asking($HEAVY));
    comes_to('HTTP/2: one runs, one waits', sub { running($_[0]) == 1 && $_[0]{waiting} == 1 });
    for my $stream (@streams) {
        print $stream frame(3, 0, 1, pack 'N', 8);
        $stream->flush;
    }
    comes_to('  and both are dropped when their streams are reset', sub {
        !running($_[0]) && !$_[0]{waiting} && $_[0]{'gone-running'} + $_[0]{'gone-waiting'} == 3;
    });
    is scalar(grep { $_->connected } @streams), 2, '  on connections that stay';
    is h2($LIGHT)->code, 200, '  and it goes on';
    $httpd->stop;
}

# -- a child that is killed takes nothing with it

{
    my $httpd = start($TWO);
    my @clients = heavy(3);
    comes_to('one runs, two wait', sub { running($_[0]) == 1 && $_[0]{waiting} == 2 });
    kill 'KILL', processes($httpd);
    my $after = comes_to('when its child is killed, its share is free', sub { !running($_[0]) && !$_[0]{waiting} && $_[0]{processes} == 2 });
    is "$after->{'memory-small'} $after->{'memory-large'}", '0 0', '  with its memory';
    is get($LIGHT)->code, 200, '  and it goes on';

    @clients = asking('/iiif/plain.png/full/^8000,6400/33/default.png');    # that takes longer than a restart
    comes_to('one runs', sub { running($_[0]) == 1 });
    ok $httpd->restart, 'over a graceful restart';
    is running(status()), 1, '  it is still counted';
    close $_ for @clients;
    comes_to('  until it is done', sub { !running($_[0]) });
    $httpd->stop;
}

# -- the status page

{
    my $httpd = start($TWO);
    my $page = get('/status');
    is $page->header('Content-Type'), 'text/plain; charset=utf-8', 'the status page is text';
    is $page->header('Cache-Control'), 'no-store', '  that nobody keeps';
    is_deeply [ @{ status() }{qw(threads memory queue shadow)} ], [ 2, 4 << 30, 6, 0 ], '  and says what is set';
    is ask('POST', '/status')->code, 405, '  and is read only';
    $httpd->stop;

    $httpd = start('');
    chomp(my $processors = `getconf _NPROCESSORS_ONLN`);
    my ($pages, $size) = map { `getconf $_` + 0 } qw(_PHYS_PAGES PAGESIZE);
    is_deeply [ @{ status() }{qw(threads memory queue)} ], [ $processors + 2, int($pages * $size / 4), 32 ], 'and what is not set follows the machine';
    $httpd->stop;
}

# -- settings that make no sense

my @WRONG = (
    [ 'IIIFRenderThreads 0',            qr/IIIFRenderThreads: '0' is not a number from 1 to 1024/ ],
    [ 'IIIFRenderThreads two',          qr/IIIFRenderThreads: 'two' is not a number from 1 to 1024/ ],
    [ 'IIIFRenderMemory 15M',           qr/IIIFRenderMemory: '15M' is less than 16M/ ],
    [ 'IIIFRenderMemory 2',             qr/IIIFRenderMemory: '2' is not a size like 512M or 2G/ ],
    [ 'IIIFRenderMemory 9999999999G',   qr/IIIFRenderMemory: '9999999999G' is not a size like 512M or 2G/ ],
    [ 'IIIFRenderQueue -1 10',          qr/IIIFRenderQueue: '-1' is not a number from 0 to 65536/ ],
    [ 'IIIFRenderQueue 5 0',            qr/IIIFRenderQueue: '0' is not a number from 1 to 300/ ],
    [ 'IIIFRenderQueue 5 10 light',     qr/IIIFRenderQueue: 'light' is not shadow/ ],
    [ "<VirtualHost *>\nIIIFRenderThreads 1\n</VirtualHost>", qr/IIIFRenderThreads.* within <VirtualHost>/ ],
);
for my $wrong (@WRONG) {
    my ($said_status, $said) = IIIF::PrivateHttpd->new(conf => conf($wrong->[0]))->run('-t');
    isnt $said_status, 0, "$wrong->[0] is refused";
    like $said, $wrong->[1], '  with the reason';
}

done_testing;
