# SPDX-License-Identifier: Apache-2.0
# Damaged and lying files: the request fails, with one plain sentence, and nothing else does.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use IIIF::Pixels qw(fetch coordinates crop decode difference shows);

# file: what info.json answers, what every image of it answers
my %STATUS = (
    'cut.jpg' => [ 200, 500 ],
    'cut-progressive.jpg' => [ 200, 500 ],
    'cut.png' => [ 200, 500 ],
    'cut-interlaced.png' => [ 200, 500 ],
    'cut.tif' => [ 500, 500 ],
    'cut-pyramid.tif' => [ 500, 500 ],
    'cut.webp' => [ 500, 500 ],
    'cut-lossless.webp' => [ 500, 500 ],
    'cut.gif' => [ 500, 500 ],
    'cut.jp2' => [ 200, 500 ],
    'cut-tiled.jp2' => [ 200, 500 ],
    'cut-precincts.jp2' => [ 200, 500 ],
    'cut.heic' => [ 500, 500 ],
    'cut.avif' => [ 500, 500 ],
    (map { ("cut-late.$_" => [ 200, 500 ]) } qw(jpg png jp2)),
    (map { ("cut-late.$_" => [ 500, 500 ]) } qw(webp gif)),
    'cut-late-progressive.jpg' => [ 200, 500 ],
    'cut-late-interlaced.png' => [ 200, 500 ],
    'cut-late-lossless.webp' => [ 500, 500 ],
    'cut-late-tiled.jp2' => [ 200, 500 ],
    'cut-late-precincts.jp2' => [ 200, 500 ],
    'cut-late.heic' => [ 500, 500 ],
    'cut-late.avif' => [ 500, 500 ],
    (map { ("noise-in-middle.$_" => [ 200, 500 ]) } qw(jpg png)),
    'noise-after-header.jpg' => [ 200, 500 ],
    (map { ("zeros.$_" => [ 500, 500 ]) } qw(gif avif heic)),
    'noise.jpg' => [ 500, 500 ],
    'noise-in-tiles.tif' => [ 200, 500 ],
    'text.png' => [ 500, 500 ],
    'empty.jpg' => [ 500, 500 ],
    'huge.png' => [ 413, 413 ],
    'lost-tiles.tif' => [ 200, 500 ],
);
my @tests;

for my $name (sort keys %STATUS) {
    my ($info, $image) = @{ $STATUS{$name} };
    my $base = "/iiif/damaged%2F$name";

    push @tests, sub { is_answered("$base/info.json", $info, "$name: info.json") };
    for my $request ('full/max/0/default.jpg', 'full/max/0/default.png', 'full/max/90/gray.tif', 'full/100,/0/default.webp', 'square/50,/45/bitonal.png') {
        push @tests, sub { is_answered("$base/$request", $image, "$name: $request") };
    }
}

# Of a file that lacks its end, no part is wrong: it is right or refused.
for my $name (qw(cut.jpg cut.png cut-late.jpg cut-late.png)) {
    my $picture = coordinates(1000, 800, 8);

    for my $region ([ 0, 0, 96, 64 ], [ 0, 300, 1000, 200 ], [ 500, 700, 500, 100 ]) {
        my ($x, $y, $width, $height) = @{$region};
        my $target = "/iiif/damaged%2F$name/$x,$y,$width,$height/max/0/default.png";

        push @tests, sub { is half_shown($target, crop($picture, @{$region})), '', "$name: $x,$y,$width,$height is right or refused" };
    }
}

# Nothing is wrong with the picture of a file whose list of directories never ends.
push @tests, sub { shows('/iiif/damaged%2Floop.tif/full/max/0/default.png', coordinates(480, 320, 8), 0, 0, 'loop.tif: the picture is whole') };
push @tests, sub { is_answered('/pages/damaged%2Floop.tif;2/info.json', 404, 'loop.tif: there is no second page') };
# Nor with one whose name only is wrong.
push @tests, sub { shows('/iiif/damaged%2Fwebp-named.jpg/full/max/0/default.png', coordinates(480, 320, 8), 7, 60, 'webp-named.jpg: bytes decide, not the name') };

push @tests, sub {
    my @lines = grep { m{damaged/} } log_lines();
    is_deeply [ grep { !/IIIF000[23]: damaged\/[\w.-]+(;2)?: \S/ } @lines ], [], 'every failure is logged with its id and the identifier';
};
for my $name (sort grep { $STATUS{$_}[1] == 500 } keys %STATUS) {
    push @tests, sub { is scalar(grep { m{:error\].*IIIF0002: damaged/\Q$name\E: } } log_lines()) > 0, 1, "$name: the error is in the log" };
}
push @tests, sub {
    my @died = grep { /exit signal|AddressSanitizer|runtime error/ } log_lines();
    is_deeply \@died, [], 'no child died';
};
push @tests, sub { shows('/iiif/plain.png/full/max/0/default.png', coordinates(1000, 800, 8), 0, 0, 'a sound file is served afterwards') };

plan tests => scalar @tests;
$_->() for @tests;

sub log_lines {
    open my $fh, '<', 't/logs/error_log' or die "no error log: $!\n";
    return readline $fh;
}

sub is_answered {
    my ($target, $status, $claim) = @_;
    my $response = fetch($target);
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is $response->code, $status, "$claim is $status" if $response->code != $status || $status == 200;
    return is refusal_fault($response), '', "$claim is $status, in one sentence";
}

# '' for a refusal, and for the right picture
sub half_shown {
    my ($target, $expected) = @_;
    my $response = fetch($target);

    return refusal_fault($response) if $response->code == 500;
    return $response->status_line if $response->code != 200;
    my ($mean) = difference(decode($response), $expected);
    return $mean < 3 ? '' : "200, and samples are $mean off on average";
}

# What is wrong with a refusal; '' when nothing is
sub refusal_fault {
    my ($response) = @_;
    my %is = map { $_ => $response->header($_) // '' } qw(Content-Type Cache-Control X-Content-Type-Options);

    return "Content-Type $is{'Content-Type'}" unless $is{'Content-Type'} =~ m{^text/plain\b};
    return "Cache-Control $is{'Cache-Control'}" unless $is{'Cache-Control'} eq 'no-store';
    return "X-Content-Type-Options $is{'X-Content-Type-Options'}" unless $is{'X-Content-Type-Options'} eq 'nosniff';
    return 'it may be cached' if grep { defined $response->header($_) } qw(ETag Last-Modified Expires);
    return 'no sentence: ' . $response->content unless $response->content =~ /\A[^\n]{10,250}\n\z/;
    return 'a path is told: ' . $response->content if $response->content =~ m{/tmp|apxs-build|\.so\b};
    return '';
}
