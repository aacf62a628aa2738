# SPDX-License-Identifier: Apache-2.0
# Hours of use in short: more than 20,000 renders of all that can be read and written, in a store that evicts all the
# while, with damaged files, clients that hang up, and requests that are wrong. What a child holds does not grow.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use IIIF::Load qw(median processes);
use IIIF::PrivateHttpd qw(steady_children slurp);
use File::Temp ();
use IO::Socket::INET ();
use POSIX ();

my $CLIENTS = 4;
my $ASKED = 1100;      # requests between two looks, of all clients
my $WARM = 5;          # looks that nothing is said of
my $LOOKS = 17;        # behind these
my $MEDIAN_OF = 5;     # of the first looks, and of the last
my $RENDERS = 20_000;
my $GROWTH = 1.1;
my $STORE = '1M';
my $BLOCK = 4096;      # that a derivative takes at least

srand 20;

# -- what is asked

# Read by every loader; how often, and the sides that are asked of. A large one costs what lies above the region.
my @SOURCES = map { my ($often, $width, $height, @names) = @{$_}; map { ([ $_, $width, $height ]) x $often } @names } (
    [ 12, 480, 320, qw(small.jpg small.png tiles.tif strips.tif) ],
    [ 4,  480, 320, qw(oriented-6.jpg gray.jpg wide-gamut.jpg rgba.png gray-alpha.png palette.png 1-bit.png 16-bit.png alpha.tif big.tif) ],
    [ 2,  480, 320, qw(progressive.jpg interlaced.png float-1.tif gray-16-bit.tif g4.tif lab.tif lossy.webp alpha.webp transparent.gif) ],
    [ 1,  480, 320, qw(animated.gif gray.jp2 small.avif small.heic small.jxl) ],
    [ 4,  256, 256, qw(cmyk.jpg cmyk-profile.jpg cmyk.tif) ],
    [ 6,  1000, 800, qw(plain.jpg plain.png sparse-jpeg.tif) ],
    [ 1,  1000, 800, qw(tiled.jp2 untiled.jp2 precincts.jp2 quarters.svg) ],
    [ 1,  240, 192, qw(pages.pdf) ],
    [ 12, 2001, 1501, qw(levels-ceil.tif levels-floor.tif) ],
    [ 12, 4001, 3003, qw(map.tif map-subifd.tif) ],
);

# Written by every encoder: how often, and the widest that is asked for
my @FORMATS = map { my ($often, @format) = @{$_}; ([@format]) x $often } (
    [ 50, 'jpg', 200 ], [ 20, 'png', 160 ], [ 12, 'webp', 120 ], [ 6, 'gif', 80 ], [ 8, 'tif', 160 ],
    [ 2, 'jp2', 60 ], [ 2, 'pdf', 120 ], [ 1, 'avif', 40 ], [ 1, 'jxl', 40 ],
);
my @ROTATIONS = ((0) x 12, 90, 180, 270, '!0', '!90', 22.5);
my @QUALITIES = (('default') x 6, 'color', 'gray', 'bitonal');

my @DAMAGED = qw(cut.jpg cut-progressive.jpg cut.png cut.tif cut-pyramid.tif cut.webp cut.gif cut.jp2 cut.avif cut.heic
    noise-in-middle.jpg noise-in-middle.png noise-in-tiles.tif zeros.gif lost-tiles.tif text.png empty.jpg);

sub one_of { return $_[ int rand @_ ] }

sub render {
    my ($name, $width, $height) = @{ one_of(@SOURCES) };
    my ($format, $widest) = @{ one_of(@FORMATS) };
    my ($x, $y) = (int rand $width / 2, int rand $height / 2);
    my ($across, $down) = map { 20 + int rand $_ / 2 - 20 } $width, $height;
    my $size = 10 + int rand $widest - 10;

    $size = 2 * $across if $size > 2 * $across;
    my $enlarged = $size > $across ? '^' : '';
    return [ "$name/$x,$y,$across,$down/$enlarged$size,/" . one_of(@ROTATIONS) . '/' . one_of(@QUALITIES) . ".$format", 200 ];
}

# A tile that info.json announces, which is kept at once; and one that is sent as it is stored
sub tile {
    my ($column, $row) = map { int rand $_ } 3, 3;
    return [ one_of('plain.png', 'plain.jpg', 'raw/even-420.tif') . sprintf('/%d,%d,256,256/256,256/0/default.jpg', $column * 256, $row * 256), 200 ];
}

# What cannot be answered, by whose fault ever
sub refused {
    return one_of(
        [ 'small.png/0,0,0,0/max/0/default.jpg', 400 ], [ 'small.png/full/100,/400/default.jpg', 400 ], [ 'absent.png/full/max/0/default.jpg', 404 ],
        [ 'damaged/huge.png/full/max/0/default.jpg', 413 ], map { [ "damaged/$_/full/" . (50 + int rand 100) . ',/0/default.jpg', 500 ] } @DAMAGED
    );
}

sub document {
    return [ one_of(map { $_->[0] } @SOURCES) . one_of('/info.json', '.dzi', '_zdata/ImageProperties.xml'), 200 ];
}

# A tenth of a second and more, of which nobody sees the end: 'gone'
sub abandoned {
    return [ 'plain.png/0,0,900,' . (600 + int rand 200) . '/^1800,/' . one_of(0, 90, 30) . '/default.png', 'gone' ];
}

# [PATH, STATUS], ...; about one in ten is asked again a little later, so that it is kept, and once more, so that it is
# found, unless it has been evicted.
sub requests {
    my ($count) = @_;
    my @asked;

    while (@asked < $count) {
        my $dice = rand;
        push @asked,
              $dice < 0.85  ? render()
            : $dice < 0.90  ? tile()
            : $dice < 0.93  ? refused()
            : $dice < 0.95  ? document()
            : $dice < 0.954 ? abandoned()
            : @asked > 40   ? ($asked[-40]) x 2
            :                 render();
    }
    return @asked;
}

# -- who asks

# Asks for one after the other; says what went wrong.
sub client {
    my ($port, @asked) = @_;
    my ($socket, @wrong);

    for my $asked (@asked) {
        my ($path, $want) = @{$asked};
        $socket //= IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) // die "no connection: $!\n";
        print {$socket} "GET /iiif/$path HTTP/1.1\r\nHost: localhost\r\n\r\n";
        $socket->flush;
        my ($got, $last) = $want eq 'gone' ? ('gone', 1) : answer($socket);
        push @wrong, "$path: $got" if $got ne $want;
        undef $socket if $last;
    }
    return @wrong;
}

# Its status, and whether the connection ends with it; bodies are dropped.
sub answer {
    my ($socket) = @_;
    my $head = do { local $/ = "\r\n\r\n"; readline $socket } // return ('no answer', 1);
    my ($status, $length) = ($head =~ m{^HTTP/1.1 (\d+)}, $head =~ /^Content-Length: (\d+)/mi) or return ($head, 1);

    return ("$status of unknown length", 1) unless defined $length;
    return ("$status without its end", 1) if $length && (read($socket, my $body, $length) // 0) != $length;
    return ($status, $head =~ /^Connection: close/mi ? 1 : 0);
}

# All clients at once, each its share
sub ask_all {
    my ($port, @asked) = @_;
    my @pipes = map {
        my $number = $_;
        my $pid = open my $pipe, '-|';
        die "fork: $!\n" unless defined $pid;
        if (!$pid) {
            print map { "$_\n" } eval { client($port, @asked[ grep { $_ % $CLIENTS == $number } 0 .. $#asked ]) }, $@ || ();
            close STDOUT;
            POSIX::_exit(0);
        }
        $pipe;
    } 0 .. $CLIENTS - 1;

    return map { my $pipe = $_; chomp(my @said = <$pipe>); close $pipe; @said } @pipes;
}

# -- what the only child holds

sub held {
    my ($child) = @_;
    my $pages = (split ' ', slurp("/proc/$child/statm"))[1];
    my @files = glob "/proc/$child/fd/*";

    die "the descriptors of $child cannot be counted\n" unless @files;
    return { memory => $pages * POSIX::sysconf(POSIX::_SC_PAGESIZE) / (1 << 20), files => scalar @files };
}

sub typical {
    my ($what, @looks) = @_;
    return median(map { $_->{$what} } @looks);
}

# ----------------------------------------------------------------------------------------------

my $store = File::Temp->newdir(TMPDIR => 1);
my $httpd = IIIF::PrivateHttpd->new(conf => steady_children(1, 16) . <<"CONF");
MaxKeepAliveRequests 0
LogLevel warn
IIIFImageRoot /iiif \${FIXTURES}/images
IIIFSourceFormats jpeg png tiff jp2 webp gif heif avif jxl pdf svg
IIIFDerivativeStore $store $STORE
IIIFRenderThreads 4
IIIFRenderMemory 512M
IIIFRenderQueue 64 60
LogFormat "%>s %{iiif-plan}n %{iiif-store}n" fates
CustomLog fates.log fates
CONF
$httpd->start;
my ($child, @others) = processes($httpd);
is_deeply \@others, [], 'there is one child';
my (@wrong, @looks);
for my $look (1 .. $WARM + $LOOKS) {
    push @wrong, ask_all($httpd->port, requests($ASKED));
    push @looks, held($child);
    note sprintf '%6d requests: %.1f MB, %d files', $look * $ASKED, @{ $looks[-1] }{qw(memory files)};
}
is_deeply [ processes($httpd) ], [$child], '  from beginning to end';
$httpd->stop;

my %fates;
$fates{$_}++ for split /\n/, slurp($httpd->directory . '/fates.log');
my %of = map { my $fate = $_; my $sum = 0; $sum += $fates{$_} for grep { /$fate/ } keys %fates; ($fate => $sum) }
    '^200 render', '^200 static hit', '^200 render stored', '^200 raw', '^[45]';
is_deeply [ splice @wrong, 0, 5 ], [], 'every request is answered as it should be';
cmp_ok $of{'^200 render'}, '>=', $RENDERS, "more than $RENDERS renders were made";
cmp_ok $of{$_}, '>=', 100, "and 100 and more of: $_" for '^200 static hit', '^200 raw', '^[45]';
cmp_ok $of{'^200 render stored'} * $BLOCK, '>', 3 * (1 << 20), "  and thrice the store's size was written to it";
splice @looks, 0, $WARM;
my @first = splice @looks, 0, $MEDIAN_OF;
my @last = splice @looks, -$MEDIAN_OF;
cmp_ok typical('memory', @last), '<=', $GROWTH * typical('memory', @first), 'megabytes do not grow by a tenth'
    or diag 'from ' . join(' ', map { sprintf '%.1f', $_->{memory} } @first) . ' to ' . join ' ', map { sprintf '%.1f', $_->{memory} } @last;
cmp_ok typical('files', @last), '<=', $GROWTH * typical('files', @first), '  nor open files';
is join('', grep { /exit signal|:(?:crit|alert|emerg)\]/ } split /^/, $httpd->error_log), '', '  and nothing ended badly';

done_testing;
