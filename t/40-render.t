# SPDX-License-Identifier: Apache-2.0
# What a request makes of a picture: region, size, rotation, quality and format, in that order.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use IIIF::Coordinates qw(alpha_bytes coordinate_bytes);
use IIIF::Pixels qw(fetch kind_of picture coordinates grays decode crop scale turn mirror over shade pixel difference
    shows shows_picture);

my $plain = coordinates(1000, 800, 8);
my $png = '/iiif/plain.png';
my @tests;

# -- region: exactly these pixels

my %REGION = (
    'full' => [ 0, 0, 1000, 800 ],
    '0,0,1000,800' => [ 0, 0, 1000, 800 ],
    '7,3,101,53' => [ 7, 3, 101, 53 ],
    '0,0,1,1' => [ 0, 0, 1, 1 ],
    '999,799,1,1' => [ 999, 799, 1, 1 ],
    '999,799,100,100' => [ 999, 799, 1, 1 ],
    '900,700,500,500' => [ 900, 700, 100, 100 ],
    '0,0,5000,5000' => [ 0, 0, 1000, 800 ],
    '500,0,1,800' => [ 500, 0, 1, 800 ],
    '0,400,1000,1' => [ 0, 400, 1000, 1 ],
    'pct:0,0,100,100' => [ 0, 0, 1000, 800 ],
    'pct:50,25,10,20' => [ 500, 200, 100, 160 ],
    'pct:41.6,7.5,66.6,100' => [ 416, 60, 584, 740 ],
    'square' => [ 100, 0, 800, 800 ],
);

for my $region (sort keys %REGION) {
    push @tests, sub { shows("$png/$region/max/0/default.png", crop($plain, @{ $REGION{$region} }), 0, 0, "region $region is exact") };
}

# Where the square is
my %SQUARE = (low => 0, high => 200);
for my $how (sort keys %SQUARE) {
    push @tests, sub {
        shows("/square-$how/plain.png/square/max/0/default.png", crop($plain, $SQUARE{$how}, 0, 800, 800), 0, 0,
            "IIIFSquareCrop $how is exact");
    };
}
for my $how (qw(attention entropy)) {
    push @tests, sub {
        my $square = decode(fetch("/square-$how/spot.png/square/max/0/default.png"));
        my $coloured = () = $square->{bytes} =~ /\G(?:...)*?(?:\xff\x40\x20|\x20\x20\xff)/gs;
        is "$square->{width}x$square->{height}, $coloured", '300x300, 6400', "IIIFSquareCrop $how keeps the only thing there is";
    };
}

# -- size: the sides that were asked, and the same picture

my %SIZE = (
    'max' => [ 1000, 800 ],
    '500,' => [ 500, 400 ],
    ',400' => [ 500, 400 ],
    '500,400' => [ 500, 400 ],
    '333,' => [ 333, 266 ],
    '!200,200' => [ 200, 160 ],
    'pct:25' => [ 250, 200 ],
    '300,300' => [ 300, 300 ],
    '100,700' => [ 100, 700 ],
    '999,799' => [ 999, 799 ],
    '^1500,' => [ 1500, 1200 ],
    '^max' => [ 2000, 1600 ],
    '^pct:120' => [ 1200, 960 ],
);

# One filter in two programs: alike on average; near an edge they differ
for my $size (sort keys %SIZE) {
    push @tests, sub { shows("$png/full/$size/0/default.png", scale($plain, @{ $SIZE{$size} }), 1.5, 60, "size $size") };
}
push @tests, sub {
    shows("$png/200,100,400,300/100,75/0/default.png", scale(crop($plain, 200, 100, 400, 300), 100, 75), 2, 60,
        'a region is taken before it is scaled');
};
push @tests, sub {
    my $dot = decode(fetch("$png/full/1,1/0/default.png"));
    my @mean = pixel(scale($plain, 1, 1), 0, 0);
    my @apart = map { abs((pixel($dot, 0, 0))[$_] - $mean[$_]) } 0 .. 2;
    is scalar(grep { $_ > 3 } @apart), 0, 'one pixel is the mean of all';
};
push @tests, sub { shows("/limited/plain.png/full/max/0/default.png", scale($plain, 300, 240), 2, 60, 'max is bound by IIIFMaxWidth') };

# -- rotation: quarter turns move pixels and change none

my $part = crop($plain, 40, 30, 101, 67);
for my $quarters (0 .. 3) {
    my $degrees = 90 * $quarters;

    push @tests, sub { shows("$png/40,30,101,67/max/$degrees/default.png", turn($part, $quarters), 0, 0, "rotation $degrees is exact") };
    push @tests, sub {
        shows("$png/40,30,101,67/max/!$degrees/default.png", turn(mirror($part), $quarters), 0, 0,
            "rotation !$degrees mirrors, then turns, exactly");
    };
}
push @tests, sub {
    my $small = decode(fetch("$png/full/250,/0/default.png"));
    shows("$png/full/250,/90/default.png", turn($small, 1), 0, 0, 'a picture is scaled before it is turned');
};

# An angle between: 300 x 200 at 30 degrees needs 360 x 323
for my $format (qw(png webp tif)) {
    push @tests, sub {
        my $turned = decode(fetch("$png/100,100,300,200/max/30/default.$format"));
        my @corners = map { (pixel($turned, @{$_}))[3] } [ 0, 0 ], [ 359, 0 ], [ 0, 322 ], [ 359, 322 ];
        is "$turned->{width}x$turned->{height}, @corners, " . (pixel($turned, 180, 161))[3], '360x323, 0 0 0 0, 255',
            "rotation 30 grows the canvas, with transparent corners, in $format";
    };
}
push @tests, sub {
    my $turned = decode(fetch("$png/100,100,300,200/max/30/default.gif"));
    is "$turned->{width}x$turned->{height} " . join(' ', (pixel($turned, 0, 0))[3], (pixel($turned, 180, 161))[3]), '360x323 0 255',
        'rotation 30 has transparent corners in gif';
};
push @tests, sub {
    my $turned = decode(fetch("$png/100,100,300,200/max/30/default.jpg"));
    my @far = grep { $_ < 250 } map { pixel($turned, @{$_}) } [ 0, 0 ], [ 359, 0 ], [ 0, 322 ], [ 359, 322 ];
    is "$turned->{width}x$turned->{height} " . @far, '360x323 0', 'the corners are white in jpg';
};
push @tests, sub {
    my $turned = decode(fetch('/background/plain.png/100,100,300,200/max/30/default.jpg'));
    my @corner = pixel($turned, 1, 1);
    my @apart = grep { abs($corner[$_] - (0x20, 0x40, 0x60)[$_]) > 4 } 0 .. 2;
    is "@apart", '', 'the corners have the colour of IIIFBackground in jpg';
};
# By the definition of a clockwise turn about the middle. In this picture red tells the column and
# green the row, so that colours show where a pixel came from.
my $odd = coordinates(255, 257, 8);
for my $rotation (30, '!30', 45, 135.5, 222.2, 359) {
    push @tests, sub {
        my ($mirrored, $degrees) = $rotation =~ /(!?)(.*)/;
        my $turned = decode(fetch("/iiif/odd.png/full/max/$rotation/default.png"));
        my ($right, $down, $worst) = strays($turned, $mirrored ? mirror($odd) : $odd, $degrees);
        my $found = $right < 0.5 && $down < 0.5 && $worst <= 3 ? 'in place' : "$right right, $down down, at worst $worst";
        is $found, 'in place', "rotation $rotation takes pixels where they belong";
    };
}

# -- quality

push @tests, sub { shows("$png/full/max/0/color.png", $plain, 0, 0, 'color is the picture') };
# exact but where luma is half way between two values
push @tests, sub { shows("$png/0,0,400,300/max/0/gray.png", shade(crop($plain, 0, 0, 400, 300)), 0.01, 1, 'gray is the luma of BT.601') };
push @tests, sub { is kind_of(fetch("$png/full/max/0/gray.png")), '1 of 8', 'gray png has one channel of 8 bits' };
push @tests, sub { is kind_of(fetch("$png/full/max/0/gray.jpg")), '1 of 8', 'gray jpg has one channel of 8 bits' };
push @tests, sub { is kind_of(fetch("$png/full/max/0/gray.tif")), '1 of 8', 'gray tif has one channel of 8 bits' };
push @tests, sub { is kind_of(fetch('/iiif/gray.png/full/max/0/default.jpg')), '1 of 8', 'a gray source stays gray' };
push @tests, sub { is kind_of(fetch('/iiif/gray.png/full/max/0/color.jpg')), '1 of 8', 'a gray source stays gray, as color' };
push @tests, sub { is kind_of(fetch("$png/full/max/0/bitonal.png")), '1 of 1', 'bitonal png has one bit a pixel' };
push @tests, sub { is kind_of(fetch("$png/full/max/0/bitonal.tif")), '1 of 1', 'bitonal tif has one bit a pixel' };
push @tests, sub { is kind_of(fetch("$png/full/max/0/bitonal.jpg")), '1 of 8', 'bitonal jpg has one channel' };
push @tests, sub { is kind_of(fetch("$png/full/max/0/default.jpg")), '3 of 8', 'colour jpg has three channels of 8 bits' };
push @tests, sub { is kind_of(fetch('/iiif/16-bit.png/full/max/0/default.png')), '3 of 8', 'a 16-bit source is answered with 8 bits' };

# Black and white where luma is under or over the middle
for my $format (qw(png tif gif webp jp2)) {
    push @tests, sub {
        my $luma = shade(crop($plain, 300, 200, 256, 256));
        my $hard = picture(256, 256, $luma->{bytes} =~ tr/\x01-\x7f/\x00/r =~ tr/\x80-\xff/\xff/r);
        shows("$png/300,200,256,256/max/0/bitonal.$format", $hard, 0, 0, "bitonal $format is black and white, split at 128");
    };
}
push @tests, sub {
    my $turned = decode(fetch("$png/300,200,256,256/max/30/bitonal.png"));
    my %seen = map { $_ => 1 } unpack 'C*', $turned->{bytes};
    is join(' ', sort { $a <=> $b } keys %seen), '0 255', 'bitonal stays black and white when it is turned freely';
};
push @tests, sub {
    my $turned = decode(fetch("$png/300,200,256,256/max/30/gray.png"));
    is((grep { my ($r, $g, $b) = unpack 'C3', $_; $r != $g || $g != $b } unpack '(a4)*', $turned->{bytes}) + 0, 0,
        'gray stays gray when it is turned freely');
};

# -- transparency

my $rgba = rgba();
push @tests, sub { shows_transparent('/iiif/rgba.png/full/max/0/default.png', $rgba, 10, 'transparency is kept in png') };
push @tests, sub { shows_transparent('/iiif/rgba.png/full/max/0/default.tif', $rgba, 10, 'transparency is kept in tif') };
push @tests, sub { shows_transparent('/iiif/rgba.png/full/max/0/default.webp', $rgba, 70, 'transparency is kept in webp') };
push @tests, sub { shows_transparent('/iiif/rgba.png/full/max/0/default.jp2', $rgba, 60, 'transparency is kept in jp2') };
push @tests, sub { shows('/iiif/rgba.png/full/max/0/default.jpg', over($rgba, 255, 255, 255), 5, 70, 'white is behind it in jpg') };
push @tests, sub {
    shows('/background/rgba.png/full/max/0/default.jpg', over($rgba, 0x20, 0x40, 0x60), 5, 70, 'IIIFBackground is behind it in jpg');
};
push @tests, sub {
    my $scaled = over(decode(fetch('/iiif/rgba.png/full/240,/0/default.png')), 0, 0, 0);
    shows_picture($scaled, scale(over($rgba, 0, 0, 0), 240, 160), 1.5, 60, 'transparent pixels lend no colour when scaled');
};

# -- formats

# mean, maximum: what each format may lose of a picture with few sharp edges
my %FORMAT = (
    jpg => [ 'image/jpeg', 4, 70 ],
    png => [ 'image/png', 0, 0 ],
    tif => [ 'image/tiff', 0, 0 ],
    gif => [ 'image/gif', 6, 90 ],
    webp => [ 'image/webp', 5, 90 ],
    jp2 => [ 'image/jp2', 4, 70 ],
    pdf => [ 'application/pdf', 4, 130 ],    # pdftoppm smooths
    avif => [ 'image/avif', 5, 90 ],
    jxl => [ 'image/jxl', 4, 70 ],
);
for my $format (sort keys %FORMAT) {
    my ($type, $mean, $max) = @{ $FORMAT{$format} };

    push @tests, sub {
        is fetch("/iiif/broad.png/full/max/0/default.$format")->header('Content-Type'), $type, "$format is $type";
    };
    push @tests, sub { shows("/iiif/broad.png/full/max/0/default.$format", coordinates(480, 320, 80), $mean, $max, "$format shows the picture") };
    push @tests, sub { shows("/iiif/gray.png/full/max/0/default.$format", grays(480, 320), $mean, $max, "$format shows a gray picture") };
    push @tests, sub { shows("/iiif/dot.png/full/max/0/default.$format", coordinates(1, 1, 8), 8, 8, "$format shows a single pixel") };
}
push @tests, sub {
    my ($fine, $coarse) = map { length fetch("$_/plain.png/full/max/0/default.jpg")->content } '/iiif', '/coarse';
    cmp_ok $coarse, '<', $fine / 2, 'IIIFQuality jpg 10 makes a smaller file than 85';
};
push @tests, sub {
    my ($fine, $coarse) = map { length fetch("$_/plain.png/full/max/0/default.webp")->content } '/iiif', '/coarse';
    cmp_ok $coarse, '<', $fine * 0.8, 'IIIFQuality webp 5 makes a smaller file than 80';
};
push @tests, sub {
    my @answers = map { fetch("$png/full/300,/30/gray.$_")->content eq fetch("$png/full/300,/30/gray.$_")->content } qw(jpg png tif webp pdf);
    is "@answers", '1 1 1 1 1', 'the same request gives the same bytes';
};

plan tests => scalar @tests;
$_->() for @tests;

# How far the pixels of a freely turned picture are from where they belong: on average to the right
# and down, and the worst
sub strays {
    my ($turned, $source, $degrees) = @_;
    my $angle = $degrees * atan2(1, 1) / 45;
    my @sum = (0, 0);
    my ($count, $worst) = (0, 0);

    for my $y (map { 8 * $_ } 2 .. $source->{height} / 8 - 2) {
        for my $x (map { 8 * $_ } 2 .. $source->{width} / 8 - 2) {
            my @from = ($x + 0.5 - $source->{width} / 2, $y + 0.5 - $source->{height} / 2);
            my @to = ($from[0] * cos($angle) - $from[1] * sin $angle, $from[0] * sin($angle) + $from[1] * cos $angle);
            my @there = pixel($turned, int($to[0] + $turned->{width} / 2), int($to[1] + $turned->{height} / 2));
            my @here = pixel($source, $x, $y);
            my @apart = map { $there[$_] - $here[$_] } 0, 1;

            $sum[$_] += $apart[$_] for 0, 1;
            $worst = (sort { $b <=> $a } $worst, map { abs } @apart)[0];
            ++$count;
        }
    }
    return (abs($sum[0] / $count), abs($sum[1] / $count), $worst);
}

sub rgba {
    my @rgb = unpack '(a3)*', coordinate_bytes(480, 320, 8);
    my @alpha = unpack '(a1)*', alpha_bytes(480, 320);
    return picture(480, 320, join '', map { $rgb[$_] . $alpha[$_] } 0 .. $#rgb);
}

# Compared on black: a transparent pixel has no colour to lose.
sub shows_transparent {
    my ($target, $expected, $max, $claim) = @_;
    my $got = decode(fetch($target));
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is $got->{samples}, 4, $claim if $got->{samples} != 4;
    my ($alpha, $alpha_wanted) = map { my $bytes = $_->{bytes}; join '', unpack '(x3 a1)*', $bytes } $got, $expected;
    my (undef, $apart) = difference({ bytes => $alpha }, { bytes => $alpha_wanted });
    return cmp_ok $apart, '<=', $max / 10, "$claim: alpha" if $apart > $max / 10;
    return shows_picture(over($got, 0, 0, 0), over($expected, 0, 0, 0), 4, $max, $claim);
}
