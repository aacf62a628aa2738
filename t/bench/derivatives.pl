#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Renders that are kept, beside static files of the same bytes, asked for in the same order, from the same httpd; and
# many who ask for the same image at once, with a store and without. Goals stand beside the figures; nothing is asserted.
#
#   PROVE=perl apxs-build/run-tests t/bench/derivatives.pl
#   BENCH_SCALE=0.1 PROVE=perl apxs-build/run-tests t/bench/derivatives.pl     a tenth of the requests, one round
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Cwd qw(getcwd);
use File::Path qw(make_path);
use List::Util qw(min shuffle);
use Time::HiRes qw(time);
use IIIF::Load qw(measured load write_list get_all compare slurp spew header_line table_line);
use IIIF::PrivateHttpd ();

$| = 1;
my $SCALE = $ENV{BENCH_SCALE} // 1;
my $ROUNDS = $SCALE < 0.3 ? 1 : 5;
my @CONNECTIONS = (1, 8, 32);
my $TILE = 256;
my @FULL = (4001, 3003);

my $CONF = measured(2, 64) . <<'CONF';
EnableSendfile On
AddType image/jpeg .jpg
<Directory />
    AllowOverride None
</Directory>
CONF

srand 20;    # the same order each time
my $httpd = IIIF::PrivateHttpd->new(conf => $CONF);
my $directory = $httpd->directory;

make_path("$directory/images", "$directory/store");
system('vips', 'tiffsave', 'apxs-build/fixtures/images/map.jpg', "$directory/images/map.tif", '--tile', '--pyramid', '--compression', 'deflate',
    '--tile-width', $TILE, '--tile-height', $TILE) == 0 or die "vips: $?\n";
$CONF .= <<"CONF";
<Directory $directory/images>
    Require all granted
</Directory>
IIIFImageRoot /iiif $directory/images
IIIFImageRoot /fresh $directory/images
<Location /iiif>
    IIIFDerivativeStore $directory/store 1G
</Location>
CONF
$httpd->configure($CONF);

# All tiles of four levels
sub tiles {
    return map {
        my $scale = 1 << $_;
        my @side = map { int(($_ + $scale - 1) / $scale) } @FULL;
        my ($columns, $rows) = map { int(($_ + $TILE - 1) / $TILE) } @side;
        map {
            my $y = $_;
            map {
                my @at = ($_ * $TILE * $scale, $y * $TILE * $scale);
                my @region = map { min($TILE * $scale, $FULL[$_] - $at[$_]) } 0, 1;
                my @size = map { int(($_ + $scale - 1) / $scale) } @region;
                join '/', 'map.tif', join(',', @at, @region), join(',', @size), '0', 'default.jpg';
            } 0 .. $columns - 1
        } 0 .. $rows - 1
    } 0 .. 3;
}

# -- hits

printf "%s; load average %s", 'derivatives', slurp('/proc/loadavg');
$httpd->start;
my (@tiles, @static) = shuffle tiles();
get_all($httpd, '', sub {
    my (undef, undef, $body) = @_;
    push @static, sprintf '/static/%d/%d.jpg', @static / 100, @static % 100;
    spew("$directory/htdocs$static[-1]", $body);
}, map { "/iiif/$_" } @tiles);
my @order = shuffle((0 .. $#tiles) x (1 + int(30 * $SCALE)));
my @kinds = (
    { name => 'static files of the same bytes', list => write_list("$directory/static.list", map { $static[$_] } @order) },
    { name => 'derivatives that are kept', list => write_list("$directory/kept.list", map { "/iiif/$tiles[$_]" } @order), goal => '0.85 of req/s' },
);
printf "\n%d tiles, each asked for %d times, %.0f bytes on average\n", scalar @tiles, @order / @tiles,
    List::Util::sum(map { -s "$directory/htdocs$_" } @static) / @static;
sleep 3;    # a source that was written to just now is not remembered,
load($httpd, $kinds[1], 32);    # and each child learns for itself
print header_line();
for my $connections (@CONNECTIONS) {
    my @figures = compare($httpd, rounds => $ROUNDS, connections => $connections, kinds => \@kinds);
    print map { table_line($kinds[$_], $connections, $figures[$_]) } 0 .. $#kinds;
}

# -- the same tiles, rendered

my @fresh = (
    { name => 'derivatives that are kept', list => write_list("$directory/once.list", map { "/iiif/$_" } @tiles) },
    { name => 'rendered each time', list => write_list("$directory/fresh.list", map { "/fresh/$_" } @tiles) },
);
print "\n", header_line();
for my $connections (1, 8) {
    my @figures = compare($httpd, rounds => 1, connections => $connections, kinds => \@fresh);
    print map { table_line($fresh[$_], $connections, $figures[$_]) } 0 .. $#fresh;
}

# -- many at once

# without a store every one is a render, and a queue that is full refuses
for my $crowd (['fresh', 8], ['iiif', 50]) {
    my ($root, $connections) = @$crowd;
    my $begun = time;
    load($httpd, { name => $root, list => write_list("$directory/crowd.list", ("/$root/map.tif/1,1,3500,2600/1200,/0/default.jpg") x 100) }, $connections);
    printf "\n100 times the same image, over %d connections, %s a store: %.1f seconds\n", $connections, $root eq 'iiif' ? 'with' : 'without',
        time - $begun;
}
$httpd->stop;
