#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A site of Omeka S behind conf.d/omeka-s.conf, beside the same files by their names, and beside a stand-in for the way
# without this module: a front controller in PHP that asks the database and runs vips for each tile, or redirects to a
# tile that lies there. The stand-in does no more than that: Omeka's own start comes on top of it. Goals stand beside the
# figures; nothing is asserted about times.
#
#   PROVE=perl apxs-build/run-tests t/bench/omeka.pl       BENCH_SCALE=0.1: a tenth of the requests, one round
#
# Columns: c connections, requests a second, the time within which 99 of 100 answers are complete, and what the server and
# PHP (without vips) spend of the processor for one; each with its ratio to the first line of its group.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use File::Temp ();
use List::Util qw(min);
use Time::HiRes qw(time);
use IIIF::Load qw(write_list get_all compare load header_line table_line);
use IIIF::MariaDb ();
use IIIF::Omeka ();
use IIIF::PhpServer ();
use IIIF::PrivateHttpd ();

$| = 1;
my $SCALE  = $ENV{BENCH_SCALE} // 1;
my $ROUNDS = $SCALE < 1 ? 1 : 5;
my @LARGE  = (4000, 3000, 128);
my $MANY   = 1000;
my $started = time;

my $place = File::Temp->newdir(TMPDIR => 1);
chmod 0755, $place or die "$place: $!\n";
my $database = IIIF::MariaDb->new;
my $omeka = IIIF::Omeka->new(mariadb => $database, directory => "$place/omeka", many => $MANY, large => \@LARGE);
my $php = IIIF::PhpServer->new(8);

# -- servers ------------------------------------------------------------------------------------

sub conf_of {
    my ($httpd, $remembered) = @_;
    my $directory = $omeka->directory;
    return $httpd->load(qw(dbd socache_shmcb)) . $php->conf($httpd) . <<"CONF" . $omeka->conf('/') . <<"MORE";
StartServers 2
ServerLimit 2
ThreadsPerChild 64
MaxRequestWorkers 128
MinSpareThreads 1
MaxSpareThreads 128
LogLevel warn
EnableSendfile On
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
AddType image/jpeg .jpg
IIIFResolverCache $remembered
CONF
IIIFImageRoot /names $directory/files/original
<Location /names>
    IIIFTileStore $directory/files/tile
</Location>
<Directory $directory>
    AllowOverride None
</Directory>
MORE
}

my $httpd = IIIF::PrivateHttpd->new;
$httpd->configure(conf_of($httpd, '10000 3600'));
my $asking = IIIF::PrivateHttpd->new;
$asking->configure(conf_of($asking, '0 0'));
my $directory = $httpd->directory;

# -- what is asked for --------------------------------------------------------------------------

# Regions and sizes of all tiles of the large picture, and the file of each in a Deep Zoom
sub tiles {
    my $top = 0;
    my @found;
    ++$top while 1 << $top < $LARGE[0];
    for my $level (0 .. $top - 8) {
        my $step = 256 << $level;
        for my $row (0 .. ($LARGE[1] - 1) / $step) {
            for my $column (0 .. ($LARGE[0] - 1) / $step) {
                my @at = ($column * $step, $row * $step);
                my @region = map { min($step, $LARGE[$_] - $at[$_]) } 0, 1;
                my @size = map { ($_ + (1 << $level) - 1) >> $level } @region;
                push @found, { parameters => join('/', join(',', @at, @region), join(',', @size), '0', 'default.jpg'),
                    file => sprintf('%d/%d_%d.jpg', $top - $level, $column, $row) };
            }
        }
    }
    return @found;
}

my @TILES = tiles();

sub repeated {
    my ($times, @paths) = @_;
    my @all = (@paths) x (1 + $times * $SCALE / @paths);
    return @all[ 0 .. int($times * $SCALE) - 1 ];
}

sub list_of {
    my ($name, $times, @paths) = @_;
    return write_list("$directory/$name", repeated($times, @paths));
}

sub by_number { my ($name) = @_; return map { '/iiif/3/' . $omeka->id($name) . "/$_->{parameters}" } @TILES }
sub by_name   { my ($name) = @_; return map { '/names/' . $omeka->media($name)->{path} . "/$_->{parameters}" } @TILES }

sub show {
    my ($connections, @kinds) = @_;
    print header_line();
    for my $c (@$connections) {
        my @figures = compare($httpd, rounds => $ROUNDS, connections => $c, kinds => \@kinds);
        print map { table_line($kinds[$_], $c, $figures[$_]) } 0 .. $#kinds;
    }
    return;
}

# -- sections -----------------------------------------------------------------------------------

my %WHAT = (deepzoom => 'tiles of a Deep Zoom', tiled_tiff => 'tiles of a tiled TIFF');

sub warm {
    for my $layout (qw(deepzoom tiled_tiff)) {
        print "\n$WHAT{$layout}, the resolution being remembered\n";
        my @paths = by_number($layout);
        my $asked = $database->count(qr/FROM\s+media/, sub { get_all($httpd, '', sub { }, @paths) });
        print "queries for all ${\ scalar @paths } tiles: $asked\n";
        show([ 1, 8, 32 ],
            { name => 'by the name of the file', list => list_of("$layout.names", 8000, by_name($layout)) },
            { name => 'by the number of the media', list => list_of("$layout.numbers", 8000, @paths), goal => '0.8 of req/s' });
    }
    return;
}

sub cold {
    my @paths = map { '/iiif/3/' . $omeka->id("many$_") . '/info.json' } 1 .. $MANY;
    my $list = list_of('info', 4000, @paths);
    print "\ninfo.json of $MANY media, their files being known\n";
    get_all($_, '', sub { }, @paths) for $httpd, $asking;
    my $asked = $database->count(qr/FROM\s+media/, sub { load($asking, { name => 'cold', list => $list }, 8) });
    printf "queries for %d requests that remember nothing: %d\n", 4000 * $SCALE, $asked;
    $database->sql('SET GLOBAL general_log = 0;', 'mysql');    # which costs, too
    show([ 1, 8 ],
        { name => 'remembered', list => $list },
        { name => 'one query each', list => $list, server => $asking, goal => 'p99 5 ms more' });
    return;
}

my $FRONT_CONTROLLER = <<'PHP';
<?php
// Stands for Omeka: /old.php/way/iiif/3/ID/REGION/SIZE/0/default.jpg
[, $way, , , $id, $region, $size] = explode('/', $_SERVER['PATH_INFO']);
$ini = parse_ini_file(__DIR__ . '/config/database.ini');
$db = new PDO("mysql:unix_socket=$ini[unix_socket];dbname=$ini[dbname];charset=utf8mb4", $ini['user'], $ini['password']);
$media = $db->prepare('SELECT m.storage_id, m.extension FROM media m JOIN resource r ON r.id = m.id
    WHERE m.id = ? AND r.is_public = 1 AND m.has_original = 1');
$media->execute([$id]);
$found = $media->fetch();
[$x, $y, $w, $h] = explode(',', $region);
[$width, $height] = explode(',', $size);
if ($way === 'redirect') {
    $halved = (int) round(log($w / $width, 2));
    $level = WHOLE_LEVEL - $halved;
    header("Location: /files/tile/$found[0]_files/$level/" . ($x >> $halved + 8) . '_' . ($y >> $halved + 8) . '.jpg', true, 302);
    exit;
}
$cut = tempnam('/tmp', 'iiif') . '.v';
$made = "$cut.jpg";
exec('vips extract_area ' . escapeshellarg(__DIR__ . "/files/original/$found[0].$found[1]") . ' ' . escapeshellarg($cut) . " $x $y $w $h");
exec('vips thumbnail ' . escapeshellarg($cut) . ' ' . escapeshellarg($made) . " $width --height $height --size force");
header('Content-Type: image/jpeg');
header('Content-Length: ' . filesize($made));
readfile($made);
array_map('unlink', [$cut, $made, substr($cut, 0, -2)]);
PHP

sub old {
    my $top = (split m{/}, $TILES[0]{file})[0];
    IIIF::PrivateHttpd::spew($omeka->directory . '/old.php', $FRONT_CONTROLLER =~ s/WHOLE_LEVEL/$top/r);
    my @pids = $php->pids;
    my ($id, $stored) = ($omeka->id('deepzoom'), $omeka->media('deepzoom')->{storage_id});
    print "\ntiles of a Deep Zoom, and the way without the module (without Omeka's own start)\n";
    for my $c (1, 8) {
        my @kinds = (
            { name => 'by the number of the media', list => list_of('new', 4000, by_number('deepzoom')) },
            { name => 'PHP, and vips for each tile', list => list_of('vips', 100, map { "/old.php/vips/iiif/3/$id/$_->{parameters}" } @TILES), beside => \@pids },
            { name => 'PHP, a 302 to the tile', list => list_of('302', 1000, map { "/old.php/redirect/iiif/3/$id/$_->{parameters}" } @TILES),
                status => 302, beside => \@pids },
            { name => '  and the tile itself', list => list_of('static', 4000, map { "/files/tile/${stored}_files/$_->{file}" } @TILES) },
        );
        my @figures = compare($httpd, rounds => $ROUNDS, connections => $c, kinds => \@kinds);
        print header_line() if $c == 1;
        print map { table_line($kinds[$_], $c, $figures[$_]) } 0 .. $#kinds;
        printf "tiles a second by 302 and file: %.0f, of %.0f\n", 1 / (1 / $figures[2]{rate} + 1 / $figures[3]{rate}), $figures[0]{rate};
    }
    return;
}

my @SECTIONS = ([ warm => \&warm ], [ cold => \&cold ], [ old => \&old ]);
my %wanted = map { $_ => 1 } @ARGV ? @ARGV : map { $_->[0] } @SECTIONS;

chomp(my $processors = `nproc`);
printf "%d processors, load average %s", $processors, IIIF::Load::slurp('/proc/loadavg');
$_->start for $httpd, $asking;
$_->[1]->() for grep { $wanted{ $_->[0] } } @SECTIONS;
$_->stop for $httpd, $asking;
printf "\nall of this took %.0f seconds\n", time - $started;
