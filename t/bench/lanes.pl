#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What renders do to everybody else: 8 clients ask for raw tiles, alone, and while 32 clients ask for full-size images of
# 300 megapixels without end. Then the 32 leave. Goals stand beside the figures; nothing is asserted.
#
#   PROVE=perl apxs-build/run-tests t/bench/lanes.pl
#   BENCH_SCALE=0.1 ...: a tenth of the tiles, one round
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Cwd qw(getcwd);
use List::Util qw(max shuffle);
use Time::HiRes qw(sleep);
use IIIF::Load qw(measured load write_list get_all median processor_time resident with_peak asking_without_end);
use IIIF::PrivateHttpd ();

$| = 1;
my $SCALE = $ENV{BENCH_SCALE} // 1;
my $ROUNDS = $SCALE < 1 ? 1 : 3;
my $TILES = 40000 * $SCALE;    # of one round
my $HEAVY_CLIENTS = 32;
my $MEMORY = 1024;             # megabytes of IIIFRenderMemory
my $SOURCES = getcwd() . '/apxs-build/bench/sources';
my @HEAVY = map { "/iiif/big$_.tif/0,0,20000,15000/max/0/default.jpg" } 1 .. 3;

my $httpd = IIIF::PrivateHttpd->new(conf => measured(2, 64) . <<"CONF");
<Directory $SOURCES>
    Require all granted
</Directory>
IIIFImageRoot /iiif $SOURCES
IIIFRenderMemory ${MEMORY}M
<Location /status>
    SetHandler iiif-status
</Location>
CONF
my $directory = $httpd->directory;

srand 20;    # the same order each time

# Tiles of the two finest levels of a pyramid that no edge cuts.
sub tiles {
    my @paths;
    for my $scale (1, 2) {
        my $side = 256 * $scale;
        push @paths, map { my $x = $_ * $side; map { my $y = $_ * $side; "/iiif/big2.tif/$x,$y,$side,$side/256,256/0/default.jpg" } 0 .. 30 } 0 .. 30;
    }
    @paths = shuffle @paths;
    return map { $paths[ $_ % @paths ] } 1 .. $TILES;
}

my $list = write_list("$directory/tiles", tiles());

sub status {
    my %status;
    get_all($httpd, "Connection: close\r\n", sub { %status = $_[2] =~ /^(\S+) (\d+)$/mg }, '/status');
    return \%status;
}

$httpd->start;
my $kind = { name => 'raw tiles', list => $list };
load($httpd, $kind, 8);
my $idle = resident($httpd);
my (@alone, @beside, @peaks, @after);
for my $round (1 .. $ROUNDS) {
    push @alone, load($httpd, $kind, 8);
    my $clients = asking_without_end($httpd, $HEAVY_CLIENTS, @HEAVY);
    IIIF::PrivateHttpd::until_true(sub { status()->{waiting} }) or die "nobody waits\n";
    push @peaks, with_peak($httpd, sub { push @beside, load($httpd, $kind, 8) });
    my $status = status();
    printf "round %d: %d large ones run, %d wait; so far %d let in, %d refused after their wait, %d as the queue was full\n",
        $round, @$status{qw(running-large waiting admitted refused-waited refused-full)};
    kill 'KILL', $clients;
    waitpid $clients, 0;
    my $before = processor_time($httpd, {});
    push @after, [ map { sleep 1; my $now = processor_time($httpd, {}); my $spent = $now - $before; $before = $now; $spent } 1 .. 2 ];
}

my ($p99, $p99_beside) = map { median(map { $_->{p99} * 1e3 } @$_) } \@alone, \@beside;
printf "\n%-46s %9.3f ms at %.0f tiles/s\n", 'p99 of tiles, alone', $p99, median(map { $_->{rate} } @alone);
printf "%-46s %9.3f ms at %.0f tiles/s; ratio %.2f (goal: 3)\n", "  beside $HEAVY_CLIENTS clients of full-size images", $p99_beside,
    median(map { $_->{rate} } @beside), median(map { $beside[$_]{p99} / $alone[$_]{p99} } 0 .. $#alone);
printf "%-46s %9.0f MB, %.0f before (goal: %d)\n", 'memory of all processes, at its largest', max(@peaks), $idle, $MEMORY + 300;
printf "%-46s %9.2f s in the first, %.2f s in the second (goal: 0)\n", 'processor seconds, when the 32 have left', map { my $n = $_; median(map { $_->[$n] } @after) } 0, 1;
$httpd->stop;
