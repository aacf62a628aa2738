#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What all processes hold together while 32 clients ask for images of 300 megapixels, full size, without end: of each
# kind of source alone, and of all in turn; at last, that do not read. IIIFRenderMemory decides how many are made at once,
# not the processors. Nothing is asserted.
#
#   make -f Makefile.apxs bench
#   PROVE=perl apxs-build/run-tests t/bench/memory.pl
#   BENCH_SCALE=0.5 ...: half the time
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Cwd qw(getcwd);
use List::Util qw(max);
use Time::HiRes qw(sleep);
use IIIF::Load qw(get_all resident with_peak asking_without_end asking_without_reading);
use IIIF::PrivateHttpd qw(steady_children slurp);

$| = 1;
my $SECONDS = 30 * ($ENV{BENCH_SCALE} // 1);    # of each row
my $CLIENTS = 32;
my $MEMORY = 2048;                              # megabytes of IIIFRenderMemory
my $BEYOND = 300;                               # megabytes that may be held besides
my $SOURCES = getcwd() . '/apxs-build/bench/sources';
my @LARGE = qw(pyramid.tif plain.jpg strips.tif plain.png);

my $CONF = steady_children(2, 64) . <<"CONF";
LogLevel warn
<Directory $SOURCES>
    Require all granted
</Directory>
IIIFImageRoot /iiif $SOURCES/large
IIIFRenderMemory ${MEMORY}M
IIIFRenderThreads 16
<Location /status>
    SetHandler iiif-status
</Location>
LogFormat "%>s" statuses
CustomLog statuses.log statuses env=IIIF
CONF

sub status {
    my ($httpd) = @_;
    my %status;
    get_all($httpd, "Connection: close\r\n", sub { %status = $_[2] =~ /^(\S+) (\d+)$/mg }, '/status');
    return \%status;
}

# One line of the table, by a server of its own
sub row {
    my ($name, $asking, @paths) = @_;
    my $httpd = IIIF::PrivateHttpd->new(conf => $CONF);
    my ($estimated, $running) = (0, 0);

    $httpd->start;
    my $idle = resident($httpd);
    my $clients = $asking->($httpd, $CLIENTS, map { "/iiif/$_" } @paths);
    my $peak = with_peak($httpd, sub {
        for (1 .. $SECONDS * 2) {
            sleep 0.5;
            my $status = status($httpd);
            $estimated = max($estimated, $status->{'memory-large'} / (1 << 20));
            $running = max($running, $status->{'running-large'});
        }
    });
    kill 'KILL', $clients;
    waitpid $clients, 0;
    $httpd->stop;
    my %statuses;
    $statuses{$_}++ for split /\n/, slurp($httpd->directory . '/statuses.log');
    printf "%-36s %8.0f %8.0f %8.0f %8d %7d %7d\n", $name, $peak, $idle, $estimated, $running, map { $statuses{$_} // 0 } 200, 503;
    return $peak;
}

printf "%-36s %8s %8s %8s %8s %7s %7s\n", "megabytes; $CLIENTS clients", 'peak', 'idle', 'estimate', 'at once', 'made', 'refused';
my @full = map { "$_/full/max/0/default.jpg" } @LARGE;
my @peaks = map { row("$LARGE[$_], jpg", \&asking_without_end, $full[$_]) } 0 .. $#LARGE;
push @peaks, row('all in turn, jpg', \&asking_without_end, @full);
push @peaks, row('all in turn, half the sides', \&asking_without_end, map { "$_/full/10000,/0/default.jpg" } @LARGE);
push @peaks, row('all in turn, jpg, turned', \&asking_without_end, map { "$_/full/max/90/default.jpg" } @LARGE);
push @peaks, row('all in turn, png', \&asking_without_end, map { "$_/full/max/0/default.png" } @LARGE);
push @peaks, row('all in turn, jpg that nobody reads', \&asking_without_reading, @full);
printf "%-36s %8.0f (goal: %d)\n", 'the largest', max(@peaks), $MEMORY + $BEYOND;
