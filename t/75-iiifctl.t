# SPDX-License-Identifier: Apache-2.0
# iiifctl, the real binary on real files: every tile of every format against the same place of the picture, as the
# server finds them; broken sources, killed runs, runs at once, full disks; and what it says.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Cwd qw(getcwd);
use File::Copy ();
use File::Find ();
use File::Path qw(make_path remove_tree);
use IIIF::Client qw(get);
use IIIF::Ctl qw($FIXTURES $SCRATCH place start finish ctl objects until_true children_of files_in litter set_times);
use IIIF::Pixels qw(coordinates picture_in write_png crop scale difference);
use IIIF::PrivateHttpd qw(slurp spew);
use IIIF::TiffReader qw(levels_of);
use JSON::PP qw(decode_json);
use List::Util qw(max min sum0);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

my $MAN = getcwd() . '/mod_iiif_image/doc/iiifctl.1';

sub ceil_div { my ($a, $b) = @_; return int(($a + $b - 1) / $b) }

# How far a sample may be off on average: one that JPEG kept, one that was halved by other means, a tile of a few
# pixels. Chequers of 8 pixels lose more than those of 64; a lone pixel has the tile's black around it.
my %APART = (coarse => [ 3, 9, 26 ], fine => [ 8, 20, 60 ], dot => [ 30, 30, 30 ]);

sub apart_for {
    my ($name, $halved, $side) = @_;
    my $kind = $name =~ /dot/ ? 'dot' : $name =~ /turned/ ? 'fine' : 'coarse';
    return $APART{$kind}[ $halved ? ($side < 32 ? 2 : 1) : 0 ];
}

sub near {
    my ($got, $expected, $mean) = @_;
    return 0 if "$got->{width}x$got->{height}" ne "$expected->{width}x$expected->{height}";
    my ($is) = difference($got, $expected);
    diag sprintf 'apart by %.2f on average, %.0f allowed', $is, $mean if $is > $mean;
    return $is <= $mean;
}

# -- what is wrong with a command line, and help ------------------------------------------------

for my $row ([ 2, qr/usage/ ], [ 2, qr/no verb 'fly'/, 'fly' ], [ 2, qr/--into/, 'tile', 'x.png' ], [ 2, qr/no SOURCE/, 'tile', '--into', 'x' ],
    [ 2, qr/no such option/, 'tile', '--fly' ], [ 2, qr/wants a value/, 'tile', '--into' ],
    [ 2, qr/'gif' is none of tiff, deepzoom/, 'tile', '--into', 'x', '--format', 'gif', 'y' ],
    [ 2, qr/--tile-size: '63' is not a number from 64 to 4096/, 'tile', '--into', 'x', '--tile-size', '63', 'y' ],
    [ 2, qr/--quality: '1e2'/, 'tile', '--into', 'x', '--quality', '1e2', 'y' ],
    [ 2, qr/multiple of 16/, 'tile', '--into', 'x', '--tile-size', '100', 'y' ],
    [ 2, qr/deepzoom alone/, 'tile', '--into', 'x', '--overlap', '1', 'y' ], [ 2, qr/not -/, 'tile', '--into', 'x', '--from', 'list' ],
    [ 2, qr/an operand is empty/, 'tile', '--into', 'x', '' ], [ 2, qr/an operand is empty/, 'clean', '' ],
    [ 2, qr/--into is empty/, 'tile', '--into', '', "$FIXTURES/small.png" ], [ 2, qr/--source is empty/, 'check', '--source', '', 'x' ],
    [ 2, qr/no PATH/, 'check' ], [ 2, qr/one FILE/, 'info' ], [ 2, qr/FILE and REGION/, 'render', 'x' ],
    [ 2, qr/URL-PATH and FILE/, 'explain', 'x' ], [ 2, qr/is not REGION/, 'render', "$FIXTURES/small.png", 'full/max' ],
    [ 2, qr/--page: '0'/, 'info', '--page', '0', "$FIXTURES/small.png" ], [ 1, qr/no-such/, 'info', "$FIXTURES/no-such.png" ],
    [ 1, qr/no-such.*no-such/s, 'check', "$FIXTURES/no-such.png" ], [ 1, qr/no-such/, 'tile', '--into', "$SCRATCH/x", "$FIXTURES/no-such.png" ]) {
    my ($want, $said, @arguments) = @{$row};
    my ($code, $out, $err) = ctl(@arguments);
    is $code, $want, "iiifctl @arguments: exit code $want";
    like "$err$out" . ($want == 1 ? 'no-such' : ''), $said, '  and says why';
}
my ($code, $help) = ctl('--help');
is $code, 0, '--help is no error';
my @verbs = $help =~ /^  (\w+(?: \w+)?)  +\w/mg;
is_deeply \@verbs, [ qw(tile check info render explain clean warm export), map { "omeka $_" } qw(config tile data stale compare) ],
    '  and names the verbs';
like +(ctl('--version'))[1], qr/^iiifctl \d+\.\d+/, '--version';
my $man = slurp($MAN);
for my $verb (@verbs) {
    my ($status, $text) = ctl(split(' ', $verb), '--help');
    my @options = $text =~ /--([a-z][a-z-]*)/g;
    is $status, 0, "$verb --help is no error";
    cmp_ok scalar @options, '>', 3, '  and explains options';
    my $section = $man =~ /^\.SS "?$verb\b(.*?)(?=^\.S[SH])/ms ? $1 : '';
    my $plain = $section =~ s/\\-/-/gr;
    is_deeply [ grep { $plain !~ /--$_\b/ && $man !~ /^\.SH "COMMON.*--$_\b/ms } grep { $_ ne 'help' } @options ], [], '  which the manual has, too';
}
is scalar `groff -t -man -ww -z -Tutf8 '$MAN' 2>&1`, '', 'groff has nothing to say about the manual';

# -- every tile, of every format ----------------------------------------------------------------

my $images = place();
my $COORDINATES = coordinates(481, 323, 64);
make_path("$images/sub dir");
write_png("$images/sub dir/gr\xc3\xb6\xc3\x9fe [1].png", $COORDINATES);
write_png("$images/plain.png", $COORDINATES);
write_png("$images/dot.png", coordinates(1, 1, 8));
File::Copy::copy("$FIXTURES/oriented-6.jpg", "$images/turned.jpg") or die "turned.jpg: $!\n";
spew("$images/notes.txt", 'no image');
make_path("$images/.hidden");
File::Copy::copy("$images/plain.png", "$images/.hidden/plain.png");
File::Find::find({ no_chdir => 1, wanted => sub { set_times($_, 3600) if -f } }, $images);
my %PICTURES = (
    'plain.png' => $COORDINATES, "sub dir/gr\xc3\xb6\xc3\x9fe [1].png" => $COORDINATES,
    'dot.png' => coordinates(1, 1, 8), 'turned.jpg' => coordinates(480, 320, 8),
);

# Sides of the levels, the full image first, halved until $last->(WIDTH, HEIGHT); rounding up
sub levels {
    my ($width, $height, $last) = @_;
    my @levels = ([ $width, $height ]);
    push @levels, [ map { ceil_div($_, 2) } @{ $levels[-1] } ] until $last->(@{ $levels[-1] });
    return @levels;
}

# The tiles of a grid: [ LEVEL from the full image on, COLUMN, ROW, region, size ]; overlap on the level
sub grid {
    my ($tile, $overlap, @levels) = @_;
    my ($full_width, $full_height) = @{ $levels[0] };
    my @tiles;

    for my $level (0 .. $#levels) {
        my ($width, $height) = @{ $levels[$level] };
        for my $row (0 .. ceil_div($height, $tile) - 1) {
            for my $column (0 .. ceil_div($width, $tile) - 1) {
                my ($left, $top) = map { $_ ? $_ * $tile - $overlap : 0 } $column, $row;
                my ($right, $bottom) = (min($width, ($column + 1) * $tile + $overlap), min($height, ($row + 1) * $tile + $overlap));
                my $factor = 2**$level;
                my @region = ($left * $factor, $top * $factor, min($full_width, $right * $factor), min($full_height, $bottom * $factor));
                push @tiles, [ $level, $column, $row, [ @region[0, 1], $region[2] - $region[0], $region[3] - $region[1] ],
                    [ $right - $left, $bottom - $top ] ];
            }
        }
    }
    return @tiles;
}

# What has to lie there for one image: { PATH => [ region, size ] }
sub deepzoom_tree {
    my ($name, $width, $height, $tile, $overlap) = @_;
    my @levels = levels($width, $height, sub { $_[0] == 1 && $_[1] == 1 });
    return { map { my ($level, $column, $row, @what) = @{$_}; ("${name}_files/" . ($#levels - $level) . "/${column}_$row.jpg" => \@what) }
            grid($tile, $overlap, @levels) };
}

sub zoomify_tree {
    my ($name, $width, $height, $tile) = @_;
    my @levels = levels($width, $height, sub { $_[0] <= $tile && $_[1] <= $tile });
    my @tiles = sort { $b->[0] <=> $a->[0] || $a->[2] <=> $b->[2] || $a->[1] <=> $b->[1] } grid($tile, 0, @levels);
    my $index = 0;
    return { map { my ($level, $column, $row, @what) = @{$_};
            ("${name}_zdata/TileGroup" . int($index++ / 256) . '/' . ($#levels - $level) . "-$column-$row.jpg" => \@what) } @tiles };
}

sub level0_tree {
    my ($version, $name, $width, $height, $tile) = @_;
    my @levels = levels($width, $height, sub { $_[0] <= $tile && $_[1] <= $tile });
    return { map { my ($region, $size) = @{$_}[3, 4];
            ("$name/" . join(',', @{$region}) . '/' . ($version == 3 ? join ',', @{$size} : "$size->[0],") . '/0/default.jpg' => [ $region, $size ]) }
            grid($tile, 0, @levels) };
}

my @TREES = (
    # format, arguments, description behind the name, tree
    [ 'deepzoom', [ '--tile-size', 128 ], '.dzi', sub { deepzoom_tree(@_, 128, 0) } ],
    [ 'deepzoom', [ '--tile-size', 100, '--overlap', 2, '--quality', 95 ], '.dzi', sub { deepzoom_tree(@_, 100, 2) } ],
    [ 'zoomify', [ '--tile-size', 64 ], '_zdata/ImageProperties.xml', sub { zoomify_tree(@_, 64) } ],
    [ 'iiif3', [ '--tile-size', 128 ], '/info.json', sub { level0_tree(3, @_, 128) } ],
    [ 'iiif2', [ '--tile-size', 128 ], '/info.json', sub { level0_tree(2, @_, 128) } ],
);
my %store;
for my $row (@TREES) {
    my ($format, $arguments, $description, $tree) = @{$row};
    my $store = $store{$format} = place();
    my ($exit, $out, $err) = ctl('tile', $images, '--into', $store, '--format', $format, @{$arguments});
    my (%expected, @wrong);

    is "$exit $err", '0 ', "tile --format $format @{$arguments} ends well";
    like $out, qr/^4 made, 0 current, 0 failed$/m, '  and says what it did';
    for my $name (keys %PICTURES) {
        my $picture = $PICTURES{$name};
        my $tiles = $tree->($name, @{$picture}{qw(width height)});
        $expected{$_} = 1 for keys %{$tiles}, "$name$description";
        for my $file (keys %{$tiles}) {
            my ($region, $size) = @{ $tiles->{$file} };
            my $halved = $region->[2] != $size->[0];
            my $place = crop($picture, @{$region});
            my $want = $halved ? scale($place, @{$size}) : $place;
            my $got = -f "$store/$file" ? picture_in("$store/$file") : undef;
            push @wrong, $file unless $got && near($got, $want, min(@{$size}) < 8 ? 60 : apart_for($name, $halved, min(@{$size})));
        }
    }
    is_deeply [ files_in($store) ], [ sort keys %expected ], '  there are just the files that have to be';
    is_deeply \@wrong, [], '  and every tile shows its place';
    is_deeply [ litter($store) ], [], '  nothing else is left';
    my ($checked, @found) = objects('check', $store, '--source', $images);
    is_deeply [ $checked, map { "$_->{status} $_->{kind}" } @found ], [ 0, ("ok $format") x 4 ], '  and check finds the same';
}

# One page of a TIFF, or the whole of another file
sub page {
    my ($path, $page) = @_;
    my $directory = place();
    my ($extension) = $path =~ /\.(\w+)$/;
    my $option = $extension eq 'tif' ? "[page=$page]" : '';
    symlink $path, "$directory/of.$extension";
    system('vips', 'copy', "$directory/of.$extension$option", "$directory/page.png") == 0 or die "vips cannot read $path\n";
    return picture_in("$directory/page.png");
}

$store{tiff} = place();
is +(ctl('tile', $images, '--into', $store{tiff}, '--tile-size', 128))[0], 0, 'tile makes pyramids';
is_deeply [ files_in($store{tiff}) ], [ sort map { "$_.tif" } keys %PICTURES ], '  one file for each image';
for my $name (sort keys %PICTURES) {
    my ($checked, $found) = objects('check', '--raw', '--tiles', "$store{tiff}/$name.tif");
    my ($width, $height) = @{ $PICTURES{$name} }{qw(width height)};
    my @sides = ([ $width, $height ]);
    push @sides, [ map { int($_ / 2) } @{ $sides[-1] } ] while $sides[-1][0] > 128 || $sides[-1][1] > 128;
    is_deeply [ $checked, $found->{status}, map { [ @{$_}{qw(width height raw tileWidth format)} ] } @{ $found->{levels} } ],
        [ 0, 'ok', map { [ @{$_}, JSON::PP::true, 128, 'jpg' ] } @sides ], "$name: all levels are sent raw";
    my @wrong = grep {
        my $expected = $_ ? scale($PICTURES{$name}, @{ $sides[$_] }) : $PICTURES{$name};
        !near(page("$store{tiff}/$name.tif", $_), $expected, apart_for($name, $_, 100))
    } 0 .. $#sides;
    is_deeply \@wrong, [], '  and show the picture';
}
$store{jp2} = place();
is +(ctl('tile', $images, '--into', $store{jp2}, '--format', 'jp2', '--tile-size', 128, '--quality', 60))[0], 0, 'tile makes JPEG 2000';
ok near(page("$store{jp2}/$_.jp2", 0), $PICTURES{$_}, 9), "  $_ shows the picture" for grep { !/dot/ } sort keys %PICTURES;

# -- colours ------------------------------------------------------------------------------------

{
    my ($here, $kept, $changed) = (place(), place(), place());
    File::Copy::copy("$FIXTURES/$_", "$here/$_") for qw(wide-gamut.jpg cmyk-profile.jpg 16-bit.tif lab.tif rgba.png gray-alpha.png gray.png float-1.tif);
    is +(ctl('tile', $here, '--into', $kept))[0], 0, 'images of all colours become pyramids';
    is +(ctl('tile', $here, '--into', $changed, '--srgb'))[0], 0, '  with --srgb, too';
    my $field = sub { my ($file, $name) = @_; scalar(() = `vipsheader -a '$file' 2>/dev/null` =~ /^\Q$name\E/mg) };
    is $field->("$kept/wide-gamut.jpg.tif", 'icc-profile-data'), 1, 'an ICC profile is kept';
    is $field->("$changed/wide-gamut.jpg.tif", 'icc-profile-data'), 0, '  and not with --srgb';
    is $field->("$kept/cmyk-profile.jpg.tif", 'icc-profile-data'), 0, '  nor one of CMYK, which becomes sRGB';
    my %bands = map { my $name = $_; ($name => `vipsheader -f bands '$kept/$name.tif'` + 0) } qw(gray.png rgba.png gray-alpha.png lab.tif cmyk-profile.jpg);
    is_deeply \%bands, { 'gray.png' => 1, 'rgba.png' => 4, 'gray-alpha.png' => 2, 'lab.tif' => 3, 'cmyk-profile.jpg' => 3 }, 'gray and alpha stay';
    my ($rgba, $page) = (picture_in("$here/rgba.png"), page("$kept/rgba.png.tif", 0));
    is_deeply [ difference($page, $rgba) ], [ 0, 0 ], '  and pixels with alpha are kept as they are';
    for my $name (qw(wide-gamut.jpg cmyk-profile.jpg 16-bit.tif lab.tif float-1.tif)) {
        my @shown = map { my $png = place() . '/shown.png'; is +(ctl('render', $_, 'full/max/0/default.png', '-o', $png))[0], 0, "  $_ renders"; picture_in($png) }
            "$here/$name", "$kept/$name.tif", "$changed/$name.tif";
        ok near($shown[1], $shown[0], 9), "$name: its pyramid shows the same colours";
        ok near($shown[2], $shown[0], 9), '  as does that in sRGB';
    }
}

# -- what is current is left alone --------------------------------------------------------------

for my $format (qw(tiff deepzoom zoomify jp2 iiif3 iiif2)) {
    my ($here, $store) = (place(), place());
    my $description = { tiff => '.tif', deepzoom => '.dzi', zoomify => '_zdata/ImageProperties.xml', jp2 => '.jp2', iiif3 => '/info.json', iiif2 => '/info.json' }->{$format};
    my $file = "$store/a.png$description";
    my $again = sub { my ($exit, @told) = objects('tile', $here, '--into', $store, '--format', $format, @_); "$exit $told[0]{status}" };
    write_png("$here/a.png", $COORDINATES);
    set_times("$here/a.png", 3600);
    is $again->(), '0 made', "$format: made";
    my $inode = (stat $file)[1];
    is $again->(), '0 current', '  once';
    is +(stat $file)[1], $inode, '  and then left alone';
    is $again->('--force'), '0 made', '  but for --force';
    isnt +(stat $file)[1], $inode, '    which makes it anew';
    $inode = (stat $file)[1];
    set_times("$here/a.png", -5);
    is $again->(), '0 made', '  a newer image, even one of the future, is tiled anew';
    is $again->(), '0 current', '    and then current';
    isnt +(stat $file)[1], $inode, '    in another file';
    write_png("$here/a.png", coordinates(300, 200, 64));
    set_times("$here/a.png", 7200);
    is $again->(), '0 made', '  as is one of another size, though older';
    my ($checked, @found) = objects('check', $store, '--source', $here);
    is_deeply [ $checked, map { "$_->{width}x$_->{height}" } @found ], [ 0, '300x200' ], '  and nothing of the old one is left';
    is_deeply [ litter($store) ], [], '  nor of making it';
}

# What others put there
{
    my ($here, $store) = (place(), place());
    write_png("$here/a.png", $COORDINATES);
    set_times("$here/a.png", 3600);
    spew("$store/a.png.tif", 'not mine');
    my ($exit, $told) = objects('tile', $here, '--into', $store);
    is "$exit $told->{status}", '1 failed', 'a file that is no pyramid is not overwritten';
    is slurp("$store/a.png.tif"), 'not mine', '  and stays';
    make_path("$store/a.png");
    spew("$store/a.png/letter", 'mine');
    ($exit, $told) = objects('tile', $here, '--into', $store, '--format', 'iiif3');
    is "$exit $told->{status}", '1 failed', 'nor is a directory that is none of tiles';
    is slurp("$store/a.png/letter"), 'mine', '  with all that is in it';
    like $told->{reason}, qr/in the way/, '  and that is told';
    remove_tree("$store/a.png");
    is +(ctl('tile', $here, '--into', $store, '--format', 'iiif3'))[0], 0, 'a tree of the Image API 3';
    ($exit, $told) = objects('tile', $here, '--into', $store, '--format', 'iiif2');
    is "$exit $told->{status}", '1 failed', '  is not replaced by one of 2';
    is +(ctl('tile', $here, '--into', $store, '--format', 'iiif2', '--force'))[0], 0, '  but with --force';
    like slurp("$store/a.png/info.json"), qr{api/image/2/}, '    it is';
}

# What is in the way of a tree and is none, or not that alone: [ format, what is there, what of it is told ]
for my $row ([ 'iiif3', { '/info.json' => '{"note":"mine"}', '/notes.txt' => 'mine' }, 'info.json' ],
    [ 'iiif3', { '/info.json' => \'iiif3', '/notes.txt' => 'mine' }, 'notes.txt' ],
    [ 'iiif2', { '/info.json' => \'iiif2', '/full/notes/0/default.jpg' => 'mine' }, 'full/notes' ],
    [ 'deepzoom', { '_files/notes.txt' => 'mine' }, 'notes.txt' ], [ 'deepzoom', { '_files/9/notes.txt' => 'mine' }, 'notes.txt' ],
    [ 'deepzoom', { '.dzi' => 'mine' }, 'a.png.dzi' ], [ 'deepzoom', { '.dzi' => \'deepzoom', '_files/9/0_0' => 'mine' }, '9/0_0' ],
    [ 'deepzoom', { '_files' => 'mine' }, '_files' ],
    [ 'zoomify', { '_zdata/ImageProperties.xml' => \'zoomify', '_zdata/notes.txt' => 'mine' }, 'notes.txt' ],
    [ 'zoomify', { '_zdata/ImageProperties.xml' => 'mine' }, 'ImageProperties.xml' ], [ 'tiff', { '.tif' => \'jp2' }, 'another format' ],
    [ 'jp2', { '.jp2' => \'tiff' }, 'another format' ]) {
    my ($format, $files, $told) = @{$row};
    my ($here, $store) = (place(), place());
    my %before;
    write_png("$here/a.png", coordinates(300, 200, 64));
    write_png("$here/b.png", coordinates(64, 48, 8));
    for my $path (sort keys %{$files}) {
        my $content = $files->{$path};
        my $of = place();
        if (ref $content) {    # the description of another image's tiles, or its pyramid
            ctl('tile', "$here/b.png", '--into', $of, '--format', ${$content});
            my ($found) = grep { m{(?:\.dzi|\.xml|\.json|\.tif|\.jp2)$} } files_in($of);
            $content = slurp("$of/$found");
        }
        make_path("$store/a.png$path" =~ s{/[^/]*$}{}r);
        spew("$store/a.png$path", $before{"a.png$path"} = $content);
    }
    my ($exit, @told) = objects('tile', $here, '--into', $store, '--format', $format);
    my %by_source = map { $_->{source} => $_ } grep { $_->{source} } @told;
    is_deeply [ $exit, map { $by_source{"$here/$_.png"}{status} } 'a', 'b' ], [ 1, 'failed', 'made' ], "$format: what is in the way fails one, the other is made";
    like $by_source{"$here/a.png"}{reason}, qr/^(?=.*in the way).*\Q$told/, '  that tells what';
    is_deeply { map { $_ => slurp("$store/$_") } grep { /^a/ } files_in($store) }, \%before, '  and it stays';
    is +(ctl('tile', $here, '--into', $store, '--format', $format, '--force'))[0], 0, '  --force replaces it';
    is +(ctl('check', $store, '--source', $here))[0], 0, '    by what is whole';
}

# -- a store among the images -------------------------------------------------------------------

{
    my $here = place();
    write_png("$here/a.png", $COORDINATES);
    set_times("$here/a.png", 60);
    for my $format (qw(tiff jp2 deepzoom zoomify)) {
        is +(ctl('tile', $here, '--into', $here, '--format', $format))[0], 0, "$format beside the image";
    }
    my ($exit, @told) = objects('tile', $here, '--into', $here);
    is_deeply [ $exit, map { $_->{source} } grep { $_->{source} } @told ], [ 0, "$here/a.png" ], '  and what was made is no source';
}

# By whatever name: [ what is tiled, the store ], of which "by link" leads to "images"
for my $row ([ 'by link', 'images/tiles' ], [ 'images', 'by link/tiles' ], [ 'images', 'by link' ], [ 'by link', 'images' ], [ 'images', 'tiles by link' ]) {
    my ($from, $into) = @{$row};
    my $here = place();
    make_path("$here/images/tiles");
    write_png("$here/images/a.png", coordinates(64, 48, 8));
    symlink 'images', "$here/by link" or die "by link: $!\n";
    symlink 'images/tiles', "$here/tiles by link" or die "tiles by link: $!\n";
    is_deeply [ (objects('tile', "$here/$from", '--into', "$here/$into"))[ 0, -1 ] ], [ 0, { made => 1, current => 0, failed => 0 } ], "$from into $into";
    is_deeply [ (objects('tile', "$here/$from", '--into', "$here/$into"))[ 0, -1 ] ], [ 0, { made => 0, current => 1, failed => 0 } ], '  what was made is no source';
}
{
    my $here = place();
    make_path("$here/sub");
    write_png("$here/sub/a.png", coordinates(64, 48, 8));
    my @sums = map { (objects('tile', $here, '--into', "$here/$_"))[-1] } 'first', 'second', 'first';
    is_deeply [ map { "$_->{made} $_->{current}" } @sums ], [ '1 0', '1 0', '0 1' ], 'of two stores among the images neither is tiled into the other';
    is_deeply [ grep { !/-lease$/ } files_in($here) ], [ 'first/sub/a.png.tif', 'second/sub/a.png.tif', 'sub/a.png' ], '  in their places';
    is +(objects('tile', "$here/first", '--into', place()))[-1]{made}, 1, '  but one that is named is';
}
{
    my $here = place();
    write_png("$here/a.png", $COORDINATES);
    my $before = slurp("$here/a.png");
    my ($exit, $told) = objects('tile', $here, '--into', $here, '--format', 'iiif3', '--force');
    is "$exit $told->{status}", '1 failed', 'a tree that would have the name of its image is refused, by --force, too';
    ok slurp("$here/a.png") eq $before, '  which stays';
}

# -- one name for two ---------------------------------------------------------------------------

{
    my ($here, $store) = (place(), place());
    make_path("$here/$_") for 'one', 'two';
    write_png("$here/$_/a.png", coordinates(64, 48, 8)) for 'one', 'two';
    write_png("$here/two/b.png", coordinates(64, 48, 8));
    symlink 'one', "$here/link" or die "link: $!\n";
    my $fates = sub {
        my ($exit, @told) = objects(@_, '--into', $store);
        return [ $exit, sort map { substr($_->{source}, 1 + length $here) . ": $_->{status}" } grep { $_->{source} } @told ];
    };
    is_deeply $fates->('tile', "$here/one", "$here/two"), [ 1, 'one/a.png: made', 'two/a.png: failed', 'two/b.png: made' ], 'of two that have the same name, one is made';
    my ($exit, $out, $err) = ctl('tile', "$here/two/a.png", "$here/one/a.png", '--into', $store);
    like $err, qr{one/a\.png: .*two/a\.png has the same name}, '  the other is told, with its rival';
    is_deeply $fates->('tile', map { "$here/$_" } 'two', 'two/a.png', 'two'), [ 0, map { "two/$_: current" } 'a.png', 'a.png', 'a.png', 'b.png', 'b.png' ],
        '  what is given twice is no rival of itself';
    is +$fates->('tile', map { "$here/$_" } 'one', 'link')->[0], 0, '    nor by another name';
    $store = place();
    spew("$SCRATCH/list", "$here/one/a.png\n$here/two/a.png\n");
    is_deeply $fates->(\"$SCRATCH/list", 'tile', '--from', '-'), [ 1, 'one/a.png: made', 'two/a.png: failed' ], '  from a list, too';
    is_deeply $fates->(\"$SCRATCH/list", 'tile', '--from', '-', '--root', $here), [ 0, 'one/a.png: made', 'two/a.png: made' ], '  below one root they have two names';

    $store = place();
    my $run = start('tile', '--watch', "$here/one", '--watch', "$here/two", '--into', $store, '--json');
    until_true(sub { slurp($run->{out}) =~ /"failed"/ }, 'all are looked at');
    unlink "$here/one/a.png" or die "a.png: $!\n";
    write_png("$here/two/a.png", coordinates(70, 48, 8));
    until_true(sub { slurp($run->{out}) =~ m{/two/a\.png","status":"made"} }, 'the second is made');
    kill 'TERM', $run->{pid};
    is +(finish($run))[0], 143, 'of two that are watched, too, until the first has gone';
}

# A directory that is watched, and a store in it, by another name
{
    my $here = place();
    make_path("$here/images");
    write_png("$here/images/a.png", coordinates(64, 48, 8));
    symlink 'images', "$here/link" or die "link: $!\n";
    my $run = start('tile', '--watch', "$here/images", '--into', "$here/link/tiles");
    until_true(sub { -e "$here/images/tiles/a.png.tif" }, 'it is made');
    sleep 1.5;    # a second after the tiles were moved there, they would be taken
    write_png("$here/images/b.png", coordinates(64, 48, 8));
    until_true(sub { -e "$here/images/tiles/b.png.tif" }, 'another is made');
    kill 'TERM', $run->{pid};
    finish($run);
    is_deeply [ files_in("$here/images/tiles") ], [ 'a.png.tif', 'b.png.tif' ], 'what is made below a directory that is watched is no source';
}

# -- names from a list, and where they are below ------------------------------------------------

{
    my ($here, $store, $list) = (place(), place(), "$SCRATCH/list");
    make_path("$here/deep");
    write_png("$here/deep/$_", coordinates(64, 48, 8)) for 'a.png', "b\nb.png", 'c.png';
    spew($list, "$here/deep/a.png\n\n$here/deep/none.png\n$here/deep/c.png");
    my ($exit, $out, $err) = ctl(\$list, 'tile', '--into', $store, '--from', '-', '--root', $here);
    is $exit, 1, 'a list of paths, one of them wrong';
    like $err, qr{deep/none\.png: No such file}, '  is named';
    is_deeply [ files_in($store) ], [ 'deep/a.png.tif', 'deep/c.png.tif' ], '  and all others are made, below the root';
    spew($list, "$here/deep/a.png\0$here/deep/c.png\0");
    my $second = place();
    is +(ctl(\$list, 'tile', '--into', $second, '--from', '-', '-0'))[0], 0, 'a list with NUL';
    is_deeply [ files_in($second) ], [ 'a.png.tif', 'c.png.tif' ], '  each file below its own directory';
    my ($failed, @told) = objects('tile', "$here/deep", '--into', place());
    is_deeply [ $failed, map { $_->{reason} } grep { ($_->{status} // '') eq 'failed' } @told ], [ 1, 'no identifier can have its name' ],
        'a name that no URL can have is told';
    my $latin = place();
    spew("$latin/gr\xfc\xdfe.png", 'x');
    ($failed, @told) = objects('tile', $latin, '--into', place());
    is_deeply [ $failed, $told[0]{source} ], [ 1, "$latin/gr\xef\xbf\xbd\xef\xbf\xbde.png" ], 'a name that is not UTF-8 is told in JSON that is';
    ($failed, @told) = objects('tile', "$here/deep/a.png", '--root', "$here/other", '--into', place());
    like $told[0]{reason}, qr/not below/, 'a file beside the root is told';
    my $third = place();
    is +(ctl('tile', "$here/deep/a.png", '--into', $third, '--name', 'fonds/no. 7'))[0], 0, 'one file under a name of its own';
    is_deeply [ files_in($third) ], ['fonds/no. 7.tif'], '  which is all that is made';
    for my $row ([ '../x' => "$here/deep/a.png" ], [ x => $here, "$here/deep" ], [ x => "$here/deep/a.png", '--root', $here ], [ x => '--from', '-' ]) {
        my ($name, @rest) = @{$row};
        is +(ctl('tile', '--into', $third, '--name', $name, @rest))[0], 2, "no use of --name: $name " . scalar(@rest) . " $rest[-1]";
    }
}

# -- standard input and output that fail --------------------------------------------------------

{
    my ($here, $store) = (place(), place());
    write_png("$here/$_.png", coordinates(64, 48, 8)) for 'a' .. 'd';
    my $with = sub { return [ '/bin/sh', '-c', "exec \"\$0\" \"\$\@\" $_[0]" ] };
    for my $row ([ '<&-', 'Bad file descriptor' ], [ '</', 'Is a directory' ]) {
        my ($redirection, $reason) = @{$row};
        my ($exit, $out, $err) = ctl($with->($redirection), 'tile', '--into', $store, '--from', '-');
        is $exit, 1, "a list that cannot be read, $redirection";
        like $err, qr/standard input: $reason/, '  is told';
    }
    my ($exit) = ctl($with->('<&- >&- 2>&-'), 'tile', $here, '--into', $store);
    is $exit, 1, 'what cannot be said is a failure';
    is_deeply [ files_in($store) ], [ map { "$_.png.tif" } 'a' .. 'd' ], '  but no other file or process gets to hear it: all are made';
    for my $row ([ 'render', "$here/a.png", 'full/max/0/default.jpg' ], [ 'info', "$here/a.png" ], [ 'check', $store ], [ 'export', "$here/a.png", '--into', place() ],
        [ 'tile', $here, '--into', $store ]) {
        my ($code, $out, $err) = ctl($with->('>/dev/full'), @{$row});
        is $code, 1, "$row->[0] >/dev/full is a failure";
        like $err, qr/No space left/, '  and told';
    }
}

# -- broken sources -----------------------------------------------------------------------------

{
    my ($here, $store) = (place(), place());
    File::Copy::copy($_, $here) for glob "$FIXTURES/damaged/*";
    write_png("$here/whole.png", $COORDINATES);
    my $count = files_in($here);
    for my $format (qw(tiff deepzoom)) {
        my ($exit, @told) = objects('tile', $here, '--into', $store, '--format', $format);
        my %status = map { ($_->{source} =~ s{.*/}{}r => $_) } grep { $_->{source} } @told;
        my $sum = $told[-1];
        is $exit, 1, "$format of broken images fails";
        is $status{'whole.png'}{status}, 'made', '  but for a whole one among them';
        is $sum->{made} + $sum->{failed}, keys %status, '  and each has its outcome';
        my @accepted = grep { $status{$_}{status} eq 'made' && /^(?:cut|noise|zeros|empty|text|huge)/ } sort keys %status;
        is_deeply [ grep { !/late|noise-in/ } @accepted ], [], '  none that is cut short is taken for whole';
        is_deeply [ grep { $_->{status} eq 'failed' && $_->{reason} !~ /[^\s:]+ [^\s:]+/ } values %status ], [], '  and each says why';
        is_deeply [ grep { ($_->{reason} // '') =~ /signal/ } values %status ], [], '  none of them by a crash';
        is_deeply [ litter($store) ], [], '  nothing is left of them';
        my ($checked) = objects('check', $store);
        is $checked, 0, '  and what was made is whole';
    }
    my ($exit, $out) = ctl('tile', $here, '--into', place(), '--strict', '--jobs', 1);
    is $exit, 1, '--strict fails, too';
    like $out, qr/, 1 failed$/m, '  after the first';
}

# -- runs that are stopped ----------------------------------------------------------------------

my $LARGE = place();
File::Copy::copy("$FIXTURES/map.jpg", "$LARGE/map.jpg") or die "map.jpg: $!\n";
set_times("$LARGE/map.jpg", 3600);

# A run that is making something just now
sub busy_run {
    my ($store, @arguments) = @_;
    my $run = start('tile', $LARGE, '--into', $store, @arguments);
    until_true(sub { litter($store) || waitpid($run->{pid}, POSIX::WNOHANG()) > 0 }, 'it is begun');
    return $run;
}

for my $format (qw(tiff deepzoom zoomify iiif3)) {
    my $store = place();
    my $whole = 0;
    for my $delay (0, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5) {
        my $run = start('tile', $LARGE, '--into', $store, '--format', $format, '--force');
        sleep $delay;
        kill 'KILL', $run->{pid};
        finish($run);
        my ($checked, @found) = objects('check', $store, '--source', $LARGE);
        ++$whole if grep { $_->{status} eq 'ok' } @found;
        my @half = grep { $_->{status} ne 'ok' && $_->{reason} !~ /no description/ } @found;
        is_deeply \@half, [], "$format: killed after $delay seconds, nothing half is to be found";
    }
    my ($exit, @told) = objects('tile', $LARGE, '--into', $store, '--format', $format);
    is $exit, 0, '  and the next run ends well';
    is_deeply [ litter($store) ], [], '  and clears up';
    is +(objects('check', $store, '--source', $LARGE))[0], 0, '  all tiles are there';
}
{
    my $store = place();
    my $run = busy_run($store);
    my ($worker) = children_of($run->{pid});
    kill 'KILL', $worker if $worker;
    my ($exit, $out, $err) = finish($run);
    is $exit, 1, 'a worker that dies is noticed';
    like $err, qr/map\.jpg: the process that read it was ended by signal 9/, '  with the name of its file';
    is_deeply [ litter($store) ], [], '  and what it left is removed';
    is_deeply [ files_in($store) ], [], '  nothing was made';
}
for my $signal (qw(INT TERM HUP)) {
    my $store = place();
    my $run = busy_run($store, '--format', 'deepzoom');
    my @workers = children_of($run->{pid});
    kill $signal, $run->{pid};
    my ($exit) = finish($run);
    is $exit, { INT => 130, TERM => 143, HUP => 129 }->{$signal}, "SIG$signal ends a run";
    is_deeply [ litter($store), files_in($store) ], [], '  and nothing is left';
    is_deeply [ grep { kill 0, $_ } @workers ], [], '  nor any worker';
}

# -- what failed, once and for all --------------------------------------------------------------

{
    my ($here, $store) = (place(), place());
    my @once = ('tile', $here, '--into', $store, '--once', '--jobs', 1);
    my $remembered = sub { return scalar grep { m{\.iiifctl-failed/} } files_in($store) };
    my $bytes = slurp("$FIXTURES/plain.png");
    spew("$here/cut.png", substr $bytes, 0, length($bytes) / 2);
    spew("$here/gone.png", substr $bytes, 0, length($bytes) / 3);
    spew("$here/large.png", $bytes);
    set_times("$here/$_.png", 3600) for qw(cut gone large);
    sleep 0.1;
    is +(ctl(@once, '--max-pixels', 100))[0], 1, 'what is too large for a limit';
    is $remembered->(), 0, '  fails each time, without being remembered';
    is +(ctl(grep { $_ ne '--once' } @once))[0], 1, 'damaged images';
    is $remembered->(), 0, '  are not remembered unasked';
    my (undef, @first) = objects(@once);
    is $remembered->(), 2, 'with --once they are';
    my ($exit, @then) = objects(@once);
    is $exit, 1, '  and fail again';
    is_deeply [ map { $_->{reason} } grep { $_->{source} && $_->{status} eq 'failed' } @then ],
        [ map { "failed before, and has not changed: $_->{reason}" } grep { $_->{source} && $_->{status} eq 'failed' } @first ], '  with the reason that they had';
    unlike +(ctl(grep { $_ ne '--once' } @once))[2], qr/failed before/, 'without it they are tried again';
    is_deeply [ (objects('check', $store))[0], (ctl('clean', $store))[0], $remembered->() ], [ 0, 0, 2 ], 'that is no tiles, and in use';
    unlink "$here/gone.png" or die "gone.png: $!\n";
    is_deeply [ (ctl('clean', $store, '--dry-run'))[0], $remembered->() ], [ 0, 2 ], 'of what is gone';
    is_deeply [ (ctl('clean', $store))[0], $remembered->() ], [ 0, 1 ], '  clean removes it';
    spew("$here/cut.png", $bytes);
    is_deeply [ (ctl(@once))[0], scalar litter($store) ], [ 0, 0 ], 'what was mended is tiled, and nothing is remembered any more';

    my ($linked, $elsewhere) = (place(), place());
    spew("$elsewhere/0123456789abcdef", 'somebody\'s');
    symlink $elsewhere, "$linked/.iiifctl-failed" or die "link: $!\n";
    spew("$here/cut.png", substr $bytes, 0, length($bytes) / 2);
    set_times("$here/cut.png", 3600);
    sleep 0.1;
    is_deeply [ map { (ctl(@{$_}))[0] } ['tile', $here, '--into', $linked, '--once'], [ 'clean', $linked ] ], [ 1, 0 ], 'a link in its place';
    is_deeply [ files_in($elsewhere) ], ['0123456789abcdef'], '  leads nowhere';

    my $run = busy_run($store, '--once', '--force');
    my ($worker) = children_of($run->{pid});
    kill 'KILL', $worker if $worker;
    is_deeply [ (finish($run))[0], $remembered->() ], [ 1, 1 ], 'what ends its process is remembered';
    like +(ctl('tile', $LARGE, '--into', $store, '--once'))[2], qr/failed before, and has not changed: the process .* signal 9/, '  and why';
}

# -- a disk that is full ------------------------------------------------------------------------

for my $format (qw(tiff deepzoom zoomify jp2 iiif3)) {
    my $store = place();
    my $file = $format eq 'tiff' || $format eq 'jp2' ? $LARGE : "$FIXTURES/plain.jpg";
    my ($exit, $out, $err) = ctl([ '/bin/sh', '-c', 'ulimit -f 8 && exec "$0" "$@"' ], 'tile', $file, '--into', $store, '--format', $format,
        '--tile-size', 1024, '--quality', 100);
    is $exit, 1, "$format: files that cannot grow are an error";
    like $err, qr/\.jpg: \w.{8}/, '  that is told';
    unlike $err, qr/signal/, '  and no crash';
    is_deeply [ litter($store), files_in($store) ], [], '  and nothing is left';
}

# -- runs at once -------------------------------------------------------------------------------

{
    my ($here, $store) = (place(), place());
    my $alias = place() . '/store';    # as another host may have mounted it
    symlink $store, $alias or die "$alias: $!\n";
    write_png(sprintf('%s/%02d.png', $here, $_), coordinates(700 + $_, 500, 64)) for 1 .. 16;
    for my $format (qw(tiff deepzoom)) {
        my @runs = map { start('tile', $here, '--into', $_, '--format', $format, '--json') } $store, $store, $alias;
        my (%made, @codes);
        for my $run (@runs) {
            my ($exit, $out, $err) = finish($run);
            push @codes, "$exit$err";
            $_->{source} && $_->{status} eq 'made' && ++$made{ $_->{source} } for map { decode_json($_) } split /\n/, $out;
        }
        is_deeply \@codes, [ 0, 0, 0 ], "$format: three runs at once end well";
        is_deeply [ map { $_ // 0 } @made{ map { sprintf '%s/%02d.png', $here, $_ } 1 .. 16 } ], [ (1) x 16 ], '  and each image is made once, by one of them';
        is_deeply [ litter($store) ], [], '  nothing is left';
    }
    is +(objects('check', $store, '--source', $here))[0], 0, '  and all is whole';
}
{
    my $store = place();
    my $first = busy_run($store);
    kill 'STOP', $_ for children_of($first->{pid});
    my $alias = place() . '/store';
    symlink $store, $alias or die "$alias: $!\n";
    my $second = start('tile', $LARGE, '--into', $alias, '--json');
    sleep 0.3;
    is_deeply [ waitpid($second->{pid}, POSIX::WNOHANG()), slurp($second->{out}) ], [ 0, '' ], 'who finds an image being made waits';
    kill 'KILL', $first->{pid};
    finish($first);
    my ($exit, $out, $err) = finish($second);
    is "$exit $err", '0 ', '  and takes over when its maker dies';
    is decode_json((split /\n/, $out)[0])->{status}, 'made', '    to make it';
    is_deeply [ litter($store) ], [], '    and to clear up';
}

# Who else may write to the store: [ its mode, that of the leases ]
for my $row ([ '0777', '0666' ], [ '0775', '0660' ], [ '0770', '0660' ], [ '0755', '0600' ], [ '1777', '0666' ]) {
    my ($mode, $leases) = @{$row};
    my ($here, $store) = (place(), place());
    write_png("$here/a.png", coordinates(64, 48, 8));
    chmod oct $mode, $store or die "$store: $!\n";
    is +(ctl([ '/bin/sh', '-c', 'umask 077 && exec "$0" "$@"' ], 'tile', $here, '--into', $store))[0], 0, "a store of mode $mode";
    is sprintf('%04o', (stat "$store/.iiifctl-lease")[2] & oct 7777), $leases, "  whoever may write there may take a lease: $leases";
    chmod oct 640, "$store/.iiifctl-lease" or die "lease: $!\n";
    is +(ctl('tile', $here, '--into', $store, '--force'))[0], 0, '  another run';
    is sprintf('%04o', (stat "$store/.iiifctl-lease")[2] & oct 7777), '0640', '    leaves a mode that somebody has chosen';
}
for my $there ('nowhere', 'file') {
    my ($here, $store) = (place(), place());
    write_png("$here/a.png", coordinates(64, 48, 8));
    spew("$here/file", 'mine');
    symlink "$here/$there", "$store/.iiifctl-lease" or die "lease: $!\n";
    my ($exit, $out, $err) = ctl('tile', $here, '--into', $store);
    is $exit, 1, "leases that are a link to $there are not followed";
    like $err, qr/cannot open .*lease: Too many levels/, '  which is told';
    is_deeply [ files_in($here) ], [ 'a.png', 'file' ], '  and no file is made';
}

# -- check --------------------------------------------------------------------------------------

{
    my $here = place();
    my $link = place() . '/link';
    write_png("$here/a.png", coordinates(64, 48, 8));
    symlink $here, $link or die "$link: $!\n";
    is_deeply [ map { "$_->{path} $_->{status}" } (objects('check', $link))[1] ], ["$link/a.png ok"], 'a directory may be given by a link';
    POSIX::mkfifo("$here/b.png", oct 600) or die "b.png: $!\n";
    my ($exit, $told) = objects('check', "$here/b.png");
    is "$exit $told->{reason}", '1 it is neither file nor directory', 'a pipe is not waited for';
    is +(ctl('check', $here))[0], 0, '  and passed over in a directory';
}

# The findings of check, by path
sub findings {
    my (@arguments) = @_;
    my ($exit, @found) = objects('check', @arguments);
    return { exit => $exit, map { $_->{path} => $_ } @found };
}

for my $row ([ 'map.jpg', qr/no TIFF/ ], [ 'strips.tif', qr/not tiled/ ], [ 'oriented-6.tif', qr/stored turned/ ], [ 'raw/deflate.tif', qr/neither JPEG nor WebP/ ]) {
    my ($name, $why) = @{$row};
    next unless -e "$FIXTURES/$name" || $name =~ m{^raw/};
    my $file = -e "$FIXTURES/$name" ? "$FIXTURES/$name" : "$FIXTURES/tiles.tif";
    my $found = findings($file);
    is "$found->{exit} $found->{$file}{status}", '0 ok', "$name is whole";
    like $found->{$file}{levels}[0]{blocked} // '', $why, '  and says why it is not sent raw';
    is findings('--raw', $file)->{exit}, 1, '    which --raw does not accept';
}
{
    my $sparse = findings("$FIXTURES/sparse-jpeg.tif")->{"$FIXTURES/sparse-jpeg.tif"};
    cmp_ok $sparse->{sparse}, '>', 0, 'sparse tiles are counted';
    is $sparse->{status}, 'ok', '  and no fault';
    my ($lost, $noise) = map { "$FIXTURES/$_" } 'raw/lying-outside.tif', 'damaged/noise-in-tiles.tif';
    like findings($lost)->{$lost}{reason}, qr/outside the file/, 'tiles outside the file are found without being read';
    is findings('--tiles', $noise)->{exit}, 1, 'noise in tiles is found by --tiles';
    is findings($noise)->{exit}, 0, '  the structure of the latter is whole, and no tile is read for that';
}
for my $row ([ 'deepzoom', '.dzi', '_files/9/1_1.jpg' ], [ 'zoomify', '_zdata/ImageProperties.xml', '_zdata/TileGroup0/2-1-1.jpg' ],
    [ 'iiif3', '/info.json', '/128,128,128,128/128,128/0/default.jpg' ]) {
    my ($format, $description, $tile) = @{$row};
    my ($here, $store) = (place(), place());
    my ($path, $file) = ("$store/a.png$description", "$store/a.png$tile");
    write_png("$here/a.png", $COORDINATES);
    set_times("$here/a.png", 3600);
    is +(ctl('tile', $here, '--into', $store, '--format', $format, '--tile-size', 128))[0], 0, "$format, to be damaged";
    my $bytes = slurp($file);
    my $reason = sub { my $found = findings($store, '--source', $here); ($found->{$path}{status} // 'none') . ' ' . ($found->{$path}{reason} // '') };
    is $reason->(), 'ok ', '  it is whole';
    spew($file, substr $bytes, 0, length($bytes) / 2);
    like $reason->(), qr/^wrong 1 of \d+ tiles are wrong; 128,128,128,128\/128,128 is .*cut short/, '  a tile cut short is found';
    my $noise = $bytes;
    substr $noise, $_, 40, "\xff\xd9" . "\0" x 38 for length($bytes) / 2;
    spew($file, $noise);
    like $reason->(), qr/^wrong 1 of \d+ tiles/, '  one that does not decode is found';
    unlink $file or die "$file: $!\n";
    like $reason->(), qr/^wrong 1 of .*missing/, '  a missing one is';
    spew($file, $bytes);
    is $reason->(), 'ok ', '  and it is whole again';
    set_times("$here/a.png", -60);
    like $reason->(), qr/^wrong it is older/, '  stale ones are found';
    write_png("$here/a.png", coordinates(100, 90, 8));
    set_times("$here/a.png", 3600);
    like $reason->(), qr/^wrong .*481x323.*100x90/, '  those of another size are';
    rename "$here/a.png", "$here/b.png" or die "b.png: $!\n";
    like $reason->(), qr/^wrong orphaned/, '  and those of no image';
    is findings($path)->{exit}, 0, '  all of which are whole by themselves';
}
{
    my ($here, $store) = (place(), place());
    write_png("$here/a.png", $COORDINATES);
    set_times("$here/a.png", 3600);
    ctl('tile', $here, '--into', $store);
    my $reason = sub { my $found = findings($store, '--source', $here)->{"$store/a.png.tif"}; "$found->{status} " . ($found->{reason} // '') };
    is $reason->(), 'ok ', 'a pyramid is of its image';
    set_times("$here/a.png", -60);
    like $reason->(), qr/^wrong stale/, '  a stale one is found';
    write_png("$here/a.png", coordinates(100, 90, 8));
    set_times("$here/a.png", 3600);
    like $reason->(), qr/^wrong wrong dimensions: the image is of 100x90/, '  one of another size is';
    unlink "$here/a.png";
    like $reason->(), qr/^wrong orphaned/, '  and an orphaned one';
    write_png("$here/a.png", $COORDINATES);
    set_times("$here/a.png", 3600);
    is $reason->(), 'ok ', '  it is whole again';
    my $bytes = slurp("$store/a.png.tif");
    spew("$store/a.png.tif", substr $bytes, 0, length($bytes) / 2);
    like $reason->(), qr/^wrong .*\w/, '  one that is cut short is not';
    make_path("$store/lost_files/0");
    like findings($store)->{"$store/lost_files"}{reason}, qr/no description/, 'tiles without a description are told';
}

# -- the server sees the same -------------------------------------------------------------------

my $httpd = IIIF::PrivateHttpd->new;
my $CONF = <<'CONF';
Include ${TOP}/conf.d/iiif-image.conf
<Directory "IMAGES">
    Require all granted
</Directory>
Header always set X-IIIF-Plan "expr=%{note:iiif-plan}" "expr=-n note('iiif-plan')"
CONF
my $sites = $CONF =~ s/IMAGES/$images/r;
for my $format (sort keys %store) {
    $sites .= qq(IIIFImageRoot /$format "$images"\n<Location /$format>\n    IIIFTileStore "$store{$format}"\n</Location>\n);
}
$httpd->configure($sites);
$httpd->start;
$IIIF::Client::PORT = $httpd->port;
my %TILES = (
    # format => the plan, and a tile of plain.png
    deepzoom => [ 'static', 'plain.png_files/9/0_0.jpg' ],
    zoomify  => [ 'static', 'plain.png/64,64,64,64/64,64/0/default.jpg' ],
    iiif3    => [ 'static', 'plain.png/0,0,256,256/128,128/0/default.jpg' ],
    iiif2    => [ 'static', 'plain.png/0,0,256,256/128,128/0/default.jpg' ],
    tiff     => [ 'raw',    'plain.png/128,128,128,128/128,128/0/default.jpg' ],
    jp2      => [ 'render', 'plain.png/0,0,481,323/241,162/0/default.jpg' ],
);
for my $format (sort keys %TILES) {
    my ($plan, $path) = @{ $TILES{$format} };
    my $response = get("/$format/$path");
    is $response->code . ' ' . ($response->header('X-IIIF-Plan') // 'none'), "200 $plan", "$format: the server's plan is $plan";
    my ($exit, $told) = objects('explain', "/$format/$path", "$images/plain.png", '--prefix', "/$format", '--store', $store{$format});
    is "$exit $told->{plan}", "0 $plan", '  as explain says';
    like $response->header('Link') // '', qr{/plain\.png/\Q$told->{canonical3}\E>}, '  with the same canonical URI';
    my $out = place() . "/rendered";
    my ($params) = $path =~ m{^[^/]*/(.*)$};
    next if $format eq 'deepzoom';
    is +(ctl('render', "$images/plain.png", $params, '--store', $store{$format}, '-o', $out))[0], 0, '  render makes it';
    ok slurp($out) eq $response->content, '    of the same bytes';
}
is +(objects('explain', '/jp2/plain.png/full/max/0/default.jpg', "$images/plain.png", '--prefix', '/jp2', '--store', $store{jp2}))[1]{readFrom},
    "$store{jp2}/plain.png.jp2", 'pixels are read from the JPEG 2000 in the store';
for my $params ('full/100,/0/default.png', 'square/!90,90/!90/gray.jpg', 'pct:10,10,50,50/max/15/color.webp', '0,0,64,64/^128,/180/bitonal.gif') {
    my $response = get("/tiff/turned.jpg/$params");
    my ($exit, $out) = ctl('render', "$images/turned.jpg", $params, '--store', $store{tiff});
    is "$exit " . $response->code, '0 200', "turned.jpg/$params is made by both";
    ok $out eq $response->content, '  of the same bytes';
}
for my $version (2, 3) {
    my $response = get("/deepzoom/$version/plain.png/info.json");
    my ($exit, $told) = objects('info', "$images/plain.png", '--store', $store{deepzoom}, '--api', $version, '--id', $httpd->origin . "/deepzoom/$version");
    is $exit, 0, "info tells of version $version";
    is_deeply $told->{info}, decode_json($response->content), '  what the server says';
    is_deeply [ @{$told}{qw(format width height orientation quality)} ], [ 'png', 481, 323, 1, 'color' ], '  and what the file says';
}
$httpd->stop;
for my $name (qw(map.tif sparse-jpeg.tif raw/floor.tif raw/webp-lossy.tif)) {
    my ($exit, $told) = objects('info', "$FIXTURES/$name");
    my %stored = map { $_->{width} . 'x' . $_->{height} => $_ } levels_of("$FIXTURES/$name");
    my (@is, @should);
    for my $level (grep { $_->{raw} } @{ $told->{levels} }) {
        my $from = $stored{"$level->{width}x$level->{height}"};
        my @there = grep { $from->{lengths}[$_] } 0 .. $#{ $from->{lengths} };
        my @ends = map { $from->{offsets}[$_] + $from->{lengths}[$_] } @there;
        push @is,     [ @{$level}{qw(offset end bytes)} ];
        push @should, [ min(@{ $from->{offsets} }[@there]), max(@ends), sum0(@{ $from->{lengths} }) ];
    }
    cmp_ok scalar @is, '>', 0, "$name has levels that are sent raw";
    is_deeply \@is, \@should, '  info tells where their tiles lie';
}
my ($placed, $said) = ctl('info', "$FIXTURES/map.tif");
my ($top) = levels_of("$FIXTURES/map.tif");
my $bytes = sum0(@{ $top->{lengths} });
like $said, qr/^  level 0 +4001x3003, raw: 16 x 12 tiles of 256x256, jpg, $bytes bytes between $top->{offsets}[0] and \d+$/m, '  to people, too';

# -- explain ------------------------------------------------------------------------------------

for my $row (
    # what is asked for of map.tif, plan, why not a cheaper one
    [ '0,0,256,256/256,256/0/default.jpg',   'raw',    undef ],
    [ '256,0,256,256/256,/90/default.jpg',   'raw',    undef ],
    [ '0,0,256,256/256,256/0/default.png',   'render', qr/another format/ ],
    [ '0,0,256,256/256,256/12/default.jpg',  'render', qr/not turned by quarters/ ],
    [ '0,0,256,256/256,256/0/bitonal.jpg',   'render', qr/bitonal/ ],
    [ '0,0,300,256/300,256/0/default.jpg',   'render', qr/no tile of the grid/ ],
    [ '3840,2816,161,187/81,94/0/default.jpg', 'render', qr/no tile of the grid|without loss/ ]) {
    my ($params, $plan, $why) = @{$row};
    my ($exit, $told) = objects('explain', "/iiif/3/map.tif/$params", "$FIXTURES/map.tif");
    is "$exit $told->{plan}", "0 $plan", "map.tif/$params: $plan";
    like $told->{notStatic}, qr/no tile store is given/, '  there is no store';
    like $told->{notRaw}, $why, '  and no raw tile, because' if $why;
    is_deeply [ map { $_->{kind} } @{ $told->{readings} } ], [ 'image', 'base URI' ], '  it has two readings';
}
for my $row ([ 'map.jpg', qr/no TIFF/ ], [ 'strips.tif', qr/not tiled/ ], [ 'oriented-6.tif', qr/stored turned/ ]) {
    my ($name, $why) = @{$row};
    my (undef, $told) = objects('explain', "$name/0,0,128,128/max/0/default.jpg", "$FIXTURES/$name");
    like $told->{notRaw}, $why, "$name has no raw tiles, because";
}
is_deeply [ objects('explain', 'https://h.example:8080/iiif/3/map.tif/full/max/0/default.jpg?a=b#c', "$FIXTURES/map.tif") ],
    [ objects('explain', '/iiif/3/map.tif/full/max/0/default.jpg', "$FIXTURES/map.tif") ], 'a URL may be given whole';
my ($failed, $told) = objects('explain', '/iiif/2/map.tif/full/^max/0/default.jpg', "$FIXTURES/map.tif");
is $failed, 1, 'a request that is refused is an error';
like $told->{error}, qr/size/, '  and explained';
is +(objects('explain', '/iiif/a/../', "$FIXTURES/map.tif"))[1]{note} // '', "its identifier is not that of the file below its root (--root)",
    'an identifier of another file is pointed out';
is +(objects('explain', '/iiif/map.tif.dzi', "$FIXTURES/map.tif"))[1]{plan}, 'descriptor', 'Deep Zoom is explained, too';

done_testing;
