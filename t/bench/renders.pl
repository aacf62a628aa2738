#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Images that have to be made, of pyramids: the whole at two sizes, and regions and sizes at random, beside iipsrv and
# beside npm's iiif-processor (sharp, libvips) on the same files, at equal JPEG quality: of photographs, and of clouds
# under noise, whose tiles are twice as long, so that more of the time goes to the decoder that all have in common. What
# they look like beside a reference, and how many bytes they are, is printed with it. Nothing is asserted about times.
#
#   make -f Makefile.apxs bench
#   BENCH_SCALE=0.1 PROVE=perl apxs-build/run-tests t/bench/renders.pl     a tenth of the requests, one round
#   PROVE=perl apxs-build/run-tests t/bench/renders.pl speed               one section alone: speed, looks
#
# Columns as in tiles.pl. A list goes over its sources in turn, so that caches of decoded tiles help less; the largest
# are not asked of iiif-processor, which reads a file as a whole for each request.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Cwd qw(getcwd);
use HTTP::Tiny ();
use List::Util qw(min);
use Time::HiRes qw(time);
use IIIF::Iipsrv ();
use IIIF::Load qw(measured load write_list compare median slurp header_line table_line);
use IIIF::NodeServer ();
use IIIF::PrivateHttpd ();

$| = 1;
my $SCALE = $ENV{BENCH_SCALE} // 1;
my $ROUNDS = $SCALE < 1 ? 1 : 3;
my $CONNECTIONS = 8;
my $QUALITY = 85;
chomp(my $PROCESSORS = `nproc`);
my $SOURCES = getcwd() . '/apxs-build/bench/sources';
my $NODE = getcwd() . '/apxs-build/bench/node';
my @PHOTOS = map { s{.*/(photos/)}{$1}r } glob "$SOURCES/photos/*.tif";
my @SMALL = map { "many/$_.tif" } 1 .. 50;
my @MIDDLE = map { "middle/$_.tif" } 1 .. 12;
my @BIG = map { "big$_.tif" } 1 .. 3;

my $CONF = measured(2, 32) . <<"CONF";
<Directory />
    AllowOverride None
</Directory>
<Directory $SOURCES>
    Require all granted
</Directory>
IIIFImageRoot /iiif $SOURCES
IIIFQuality jpg $QUALITY
CONF

srand 20;    # the same requests each time

# -- what is asked ------------------------------------------------------------------------------

sub dimensions {
    my ($name) = @_;
    return map { scalar `vipsheader -f $_ $SOURCES/$name` + 0 } qw(width height);
}

my %full = ((map { $_ => [ dimensions($_) ] } @PHOTOS, @BIG), (map { $_ => [ dimensions('many/1.tif') ] } @SMALL),
    (map { $_ => [ dimensions('middle/1.tif') ] } @MIDDLE));

sub random_between { my ($from, $to) = @_; return $from + int rand($to - $from + 1) }

# A region at a size that is not above its own; sides of either independent of the other's.
sub random_part {
    my ($name) = @_;
    my @side = map { random_between(200, min($_, 6000)) } @{ $full{$name} };
    my @at = map { random_between(0, $full{$name}[$_] - $side[$_]) } 0, 1;
    return join(',', @at, @side) . '/' . random_between(100, min(1200, $side[0])) . ',';
}

my %PARAMETERS = (
    'full/!400,400' => sub { 'full/!400,400' },
    'full/1200,' => sub { 'full/1200,' },
    'regions and sizes at random' => \&random_part,
);

# -- speed --------------------------------------------------------------------------------------

my $httpd = IIIF::PrivateHttpd->new(conf => $CONF);
my $directory = $httpd->directory;
END { $httpd->stop if $httpd }    # while its directory is still there
my $iipsrv = IIIF::Iipsrv->new($httpd, $SOURCES, $PROCESSORS);

sub identifier { return $_[0] =~ s{/}{%2F}r }

# iipsrv wants "/" in a name as it is, iiif-processor a version.
my %PATH = (
    module => sub { '/iiif/' . identifier($_[0]) . "/$_[1]/0/default.jpg" },
    node => sub { '/iiif/3/' . identifier($_[0]) . "/$_[1]/0/default.jpg" },
    iipsrv => sub { "/iipsrv/iipsrv.fcgi?IIIF=$_[0]/$_[1]/0/default.jpg" },
);

sub lists {
    my ($what, $count, @names) = @_;
    my @asked = map { my $name = $names[ $_ % @names ]; [ $name, $PARAMETERS{$what}->($name) ] } 1 .. $count;
    return map {
        my $server = $_;
        $server => write_list("$directory/$server.list", map { $PATH{$server}->(@$_) } @asked)
    } keys %PATH;
}

sub restart {
    my ($conf) = @_;
    $httpd->stop;
    $httpd->configure($conf);
    $httpd->start;
    return;
}

# The configuration of the way to run iipsrv that answers most of these.
sub fastest_way {
    my %list = lists('full/!400,400', 200, @SMALL);
    my @best = (0);

    for my $way ($iipsrv->ways) {
        restart($CONF . $way->[1]);
        my $kind = { name => "iipsrv, $way->[0]", list => $list{iipsrv}, beside => [ $iipsrv->pids ] };
        load($httpd, $kind, $CONNECTIONS);    # starts the processes
        my $rate = load($httpd, $kind, $CONNECTIONS)->{rate};
        printf "  %-42s %6.0f req/s\n", $kind->{name}, $rate;
        @best = ($rate, @$way) if $rate > $best[0];
    }
    return @best[ 1, 2 ];
}

# Of one process with sharp's own threads and one process a processor, the one that answers more.
sub fastest_node {
    my %list = lists('full/!400,400', 100, @SMALL);
    my @best = (0);

    for my $processes (1, $PROCESSORS) {
        my $node = IIIF::NodeServer->new($NODE, $SOURCES, $processes);
        my $kind = { name => "iiif-processor, $processes process" . ($processes > 1 ? 'es' : ''), list => $list{node} };
        load($node, $kind, $CONNECTIONS);
        my $rate = load($node, $kind, $CONNECTIONS)->{rate};
        printf "  %-42s %6.0f req/s\n", $kind->{name}, $rate;
        @best = ($rate, $node, $kind->{name}) if $rate > $best[0];
    }
    return @best[ 1, 2 ];
}

sub beside {
    my ($what, $count, $names, @rivals) = @_;
    my @megapixels = map { $full{$_}[0] * $full{$_}[1] / 1e6 } @$names;
    my %list = lists($what, int($count * $SCALE), @$names);
    my @kinds = map { { name => $_->{name}, server => $_->{server}, beside => $_->{beside}, list => $list{ $_->{list} } } } @rivals;

    printf "\n%s of %d %s of %.0f megapixels\n", $what, scalar @$names, $names->[0] =~ /^photos/ ? 'photographs' : 'pyramids',
        median(@megapixels);
    print header_line();
    for my $rival (@kinds) {    # each pair for itself: what it does otherwise does not meet the other
        my @pair = ($rival, { name => 'mod_iiif_image', list => $list{module},
            goal => $rival->{server} ? '3 of req/s' : '1.5 of req/s' });
        load($httpd, $pair[1], $CONNECTIONS);
        my @figures = compare($httpd, rounds => $ROUNDS, connections => $CONNECTIONS, kinds => \@pair);
        print map { table_line($pair[$_], $CONNECTIONS, $figures[$_]) } 0, 1;
    }
    return;
}

sub speed {
    print "\nthe fastest of these:\n";
    my ($way, $conf) = fastest_way();
    my ($node, $node_name) = fastest_node();
    my $iip = { name => "iipsrv, $way", list => 'iipsrv', beside => [ $iipsrv->pids ] };
    my $processor = { name => $node_name, list => 'node', server => $node };

    restart($CONF . $conf);
    for my $what (sort keys %PARAMETERS) {
        beside($what, 300, \@PHOTOS, $iip, $processor);
        beside($what, 300, \@SMALL, $iip, $processor);
        beside($what, 240, \@MIDDLE, $iip, $processor);
        beside($what, 300, \@BIG, $iip);
    }
    return;
}

# -- looks --------------------------------------------------------------------------------------

sub vips {
    system('vips', @_) == 0 or die "vips @_ failed\n";
    return;
}

# Decibels between two images of the same size; -1: they are not of the same size.
sub psnr {
    my ($one, $other) = @_;
    for my $field (qw(width height)) {
        return -1 if `vipsheader -f $field $one` != `vipsheader -f $field $other`;
    }
    vips('subtract', $one, $other, "$directory/difference.v");
    vips('multiply', "$directory/difference.v", "$directory/difference.v", "$directory/squared.v");
    my $mean = `vips avg $directory/squared.v`;
    return $mean > 0 ? 10 * log(255**2 / $mean) / log 10 : 99;
}

# Lanczos of the largest level, and no JPEG.
sub reference {
    my ($name, $region, $width) = @_;
    my ($x, $y, $w, $h) = $region eq 'full' ? (0, 0, @{ $full{$name} }) : split /,/, $region;
    my $file = "$directory/reference.v";

    vips('extract_area', "$SOURCES/$name", "$directory/region.v", $x, $y, $w, $h);
    vips('resize', "$directory/region.v", $file, $width / $w);
    return $file;
}

sub get {
    my ($server, $path) = @_;
    my $answer = HTTP::Tiny->new->get('http://127.0.0.1:' . $server->port . $path);
    die "$path: $answer->{status}\n" if $answer->{status} != 200;
    return $answer->{content};
}

sub looks {
    my ($way, $conf) = @{ ($iipsrv->ways)[2] };
    my $node = IIIF::NodeServer->new($NODE, $SOURCES, 1);
    my @servers = ([ 'mod_iiif_image', $httpd, 'module' ], [ 'iipsrv', $httpd, 'iipsrv' ],
        [ 'iiif-processor', $node, 'node' ]);

    restart($CONF . $conf);
    print "\nbytes, and decibels (PSNR) to a Lanczos of the largest level\n";
    printf "%-28s" . ' %24s' x @servers . "\n", 'many/1.tif', map { $_->[0] } @servers;
    for my $request ([ 'full', 400 ], [ 'full', 1200 ], [ '100,200,1000,900', 500 ], [ '512,512,700,700', 630 ]) {
        my ($region, $width) = @$request;
        my $reference = reference('many/1.tif', $region, $width);
        printf '%-28s', "$region/$width,";
        for my $server (@servers) {
            my $bytes = get($server->[1], $PATH{ $server->[2] }->('many/1.tif', "$region/$width,"));
            open my $file, '>:raw', "$directory/made.jpg" or die "made.jpg: $!\n";
            print $file $bytes;
            close $file or die "made.jpg: $!\n";
            printf ' %15d %5.1f dB', length $bytes, psnr("$directory/made.jpg", $reference);
        }
        print "\n";
    }
    return;
}

# -- the report ---------------------------------------------------------------------------------

my @SECTIONS = ([ speed => \&speed ], [ looks => \&looks ]);
my %wanted = map { $_ => 1 } @ARGV ? @ARGV : map { $_->[0] } @SECTIONS;
my $started = time;

printf "%d processors, load average %s", $PROCESSORS, slurp('/proc/loadavg');
printf "iipsrv %s, iiif-processor %s\n", $iipsrv->version, IIIF::NodeServer::version($NODE);
$_->[1]->() for grep { $wanted{ $_->[0] } } @SECTIONS;
printf "\nall of this took %.0f seconds\n", time - $started;
