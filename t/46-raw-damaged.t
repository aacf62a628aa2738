# SPDX-License-Identifier: Apache-2.0
# Files whose directories or tiles lie: where tiles are sent undecoded nothing wrong gets out with
# status 200, and the other tiles of such a file are as good as ever.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use IIIF::Client qw(plan_of);
use IIIF::JpegPyramid qw(level_of);
use IIIF::Pixels qw(fetch picture crop decode shows);
use IIIF::RawTiles qw(apart raw_faults stored_tile);

my @SMALL = (600, 500, 8);
my $PICTURE = picture(level_of(\@SMALL, 1, 1, 3));
my @tests;

# The tile that is wrong, and parts that need it; a tile that is right
my @WRONG = ('256,0,256,256/max/0/default', '256,0,256,256/max/0/gray', '256,0,256,256/max/90/default',
    '200,0,200,200/max/0/default', 'full/max/0/default');
my @RIGHT = (0, 0);

# lies about one tile, and streams that are not what a tile should be
my @LYING = map { "lying-$_" } qw(12-bit beyond components factors flat gray header larger largest long long-64 longest-64 lossless
    negative no-offset outside outside-64 overlap sampling segment short smaller tail tiny two-frames wrapping);
my @DAMAGED = qw(damaged-markers damaged-text half-zeros truncated truncated-head zeros);

for my $name (@LYING, @DAMAGED) {
    for my $path (@WRONG) {
        for my $format ($path =~ /default$/ ? ('jpg', 'png') : 'jpg') {
            push @tests, sub { is got_out("/raw/$name.tif/$path.$format", $path), '', "$name: $path.$format is right or refused" };
        }
    }
    push @tests, sub { is plan_of(fetch("/raw/$name.tif/info.json")), '200 info', "$name: info.json" };
    push @tests, sub {
        my $response = fetch("/raw/$name.tif/0,0,256,256/max/0/default.jpg");
        is raw_faults($response, stored_tile("$name.tif", 0, @RIGHT)), '', "$name: a sound tile is sent as it is";
    };
    push @tests, sub {
        my $part = crop($PICTURE, 0, 0, 200, 250);
        shows("/raw/$name.tif/0,0,200,250/max/0/default.png", $part, 5, 255, "$name: a sound part is rendered");
    };
}

# files of which no tile is sound, or none can be found
for my $name (qw(damaged-no-tables damaged-tables lying-tables)) {
    for my $path (@WRONG, '0,0,256,256/max/0/default') {
        push @tests, sub { is got_out("/raw/$name.tif/$path.jpg", $path), '', "$name: $path is right or refused" };
    }
}

# files of which each tile is sound, and what they share is more than tables: it does not get out
for my $row ([ exif => 200 ], [ frame => 500 ], [ words => 200 ]) {
    my ($name, $status) = @{$row};
    for my $path (@WRONG, '0,0,256,256/max/0/default') {
        my $target = "/raw/lying-tables-$name.tif/$path.jpg";
        push @tests, sub { is plan_of(fetch($target)), "$status render", "lying-tables-$name: $path is not sent as it is stored" };
        push @tests, sub { is got_out($target, $path), '', "lying-tables-$name: $path is right or refused" };
    }
}

# a list of places that ends early: for libtiff the rest is not there, as in a sparse file
push @tests, sub {
    my $blank = picture(256, 256, "\0" x (256 * 256 * 3));
    shows('/raw/lying-count.tif/256,0,256,256/max/0/default.png', $blank, 0, 0, 'lying-count: what has no place is blank');
};

push @tests, sub {
    my @died = grep { /exit signal|AddressSanitizer|runtime error/ } log_lines();
    is_deeply \@died, [], 'no child died';
};
push @tests, sub {
    my @lines = grep { m{IIIF0002: (?:damaged|lying|zeros|half-zeros|truncated)} } log_lines();
    cmp_ok scalar @lines, '>', 0, 'what was refused is in the log';
};
push @tests, sub {
    my $response = fetch('/raw/even.tif/256,256,256,256/max/0/default.jpg');
    is raw_faults($response, stored_tile('even.tif', 0, 1, 1)), '', 'a sound file is served afterwards';
};

$_->() for @tests;
done_testing;

sub log_lines {
    open my $fh, '<', 't/logs/error_log' or die "no error log: $!\n";
    return readline $fh;
}

# What is wrong with an answer that is right or refused: '' when nothing is
sub got_out {
    my ($target, $path) = @_;
    my $response = fetch($target);

    return $response->header('Content-Type') =~ m{^text/plain\b} ? '' : 'a refusal of another type' if $response->code == 500;
    return $response->status_line if $response->code != 200;
    my $got = eval { decode($response) } or return "200, and no picture: $@";
    my ($mean) = apart($got, expected($path));
    return $mean =~ /^[\d.e-]+$/ && $mean < ($target =~ /png$/ ? 8 : 11) ? '' : "200, and samples are off by $mean on average";
}

sub expected {
    my ($path) = @_;
    my ($region, undef, $rotation, $quality) = split m{/}, $path;
    my $part = $region eq 'full' ? $PICTURE : crop($PICTURE, split /,/, $region);

    $part = IIIF::Pixels::shade($part) if $quality eq 'gray';
    return $rotation ? IIIF::Pixels::turn($part, $rotation / 90) : $part;
}
