#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What each kind of answer costs, beside a static file of a tile's size, in one run on one httpd.
# The ratios count: a shared machine's absolute figures do not. Needs h2load (nghttp2-client).
#
#   make -f Makefile.apxs bench
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use IIIF::PrivateHttpd ();

my @CONCURRENCY = (1, 8);

# what, how often, path, and further arguments of h2load
my @KINDS = (
    [ 'static file',                      20000, '/tile.jpg' ],
    [ 'base URI, 303',                    10000, '/iiif/map.tif' ],
    [ 'info.json',                         5000, '/iiif/map.tif/info.json' ],
    [ 'image not modified, 304',           5000, '/iiif/map.tif/256,256,256,256/256,256/0/default.jpg', 'conditional' ],
    [ 'tile of a pyramid, level 0',        2000, '/iiif/map.tif/256,256,256,256/256,256/0/default.jpg' ],
    [ 'tile of a pyramid, level 2',        2000, '/iiif/map.tif/1024,1024,1024,1024/256,256/0/default.jpg' ],
    [ 'full/400, of a pyramid',            1000, '/iiif/map.tif/full/400,/0/default.jpg' ],
    [ 'full/400, of a JPEG, 1000 x 800',   1000, '/iiif/plain.jpg/full/400,/0/default.jpg' ],
    [ 'full/max of a JPEG, 1000 x 800',     300, '/iiif/plain.jpg/full/max/0/default.jpg' ],
    [ 'the same as WebP',                   100, '/iiif/plain.jpg/full/max/0/default.webp' ],
    [ 'the same as PNG',                    100, '/iiif/plain.jpg/full/max/0/default.png' ],
);

sub fetch {
    my ($url, @arguments) = @_;
    open my $curl, '-|', 'curl', '-s', @arguments, $url or die "curl: $!\n";
    local $/;
    return scalar <$curl>;
}

sub rate {
    my ($url, $requests, $clients, @arguments) = @_;
    open my $h2load, '-|', 'h2load', '--h1', '-n', $requests, '-c', $clients, @arguments, $url or die "h2load: $!\n";
    my $said = do { local $/; <$h2load> };
    my ($failed) = $said =~ /(\d+) failed, \d+ errored/;
    my ($rate) = $said =~ m{, ([\d.]+) req/s};
    die "$url: h2load failed:\n$said" if !defined $rate || !defined $failed || $failed;
    return $rate;
}

my $httpd = IIIF::PrivateHttpd->new(conf => "IIIFImageRoot /iiif \${FIXTURES}/images\nLogLevel warn\nKeepAlive On\nMaxKeepAliveRequests 0\n");
my $origin = $httpd->origin;
my $conditional = "$origin/iiif/map.tif/256,256,256,256/256,256/0/default.jpg";

$httpd->start;
open my $tile, '>:raw', $httpd->directory . '/htdocs/tile.jpg' or die "tile.jpg: $!\n";
print $tile fetch($conditional);
close $tile or die "tile.jpg: $!\n";
my ($etag) = fetch($conditional, '-I') =~ /^ETag: (\S+)/mi or die "the server sends no ETag\n";

printf "%-34s %s\n", 'requests a second', join ' ', map { sprintf '%10s %7s', "c=$_", 'ratio' } @CONCURRENCY;
my %static;
for my $kind (@KINDS) {
    my ($what, $requests, $path, $how) = @$kind;
    my @columns;
    for my $clients (@CONCURRENCY) {
        my $rate = rate("$origin$path", $requests, $clients, $how ? ('-H', "if-none-match: $etag") : ());
        $static{$clients} //= $rate;
        push @columns, sprintf '%10.0f %7.3f', $rate, $rate / $static{$clients};
    }
    printf "%-34s %s\n", $what, join ' ', @columns;
}
