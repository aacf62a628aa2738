# SPDX-License-Identifier: Apache-2.0
package IIIF::Pixels;

# Answers of the server as pixels, and what they must look like, computed another way: by arithmetic
# on the position of a pixel, or with Image::Magick. libvips has no part in it, except where nothing
# else reads a format (JPEG XL).
#
# A picture is a hash: width, height, samples (3: R G B, 4: R G B A) and bytes, row by row.

use strict;
use warnings FATAL => 'all';

use Exporter qw(import);
use File::Temp ();
use HTTP::Response ();
use Image::Magick ();
use IIIF::Client ();
use IIIF::Coordinates qw(coordinate_bytes gray_bytes);
use Test::More ();

our @EXPORT_OK = qw(fetch kind_of picture coordinates grays decode picture_in write_png crop scale turn mirror over
    shade pixel difference shows shows_picture);

# -- references ---------------------------------------------------------------------------------

sub picture {
    my ($width, $height, $bytes) = @_;
    my $samples = length($bytes) / ($width * $height);

    die "${width}x$height pixels are not " . length($bytes) . " bytes\n" unless $samples == 3 || $samples == 4;
    return { width => $width, height => $height, samples => $samples, bytes => $bytes };
}

sub coordinates {
    my ($width, $height, $cell) = @_;
    return picture($width, $height, coordinate_bytes($width, $height, $cell));
}

sub grays {
    my ($width, $height, $bytes) = @_;
    return picture($width, $height, join '', map { $_ x 3 } unpack '(a1)*', $bytes // gray_bytes($width, $height));
}

sub crop {
    my ($picture, $x, $y, $width, $height) = @_;
    my ($samples, $row) = ($picture->{samples}, $picture->{width} * $picture->{samples});

    return picture($width, $height,
        join '', map { substr $picture->{bytes}, $_ * $row + $x * $samples, $width * $samples } $y .. $y + $height - 1);
}

# To another size by ImageMagick: smaller with Lanczos' filter, larger with Catmull's and Rom's
sub scale {
    my ($picture, $width, $height) = @_;
    my $image = _image($picture);
    my $filter = $width > $picture->{width} ? 'Catrom' : 'Lanczos';

    $image->Resize(width => $width, height => $height, filter => $filter);
    return _picture_of($image);
}

sub mirror {
    my ($picture) = @_;
    return _rearrange($picture, @{$picture}{qw(width height)}, sub { ($picture->{width} - 1 - $_[0], $_[1]) });
}

# Quarter turns clockwise: what was at the bottom left comes to the top left.
sub turn {
    my ($picture, $quarters) = @_;

    for (1 .. $quarters) {
        my $height = $picture->{height};
        $picture = _rearrange($picture, $height, $picture->{width}, sub { ($_[1], $height - 1 - $_[0]) });
    }
    return $picture;
}

# $from->($x, $y): where the pixel of the new picture is in the old one
sub _rearrange {
    my ($picture, $width, $height, $from) = @_;
    my @pixels = unpack "(a$picture->{samples})*", $picture->{bytes};
    my @moved;

    for my $y (0 .. $height - 1) {
        for my $x (0 .. $width - 1) {
            my ($old_x, $old_y) = $from->($x, $y);
            push @moved, $pixels[ $old_y * $picture->{width} + $old_x ];
        }
    }
    return picture($width, $height, join '', @moved);
}

# Laid over an opaque colour
sub over {
    my ($picture, @colour) = @_;
    my @mixed = map {
        my ($r, $g, $b, $alpha) = unpack 'C4', $_;
        my @above = ($r, $g, $b);
        map { int(($above[$_] * $alpha + $colour[$_] * (255 - $alpha)) / 255 + 0.5) } 0 .. 2;
    } unpack '(a4)*', $picture->{bytes};

    return picture(@{$picture}{qw(width height)}, pack 'C*', @mixed);
}

# Every pixel's luma by ITU-R BT.601, in all three samples
sub shade {
    my ($picture) = @_;
    my @grays = map {
        my ($r, $g, $b) = unpack 'C3', $_;
        chr(int(0.299 * $r + 0.587 * $g + 0.114 * $b + 0.5)) x 3;
    } unpack '(a3)*', $picture->{bytes};

    return picture(@{$picture}{qw(width height)}, join '', @grays);
}

# The samples of one pixel
sub pixel {
    my ($picture, $x, $y) = @_;
    return unpack 'C*', substr $picture->{bytes}, ($y * $picture->{width} + $x) * $picture->{samples}, $picture->{samples};
}

# -- answers ------------------------------------------------------------------------------------

sub fetch {
    my ($target) = @_;
    return IIIF::Client::get($target);
}

my %MAGICK = ('image/jpeg' => 'jpeg', 'image/png' => 'png', 'image/tiff' => 'tiff', 'image/gif' => 'gif',
    'image/webp' => 'webp', 'image/jp2' => 'jp2', 'image/avif' => 'avif');
my %PROGRAM = ('application/pdf' => \&_decode_pdf, 'image/jxl' => \&_decode_jxl);

# The picture in an answer, by its Content-Type alone
sub decode {
    my ($response) = @_;
    my $type = $response->header('Content-Type') // '';

    return $PROGRAM{$type}->($response->content) if $PROGRAM{$type};
    die "an answer of type '$type'\n" unless $MAGICK{$type};
    my $image = Image::Magick->new(magick => $MAGICK{$type});
    my $said = $image->BlobToImage($response->content);
    die "$said\n" if $said;
    my $picture = _picture_of($image->[0]);
    return $type eq 'image/gif' && $picture->{samples} == 4 ? _opaque($picture) : $picture;
}

my %TYPE = (jpg => 'image/jpeg', png => 'image/png', jp2 => 'image/jp2', tif => 'image/tiff');

# The picture in a file, by the end of its name
sub picture_in {
    my ($path) = @_;
    my ($extension) = $path =~ /\.(\w+)$/;
    open my $fh, '<:raw', $path or die "$path: $!\n";
    my $bytes = do { local $/ = undef; readline $fh };
    return decode(HTTP::Response->new(200, 'OK', [ 'Content-Type' => $TYPE{$extension} ], $bytes));
}

sub write_png {
    my ($path, $picture) = @_;
    my $said = _image($picture)->Write("png:$path");
    die "$path: $said\n" if $said;
    return;
}

# Any GIF may name a transparent colour; one that no pixel has is none.
sub _opaque {
    my ($picture) = @_;
    my $alpha = join '', unpack '(x3 a1)*', $picture->{bytes};

    return $picture if $alpha =~ /[^\xff]/;
    return picture(@{$picture}{qw(width height)}, join '', unpack '(a3 x1)*', $picture->{bytes});
}

sub _decode_pdf {
    my ($bytes) = @_;
    my $file = _temporary('.pdf', $bytes);

    return _read_ppm("pdftoppm -r 72 $file");
}

# Only libvips reads this format here.
sub _decode_jxl {
    my ($bytes) = @_;
    my $file = _temporary('.jxl', $bytes);
    my $png = File::Temp->new(SUFFIX => '.png');

    system('vips', 'pngsave', $file, $png) == 0 or die "vips cannot read the JPEG XL file\n";
    my $image = Image::Magick->new;
    my $said = $image->Read("$png");
    die "$said\n" if $said;
    return _picture_of($image);
}

sub _temporary {
    my ($suffix, $bytes) = @_;
    my $file = File::Temp->new(SUFFIX => $suffix);

    binmode $file;
    print {$file} $bytes;
    close $file or die "$file: $!\n";
    return $file;
}

sub _read_ppm {
    my ($command) = @_;

    open my $program, '-|:raw', $command or die "$command: $!\n";
    my $ppm = do { local $/ = undef; readline $program };
    close $program or die "$command failed\n";
    my ($width, $height) = $ppm =~ /\AP6\n(\d+) (\d+)\n255\n/g or die "$command wrote no PPM\n";
    return picture($width, $height, substr $ppm, length("P6\n$width $height\n255\n"), 3 * $width * $height);
}

# What the file says of its samples, read from its own header: "3 of 8", "1 of 1"...
sub kind_of {
    my ($response) = @_;
    my $bytes = $response->content;
    my $type = $response->header('Content-Type') // '';

    if ($type eq 'image/png') {
        my ($depth, $colour) = unpack 'CC', substr $bytes, 24, 2;
        return { 0 => 1, 2 => 3, 3 => 'palette', 4 => 2, 6 => 4 }->{$colour} . " of $depth";
    }
    return _jpeg_kind($bytes) if $type eq 'image/jpeg';
    return _tiff_kind($bytes) if $type eq 'image/tiff';
    die "samples of $type are not read here\n";
}

# The frame header is behind segments that tell their length.
sub _jpeg_kind {
    my ($bytes) = @_;
    my $at = 2;

    while ($at + 10 < length $bytes) {
        my ($marker, $length, $depth, $samples) = unpack 'x C n C x4 C', substr $bytes, $at, 10;
        return "$samples of $depth" if $marker == 0xc0 || $marker == 0xc2;
        $at += 2 + $length;
    }
    die "no frame in the JPEG\n";
}

# The first directory of a little-endian TIFF
sub _tiff_kind {
    my ($bytes) = @_;
    my $at = unpack 'x4 V', $bytes;
    my %short = map { unpack 'v x6 v', $_ } unpack '(a12)*', substr $bytes, $at + 2, 12 * unpack 'v', substr $bytes, $at, 2;
    my $samples = $short{277} // 1;

    return "$samples of " . ($samples > 2 ? unpack 'v', substr $bytes, _value($bytes, $at, 258), 2 : $short{258});
}

# Where the values of a tag are that do not fit its entry
sub _value {
    my ($bytes, $at, $tag) = @_;
    my %offset = map { unpack 'v x6 V', $_ } unpack '(a12)*', substr $bytes, $at + 2, 12 * unpack 'v', substr $bytes, $at, 2;
    return $offset{$tag};
}

sub _image {
    my ($picture) = @_;
    my $image = Image::Magick->new(size => "$picture->{width}x$picture->{height}", depth => 8,
        magick => $picture->{samples} == 4 ? 'RGBA' : 'RGB');
    my $said = $image->BlobToImage($picture->{bytes});

    die "$said\n" if $said;
    return $image;
}

sub _picture_of {
    my ($image) = @_;
    my $format = $image->Get('matte') ? 'RGBA' : 'RGB';

    return picture($image->Get('width', 'height'), $image->ImageToBlob(magick => $format, depth => 8));
}

# -- comparing ----------------------------------------------------------------------------------

my $STRIP = 1024 * 1024;

# Mean and maximum of |a - b| over all samples of two pictures of one shape
sub difference {
    my ($a, $b) = @_;
    my ($sum, $max, $length) = (0, 0, length $a->{bytes});

    return (0, 0) if $a->{bytes} eq $b->{bytes};
    for (my $at = 0; $at < $length; $at += $STRIP) {
        my $apart = _apart(map { substr $_->{bytes}, $at, $STRIP } $a, $b);

        $sum += unpack '%32C*', $apart;
        $max = _highest($apart, $max);
    }
    return ($sum / $length, $max);
}

# Byte by byte |a - b|, at the speed of C
sub _apart {
    my @images = map {
        my $image = Image::Magick->new(size => '1024x1024', depth => 8, magick => 'gray');
        my $said = $image->BlobToImage(pack "a$STRIP", $_);
        die "$said\n" if $said;
        $image;
    } @_;

    $images[0]->Composite(image => $images[1], compose => 'Difference');
    return scalar $images[0]->ImageToBlob(magick => 'gray', depth => 8);
}

sub _highest {
    my ($bytes, $max) = @_;

    while ($max < 255) {
        my $above = sprintf '[\\x%02x-\\xff]', $max + 1;
        $bytes =~ /($above)/ or last;
        $max = ord $1;
    }
    return $max;
}

# shows(TARGET, PICTURE, MEAN, MAX, CLAIM): the answer is that picture, its samples being apart by no
# more than MEAN on average and MAX at worst. One test. Returns the answer's picture.
sub shows {
    my ($target, $expected, $mean, $max, $claim) = @_;
    my $response = fetch($target);
    my $got = $response->code == 200 ? eval { decode($response) } : undef;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return _no_picture($target, $response, $claim) unless $got;
    shows_picture($got, $expected, $mean, $max, $claim) or Test::More::diag("of $target");
    return $got;
}

sub _no_picture {
    my ($target, $response, $claim) = @_;

    Test::More::fail($claim);
    Test::More::diag("$target: " . $response->status_line . ' ' . ($@ || substr $response->content, 0, 200));
    return;
}

sub shows_picture {
    my ($got, $expected, $mean, $max, $claim) = @_;
    my @shapes = map { "$_->{width}x$_->{height}, $_->{samples} samples" } $got, $expected;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return Test::More::is($shapes[0], $shapes[1], $claim) if $shapes[0] ne $shapes[1];
    my ($is_mean, $is_max) = difference($got, $expected);
    return Test::More::ok($is_mean <= $mean && $is_max <= $max, $claim)
        || Test::More::diag(sprintf 'mean %.2f, at most %s allowed; maximum %d, at most %d allowed', $is_mean, $mean, $is_max, $max)
        && 0;
}

1;
