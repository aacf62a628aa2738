# SPDX-License-Identifier: Apache-2.0
# Whatever a file's format is, it shows the same picture, upright, as 8-bit sRGB.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use File::Temp ();
use IIIF::Client qw(info);
use IIIF::Coordinates qw(alpha_bytes bilevel_bytes coordinate_bytes map_pixels mosaic_indices mosaic_palette);
use IIIF::FileWriter qw(cmyk_corner);
use IIIF::Pixels qw(fetch picture coordinates grays decode crop scale mirror over pixel difference shows shows_picture);

my @SIDES = (480, 320);
my $COLOUR = coordinates(@SIDES, 8);
my $GRAY = grays(@SIDES);
my $BILEVEL = grays(@SIDES, bilevel_bytes(@SIDES));
my $MOSAIC = picture(@SIDES, mosaic());
my @EXACT = (0, 0);
my @ROUNDED = (0.6, 1);
my @tests;

# file: the picture it shows, and how far a sample may be off, on average and at worst
my @SHOWS = (
    [ 'small.png', $COLOUR, @EXACT ],
    [ '16-bit.png', $COLOUR, @EXACT ],
    [ 'interlaced.png', $COLOUR, @EXACT ],
    [ 'gray.png', $GRAY, @EXACT ],
    [ 'gray-16-bit.png', $GRAY, @EXACT ],
    [ '1-bit.png', $BILEVEL, @EXACT ],
    [ 'palette.png', $MOSAIC, @EXACT ],
    [ 'small.jpg', $COLOUR, 3, 40 ],
    [ 'progressive.jpg', $COLOUR, 3, 40 ],
    [ 'gray.jpg', $GRAY, 2, 10 ],
    [ 'strips.tif', $COLOUR, @EXACT ],
    [ 'tiles.tif', $COLOUR, @EXACT ],
    [ 'big.tif', $COLOUR, @EXACT ],
    [ 'big-endian.tif', $COLOUR, @EXACT ],
    [ '16-bit.tif', $COLOUR, @EXACT ],
    [ '16-bit-big-endian.tif', $COLOUR, @EXACT ],
    [ 'float-1.tif', $COLOUR, @ROUNDED ],
    [ 'float-255.tif', $COLOUR, @ROUNDED ],
    [ 'gray-float-1.tif', $GRAY, @ROUNDED ],
    [ 'gray-float-255.tif', $GRAY, @ROUNDED ],
    [ 'gray.tif', $GRAY, @EXACT ],
    [ 'gray-white-is-zero.tif', $GRAY, @EXACT ],
    [ 'gray-16-bit.tif', $GRAY, @EXACT ],
    [ 'palette.tif', $MOSAIC, @EXACT ],
    [ 'g4.tif', $BILEVEL, @EXACT ],
    [ 'g4-white-is-zero.tif', $BILEVEL, @EXACT ],
    [ 'gray.jp2', $GRAY, @EXACT ],
    [ 'lossy.webp', $COLOUR, 7, 60 ],
    [ 'small.heic', $COLOUR, 4, 60 ],
    [ 'small.avif', $COLOUR, 4, 60 ],
    [ 'animated.gif', $MOSAIC, @EXACT ],
);

for my $source (@SHOWS) {
    my ($name, $picture, $mean, $max) = @{$source};

    push @tests, sub { shows("/iiif/$name/full/max/0/default.png", $picture, $mean, $max, "$name shows the picture") };
    push @tests, sub { has_sides("/iiif/$name", @SIDES) };
    push @tests, sub {
        shows("/iiif/$name/96,64,192,128/96,/0/default.png", scale(crop($picture, 96, 64, 192, 128), 96, 64), $mean + 3, $max + 60,
            "$name shows a part, scaled");
    };
}
push @tests, sub { shows('/pages/small.jxl/full/max/0/default.png', $COLOUR, 0.1, 2, 'small.jxl shows the picture, where JPEG XL is allowed') };
for my $name (qw(tiled.jp2 untiled.jp2 precincts.jp2)) {
    push @tests, sub { shows("/iiif/$name/full/max/0/default.png", coordinates(1001, 803, 8), @EXACT, "$name shows the picture") };
    push @tests, sub { has_sides("/iiif/$name", 1001, 803) };
    push @tests, sub {
        shows("/iiif/$name/300,301,111,99/max/0/default.png", crop(coordinates(1001, 803, 8), 300, 301, 111, 99), @EXACT, "$name shows a part");
    };
}

# -- JPEG 2000 that libvips 8.14 does not read, or not rightly: as opj_decompress decodes each resolution

for my $name (qw(offset.jp2 offset-tiles.j2k offset-12-bit.jp2 12-bit.jp2 subsampled.jp2 subsampled-untiled.jp2)) {
    for my $reduce (0 .. ($name =~ /subsampled/ ? 0 : 3)) {
        push @tests, sub {
            my $picture = opj_decompress($name, $reduce);
            shows("/iiif/$name/full/$picture->{width},$picture->{height}/0/default.png", $picture, @EXACT, "$name, reduced $reduce times");
        };
        push @tests, sub {
            my ($picture, $factor) = (opj_decompress($name, $reduce), 2**$reduce);
            shows('/iiif/' . join('/', $name, join(',', map { $_ * $factor } 5, 3, 21, 31), '21,31/0/default.png'),
                crop($picture, 5, 3, 21, 31), @EXACT, '  and a part of it');
        };
    }
}
for my $name (qw(offset.jp2 offset-tiles.j2k offset-12-bit.jp2 12-bit.jp2)) {
    push @tests, sub { shows("/iiif/$name/full/max/0/default.png", $COLOUR, @EXACT, "$name shows the picture") };
    push @tests, sub { has_sides("/iiif/$name", @SIDES) };
}
push @tests, sub { has_sides('/iiif/subsampled.jp2', 255, 257) };
push @tests, sub { is info('/iiif/tiled.jp2')->{tiles}[0]{width}, 256, 'a tiled JPEG 2000 announces its tiles' };
push @tests, sub { is info('/iiif/untiled.jp2')->{tiles}[0]{width}, 512, '  and one that is a single tile does not' };

# -- orientation: all stored differently, all shown alike

for my $name ((map { "oriented-$_.jpg" } 1 .. 8), 'oriented-6.tif', 'oriented-7.tif') {
    my @apart = $name =~ /tif/ ? @EXACT : (3, 40);

    push @tests, sub { has_sides("/iiif/$name", @SIDES) };
    push @tests, sub { shows("/iiif/$name/full/max/0/default.png", $COLOUR, @apart, "$name is shown upright") };
    push @tests, sub {
        shows("/iiif/$name/56,40,120,80/max/0/default.png", crop($COLOUR, 56, 40, 120, 80), @apart, "$name: a region is of the upright picture");
    };
    push @tests, sub {
        shows("/iiif/$name/56,40,128,96/64,48/0/default.png", scale(crop($COLOUR, 56, 40, 128, 96), 64, 48), 4, 80,
            "$name: a size is of the upright picture");
    };
    push @tests, sub {
        shows("/iiif/$name/56,40,120,80/max/!0/default.png", mirror(crop($COLOUR, 56, 40, 120, 80)), @apart,
            "$name: the upright picture is mirrored");
    };
}

# What described the stored pixels does not describe these: a viewer would turn them again. (libvips writes a block of
# EXIF into every WebP, which says that it is upright.)
my $TURNED = qr/\x12\x01\x03\0\x01\0\0\0[\x02-\x08]\0|\x01\x12\0\x03\0\0\0\x01\0[\x02-\x08]/;
for my $source (qw(oriented-6.jpg oriented-6.tif)) {
    for my $format (qw(jpg png tif webp jp2)) {
        push @tests, sub {
            my $answer = fetch("/iiif/$source/full/max/0/default.$format")->content;
            is $answer =~ $TURNED, '', "$source as $format does not say that it has to be turned";
        };
    }
}
push @tests, sub { is fetch('/iiif/oriented-6.jpg')->code, 303, 'the source of all that is there' };
push @tests, sub {
    open my $fh, '<:raw', 'apxs-build/fixtures/images/oriented-6.jpg' or die "oriented-6.jpg: $!\n";
    local $/;
    like readline $fh, $TURNED, '  and says that it has to be';
};

# -- transparency

my $rgba = with_alpha($COLOUR, alpha_bytes(@SIDES));
my $MOSAIC_INDICES = mosaic_indices(@SIDES);
for my $name (qw(rgba.png rgba-16-bit.png alpha.tif alpha.webp)) {
    push @tests, sub { shows_transparent($name, $rgba) };
    push @tests, sub {
        shows("/iiif/$name/full/max/0/default.jpg", over($rgba, 255, 255, 255), 6, 80, "$name is on white where there is no transparency");
    };
}
push @tests, sub {
    shows_transparent('palette-alpha.png', with_alpha($MOSAIC, pack 'C*', map { $_ < 128 ? 2 * $_ : 255 } unpack 'C*', $MOSAIC_INDICES));
};
push @tests, sub { shows_transparent('transparent.gif', with_alpha($MOSAIC, $MOSAIC_INDICES =~ tr/\x00-\xff/\x00\xff/r)) };

# -- colour

push @tests, sub { shows('/iiif/wide-gamut.jpg/full/max/0/default.png', from_wide_gamut(), 3, 45, 'an embedded profile is applied') };
push @tests, sub {
    shows('/iiif/wide-gamut.jpg/full/240,/0/default.png', scale(from_wide_gamut(), 240, 160), 3, 60, 'an embedded profile is applied when scaled');
};
push @tests, sub {
    shows('/iiif/wide-gamut.jpg/96,64,192,128/max/0/default.png', crop(from_wide_gamut(), 96, 64, 192, 128), 3, 45,
        'an embedded profile is applied to a part');
};
push @tests, sub {
    my $answer = fetch('/iiif/wide-gamut.jpg/full/max/0/default.jpg')->content;
    unlike $answer, qr/ICC_PROFILE|wide gamut/, 'an answer in sRGB has no other profile';
};
push @tests, sub { shows('/iiif/lab.tif/full/max/0/default.png', from_lab(), 1.5, 4, 'CIELab is converted') };
for my $name (qw(cmyk-profile.tif cmyk-profile.jpg)) {
    push @tests, sub {
        my $shown = decode(fetch("/iiif/$name/full/max/0/default.png"));
        my @wrong = grep { $_ } map { ink_is_wrong($shown, $_) } 0 .. 15;
        is "@wrong", '', "$name: inks have the colours of the embedded profile";
    };
}
for my $name (qw(cmyk.tif cmyk.jpg)) {
    push @tests, sub { is rough_inks($name), 'white black cyan magenta yellow', "$name: inks without a profile are no negative" };
    push @tests, sub { has_sides("/iiif/$name", 256, 256) };
}

# -- looking for the interesting square works on every kind of sample

for my $name (qw(gray.png 16-bit.png gray-16-bit.tif float-1.tif gray-float-255.tif lab.tif alpha.tif palette-alpha.png oriented-6.jpg g4.tif)) {
    for my $how (qw(attention entropy)) {
        push @tests, sub {
            my $square = decode(fetch("/square-$how/$name/square/160,/0/default.jpg"));
            is "$square->{width}x$square->{height}", '160x160', "IIIFSquareCrop $how of $name";
        };
    }
}
push @tests, sub {
    my $square = decode(fetch('/square-attention/cmyk.tif/square/160,/0/default.jpg'));
    is "$square->{width}x$square->{height}", '160x160', 'IIIFSquareCrop attention of a square CMYK picture';
};

# -- pages, and formats that have to be named

push @tests, sub {
    shows('/pages/animated.gif;2/full/max/0/default.png', picture(@SIDES, join '', reverse unpack '(a3)*', $MOSAIC->{bytes}), @EXACT,
        'the second frame of a GIF is its second page');
};
my %PAGE = (1 => [ 300, 200, 250, 0, 0 ], 2 => [ 300, 200, 0, 250, 0 ], 3 => [ 2001, 1501, 200, 0, 0 ], 4 => [ 200, 150, 0, 0, 250 ]);
for my $page (1 .. 4) {
    my ($width, $height, @colour) = @{ $PAGE{$page} };

    push @tests, sub { has_sides("/pages/document.tif;$page", $width, $height) };
    push @tests, sub {
        shows("/pages/document.tif;$page/full/max/0/default.png", picture($width, $height, pack('C3', @colour) x ($width * $height)), @EXACT,
            "page $page of a TIFF");
    };
}
push @tests, sub {
    shows('/pages/outside.svg/full/max/0/default.jpg', picture(40, 30, "\xff" x 3600), @EXACT,
        'a drawing gets nothing from outside its own file');
};
push @tests, sub { has_sides('/pages/book.tif;2', 150, 100) };
push @tests, sub {
    shows('/pages/book.tif/full/150,/0/default.png', picture(150, 100, pack('C3', 250, 0, 0) x 15000), @EXACT,
        'a page of half the size is no level of the first, where it says that it is a page');
};
push @tests, sub { is fetch('/pages/document.tif;5/info.json')->code, 404, 'there is no page behind the last of a TIFF' };
push @tests, sub { is fetch('/pages/animated.gif;3/info.json')->code, 404, 'there is no page behind the last of a GIF' };
push @tests, sub { is fetch('/pages/pages.pdf;3/info.json')->code, 404, 'there is no page behind the last of a PDF' };
push @tests, sub { is fetch('/pages/plain.png;2/info.json')->code, 404, 'a PNG has one page' };
for my $name (qw(pages.pdf quarters.svg)) {
    push @tests, sub { is quarters("/pages/$name"), '1000x800 255 0 0 0 255 0 0 0 255 0 0 0', "$name is drawn where it is allowed" };
    push @tests, sub { is fetch("/iiif/$name/info.json")->code, 404, "$name is no image where it is not" };
}
push @tests, sub {
    my $page = decode(fetch('/pages/pages.pdf;2/full/max/0/default.jpg'));
    my @apart = grep { $_ > 3 } map { abs((pixel($page, 200, 100))[$_] - (255, 0, 255)[$_]) } 0 .. 2;
    is "$page->{width}x$page->{height} @apart", '400x200 ', 'the second page of a PDF has its own size';
};
push @tests, sub { is fetch('/iiif/small.jxl/info.json')->code, 404, 'JPEG XL is no image where it is not named' };

# -- limits

push @tests, sub { is fetch('/small-sources/plain.png/info.json')->code, 413, 'a source beyond IIIFMaxSourcePixels is 413' };
push @tests, sub { is fetch('/small-sources/plain.png/0,0,1,1/max/0/default.png')->code, 413, 'so is its smallest part' };
push @tests, sub { is fetch('/small-sources/map.tif/full/100,/0/default.png')->code, 413, 'so is a small level of a large one' };
push @tests, sub { is fetch('/small-sources/small.png/full/max/0/default.png')->code, 200, 'a smaller source is shown' };

plan tests => scalar @tests;
$_->() for @tests;

# A resolution of a fixture, as 8 bits; another decoder than libvips, and OpenJPEG's own idea of colour
sub opj_decompress {
    my ($name, $reduce) = @_;
    my $directory = File::Temp->newdir;
    my @command = ('opj_decompress', '-i', "apxs-build/fixtures/images/$name", '-o', "$directory/out.ppm", '-r', $reduce);
    my $said = do {
        open my $pipe, '-|', @command or die "opj_decompress: $!\n";
        local $/ = undef;
        readline $pipe;
    };

    open my $fh, '<:raw', "$directory/out.ppm" or die "@command failed:\n$said";
    my $ppm = do { local $/ = undef; readline $fh };
    my ($header, $width, $height, $white) = $ppm =~ /\A(P6\s(?:#.*\n)?(\d+)\s(\d+)\s(\d+)\n)/ or die "$name: no PPM\n";
    my $bytes = substr $ppm, length $header;
    $bytes = pack 'C*', map { $_ >> 4 } unpack 'n*', $bytes if $white == 4095;
    return picture($width, $height, $bytes);
}

sub mosaic {
    my @colours = map { pack 'C3', @{$_} } mosaic_palette();
    return join '', map { $colours[$_] } unpack 'C*', mosaic_indices(@SIDES);
}

sub with_alpha {
    my ($picture, $alpha) = @_;
    my @colours = unpack '(a3)*', $picture->{bytes};
    my @alpha = unpack '(a1)*', $alpha;

    return picture(@{$picture}{qw(width height)}, join '', map { $colours[$_] . $alpha[$_] } 0 .. $#colours);
}

sub has_sides {
    my ($base, @sides) = @_;
    my $info = info($base);
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is join('x', map { $_ // 'none' } @{$info}{qw(width height)}), join('x', @sides), "info.json has the size of $base";
}

# Compared on black: a transparent pixel has no colour to lose.
sub shows_transparent {
    my ($name, $expected) = @_;
    my $got = decode(fetch("/iiif/$name/full/max/0/default.png"));
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is $got->{samples}, 4, "$name has transparency" if $got->{samples} != 4;
    my (undef, $apart) = difference(map { { bytes => join '', unpack '(x3 a1)*', $_->{bytes} } } $got, $expected);
    return is $apart, 0, "$name is as transparent as it was made" if $apart;
    return shows_picture(over($got, 0, 0, 0), over($expected, 0, 0, 0), 1, 3, "$name is as transparent as it was made");
}

# -- colorimetry, from IEC 61966-2-1 and CIE 15; sRGB's matrix for D65, and adapted to D50 by Bradford

sub srgb {
    my ($white, $x, $y, $z) = @_;
    my @rows = $white eq 'D50'
        ? ([ 3.1338561, -1.6168667, -0.4906146 ], [ -0.9787684, 1.9161415, 0.0334540 ], [ 0.0719453, -0.2289914, 1.4052427 ])
        : ([ 3.2404542, -1.5371385, -0.4985314 ], [ -0.9692660, 1.8760108, 0.0415560 ], [ 0.0556434, -0.2040259, 1.0572252 ]);
    my @linear = map { $_->[0] * $x + $_->[1] * $y + $_->[2] * $z } @rows;
    my @encoded = map { $_ <= 0.0031308 ? 12.92 * $_ : 1.055 * $_**(1 / 2.4) - 0.055 } @linear;

    return map { int(255 * ($_ < 0 ? 0 : $_ > 1 ? 1 : $_) + 0.5) } @encoded;
}

sub lab_to_srgb {
    my ($white, $l, $a, $b) = @_;
    my @white = $white eq 'D50' ? (0.9642, 1, 0.8249) : (0.95047, 1, 1.08883);
    my $fy = ($l + 16) / 116;
    my @xyz = map { $_ > 6 / 29 ? $_**3 : 3 * (6 / 29)**2 * ($_ - 4 / 29) } $fy + $a / 500, $fy, $fy - $b / 200;

    return srgb($white, map { $xyz[$_] * $white[$_] } 0 .. 2);
}

# The coordinate picture, its numbers being those of the profile in IIIF::FileWriter
sub from_wide_gamut {
    our $wide;
    my @linear = map { ($_ / 255)**(563 / 256) } 0 .. 255;

    return $wide //= picture(@SIDES, join '', map {
        my ($r, $g, $b) = map { $linear[$_] } unpack 'C3', $_;
        pack 'C3', srgb('D50', 0.60974 * $r + 0.20528 * $g + 0.14919 * $b, 0.31111 * $r + 0.62567 * $g + 0.06322 * $b,
            0.01947 * $r + 0.06087 * $g + 0.74457 * $b);
    } unpack '(a3)*', $COLOUR->{bytes});
}

# As the fixture was made
sub from_lab {
    return picture(@SIDES, map_pixels(@SIDES, sub {
        pack 'C3', lab_to_srgb('D65', 100 / 255 * int($_[0] * 255 / 479 + 0.5), int($_[1] * 60 / 319 + 0.5) - 30, 20);
    }));
}

sub ink_at {
    my ($picture, $corner) = @_;
    return pixel($picture, 32 + 64 * ($corner % 4), 32 + 64 * int($corner / 4));
}

sub ink_is_wrong {
    my ($picture, $corner) = @_;
    my @is = ink_at($picture, $corner);
    my @wanted = lab_to_srgb('D50', cmyk_corner($corner));

    return '' unless grep { abs($is[$_] - $wanted[$_]) > 5 } 0 .. 2;
    return "corner $corner is @is, not @wanted;";
}

# No profile says how they look: only that paper is white, ink is dark, and which ink it is
sub rough_inks {
    my ($name) = @_;
    my $picture = decode(fetch("/iiif/$name/full/max/0/default.png"));
    my @seen = map {
        my ($r, $g, $b) = ink_at($picture, $_);
              $r > 240 && $g > 240 && $b > 240 ? 'white'
            : $r < 70  && $g < 70  && $b < 70  ? 'black'
            : $r < $g - 50 && $r < $b - 50 ? 'cyan'
            : $g < $r - 50 && $g < $b - 20 ? 'magenta'
            : $b < $r - 50 && $b < $g - 50 ? 'yellow'
            :                                "$r,$g,$b";
    } 0, 15, 8, 4, 2;
    return "@seen";
}

sub quarters {
    my ($base) = @_;
    my $picture = decode(fetch("$base/full/max/0/default.png"));
    my @at = ([ 250, 200 ], [ 750, 200 ], [ 250, 600 ], [ 750, 600 ]);

    return "$picture->{width}x$picture->{height} " . join ' ', map { (pixel($picture, @{$_}))[ 0 .. 2 ] } @at;
}
