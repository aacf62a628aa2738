# SPDX-License-Identifier: Apache-2.0
# iiifctl clean, warm and export: what a server finds at once, what any web server can host, and that nothing goes
# which is of use, or of somebody else.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Fcntl ();
use File::Copy qw(copy);
use File::Find ();
use File::Path qw(make_path remove_tree);
use IIIF::Client qw(get);
use IIIF::Ctl qw($FIXTURES $SCRATCH place start end ctl objects files_in set_times finish until_true children_of);
use IIIF::Pixels qw(coordinates decode write_png crop scale difference);
use IIIF::PrivateHttpd qw(slurp spew);
use JSON::PP qw(decode_json);
use List::Util qw(min sum0);
use POSIX qw(ceil);
use Test::More;

my $BLOCK = 4096;

# All directories below one whose path matches
sub directories {
    my ($directory, $match) = @_;
    my @found;
    File::Find::find({ no_chdir => 1, wanted => sub { push @found, $_ if -d && $_ =~ $match } }, $directory);
    return @found;
}

# -- command lines that are wrong ---------------------------------------------------------------

my $empty = place();
for my $row ([ qr/one STORE/, 'clean' ], [ qr/is no store/, 'clean', $FIXTURES ], [ qr/no time/, 'clean', '--older', '30y', $empty ],
    [ qr/no time/, 'clean', '--older', '30', $empty ], [ qr/no size/, 'clean', '--max-size', '1X', $empty ],
    [ qr/no size/, 'clean', '--max-size', '99999999T', $empty ], [ qr/no files/, 'clean', '--source', $empty, $empty ],
    [ qr/--store DIR and --max-size/, 'warm', 'x' ], [ qr/no FILE/, 'warm', '--store', $empty, '--max-size', '1M' ],
    [ qr/there is no directory/, 'warm', '--store', "$empty/no", '--max-size', '1M', 'x' ],
    [ qr/FORMAT=N/, 'warm', '--store', $empty, '--max-size', '1M', '--quality', '85', 'x' ],
    (map { [ qr/--quality: .*(?:from 1 to 100|has none|FORMAT=N)/, 'warm', '--store', $empty, '--max-size', '1M', '--quality', $_, 'x' ] }
        'jpg=0', 'jpg=101', 'jpg=', 'png=50', 'tif=50', '=50'),
    (map { [ qr/--effort: .*(?:from \d to \d+|has none)/, 'warm', '--store', $empty, '--max-size', '1M', '--effort', $_, 'x' ] }
        'gif=0', 'gif=11', 'gif=50', 'webp=7', 'png=10', 'jxl=0', 'avif=-1', 'jpg=1'),
    (map { [ qr/no.* a colour like #ffffff/, 'warm', '--store', $empty, '--max-size', '1M', '--background', $_, 'x' ] } '#fff', 'white', '#ff00fg', '##ff00ff'),
    [ qr/--square-crop: 'left' is no place/, 'warm', '--store', $empty, '--max-size', '1M', '--square-crop', 'left', 'x' ],
    [ qr/--format/, 'warm', '--store', $empty, '--max-size', '1M', '--format', 'exe', 'x' ],
    [ qr/one FILE/, 'export', '--into', $empty ], [ qr/--into DIR/, 'export', 'x' ],
    [ qr/--base-url/, 'export', '--into', $empty, '--base-url', 'ftp://x', 'x' ]) {
    my ($said, @arguments) = @{$row};
    my ($code, $out, $err) = ctl(@arguments);
    is "$code$out", '2', "iiifctl @arguments: exit code 2";
    like $err, $said, '  and says why';
}
is_deeply [ files_in($empty) ], [], 'and nothing was done';

# -- warm: the server's first answer is a hit ---------------------------------------------------

my $images = place();
copy("$FIXTURES/$_", "$images/$_") or die "$_: $!\n" for qw(plain.jpg rgba.png oriented-6.jpg map.jpg gray.jpg);
make_path("$images/sub dir");
copy("$FIXTURES/small.png", "$images/sub dir/gr\xc3\xb6\xc3\x9fe [1].png") or die "small.png: $!\n";
set_times($_, 7200, 7200) for map { "$images/$_" } files_in($images);
my @IMAGES = files_in($images);
my $store = place();
my $httpd = IIIF::PrivateHttpd->new(conf => <<"CONF");
<Directory "$images">
    Require all granted
</Directory>
Header always set X-IIIF-Plan "expr=%{note:iiif-plan}" "expr=-n note('iiif-plan')"
Header always set X-IIIF-Store "expr=%{note:iiif-store}" "expr=-n note('iiif-store')"
IIIFImageRoot /iiif "$images"
IIIFImageRoot /fresh "$images"
<Location /iiif>
    IIIFDerivativeStore "$store" 64M
    <If "%{QUERY_STRING} == 'other'">
        IIIFQuality jpg 61
        IIIFTileSize 128
        IIIFLinearLight on
        IIIFMetadata keep
    </If>
</Location>
<If "%{QUERY_STRING} == 'look'">
    IIIFQuality jpg 62
    IIIFBackground #ff00ff
    IIIFSquareCrop Attention
</If>
CONF

sub derivatives { return grep { m{^[0-9a-f]{2}/} } files_in($store) }

sub held {
    my $sum = 0;
    File::Find::find({ no_chdir => 1, wanted => sub {
        $sum += -d $_ ? $BLOCK : $BLOCK * ceil((-s $_) / $BLOCK) if m{^\Q$store\E/[0-9a-f]{2}};
    } }, $store);
    return $sum;
}

sub counted { return 0 + (slurp("$store/usage") =~ /\Aiiif-derivatives 1 (\d{20})\n\z/)[0] }

sub encoded { return $_[0] =~ s{([^A-Za-z0-9._-])}{sprintf '%%%02X', ord $1}egr }

sub fate {
    my ($response) = @_;
    return join ' ', $response->code, map { $response->header("X-IIIF-$_") // 'none' } 'Plan', 'Store';
}

sub announced {
    my ($name, $query) = @_;
    my $info = decode_json(get('/iiif/3/' . encoded($name) . "/info.json$query")->content);
    return map { "full/$_->{width},$_->{height}/0/default.jpg" } @{ $info->{sizes} };
}

$httpd->start;
$IIIF::Client::PORT = $httpd->port;
for my $row ([ '' ], [ '?other', '--quality', 'jpg=61', '--tile-size', 128, '--linear-light', '--metadata' ],
    [ '?look', '--quality', 'jpg=62', '--background', '#ff00ff', '--square-crop', 'attention' ]) {
    my ($query, @options) = @{$row};
    my @warm = ('warm', $images, '--store', $store, '--max-size', '64M', '--thumbnail', 200, '--thumbnail', 90, @options);
    my ($code, @told) = objects(@warm);
    my $sum = pop @told;
    my (@misses, @others);

    is $code, 0, "warm @options ends well";
    for my $name (@IMAGES) {
        my @sizes = announced($name, $query);
        my @images = (@sizes, map { ("full/!$_,$_/0/default.jpg", "square/$_,$_/0/default.jpg") } 200, 90);
        cmp_ok scalar @sizes, '>=', 1, "$name has sizes";
        my @said = sort map { $_->{image} } grep { $_->{source} eq "$images/$name" && $_->{status} eq 'made' } @told;
        is_deeply \@said, [ sort @images ], '  all of them are made, and the thumbnails';
        for my $image (@images) {
            my $hit = get('/iiif/' . encoded($name) . "/$image$query");
            push @misses, "$name $image: " . fate($hit) if fate($hit) ne '200 static hit';
            next if $query eq '?other';
            push @others, "$name $image" if $hit->content ne get('/fresh/' . encoded($name) . "/$image$query")->content;
        }
    }
    is_deeply \@misses, [], '  and the first request for each finds it';
    is_deeply \@others, [], '  with the bytes of a render';
    is $sum->{made}, scalar @told, '  the sum is right';
    is counted(), held(), '  and so is the count of the store';
    my %before = map { $_ => (stat "$store/$_")[1] } derivatives();
    my ($again, @kept) = objects(@warm);
    is_deeply [ $again, $kept[-1]{kept}, $kept[-1]{made} ], [ 0, $sum->{made}, 0 ], '  a second run keeps all';
    is_deeply { map { $_ => (stat "$store/$_")[1] } derivatives() }, \%before, '  as the files they were';
}
for my $row ([ 'rgba.png', 'made' ], [ 'plain.jpg', 'kept' ]) {
    my ($name, $fate) = @{$row};
    my (undef, @told) = objects('warm', "$images/$name", '--root', $images, '--store', $store, '--max-size', '64M', '--thumbnail', 0, '--quality', 'jpg=62');
    is_deeply { map { $_->{status} => 1 } grep { $_->{image} } @told }, { $fate => 1 }, "another background: $name is $fate";
}
my $tight = place();
my ($passed, @tight) = objects('warm', "$images/plain.jpg", '--store', $tight, '--max-size', '1M');
is_deeply [ $passed, map { "$_->{image} $_->{status}" } grep { $_->{image} && $_->{image} =~ /1000/ } @tight ],
    [ 0, 'full/1000,800/0/default.jpg passed' ], 'what is more than the store takes is passed over';
spew("$SCRATCH/broken.jpg", 'no image');
my ($broken, undef, $why) = ctl('warm', "$SCRATCH/broken.jpg", "$images/gray.jpg", '--store', $tight, '--max-size', '1M');
is $broken, 1, 'a file that is no image is exit code 1';
like $why, qr/broken\.jpg/, '  and named';
cmp_ok scalar(grep { m{/gray\.jpg/} } files_in($tight)), '>', 0, '  the others go on';

# -- what fails, for machines ---------------------------------------------------------------------

for my $row ([ 'info', "$SCRATCH/broken.jpg" ], [ 'explain', '/iiif/broken.jpg/info.json', "$SCRATCH/broken.jpg" ],
    [ 'export', "$SCRATCH/broken.jpg", '--into', $empty ], [ 'warm', "$SCRATCH/broken.jpg", '--store', $tight, '--max-size', '1M' ]) {
    for my $file ("$SCRATCH/broken.jpg", "$SCRATCH/no-such.jpg") {
        my @arguments = map { s/^\Q$SCRATCH\E\/broken\.jpg$/$file/r } @{$row};
        my $run = start(@arguments, '--json');
        my ($code, undef, $err) = finish($run);
        my ($told) = IIIF::Ctl::told($run);
        is "$code$err", '1', "$row->[0] --json of $file: exit code 1, and nothing on stderr";
        like $told->{source} // $told->{path}, $told->{source} ? qr/^\Q$file\E$/ : qr{^broken\.jpg/info\.json$}, '  an object on stdout names it';
        like $told->{error} // $told->{reason}, $file =~ /no-such/ ? qr/No such file/ : qr/no image/, '  and says why';
    }
}

{
    my $here = place();
    my $derivatives = place();
    make_path("$here/images/tiles", "$here/images/others");
    copy("$FIXTURES/gray.jpg", "$here/images/gray.jpg") or die "gray.jpg: $!\n";
    copy("$FIXTURES/tiles.tif", "$here/images/others/gray.jpg.tif") or die "tiles.tif: $!\n";
    symlink 'images', "$here/link" or die "link: $!\n";
    is +(ctl('tile', "$here/images", '--into', "$here/images/tiles"))[0], 0, 'a tile store among the images';
    is +(ctl('tile', "$here/images/gray.jpg", '--into', "$here/images"))[0], 0, '  and one that is their directory';
    for my $tiles ("$here/link/tiles", "$here/link/others", "$here/link") {
        my (undef, @passed) = objects('warm', "$here/images", '--store', $derivatives, '--max-size', '64M', '--tile-store', $tiles);
        my %sources = map { $_->{source} => 1 } grep { $_->{source} } @passed;
        my @known = ($tiles =~ /others/ ? () : 'others/gray.jpg.tif', 'gray.jpg');
        is_deeply [ sort keys %sources ], [ sort map { "$here/images/$_" } @known ], "its pyramids are not warmed: $tiles" =~ s{\Q$here}{}r;
    }
}

# -- clean: derivatives -------------------------------------------------------------------------

sub of { my ($name) = @_; return grep { index($_, "/$name/") > 0 } derivatives() }

my @all = derivatives();
my ($dry, $would) = objects('clean', $store, '--older', '1h', '--dry-run');
is_deeply [ $dry, @{$would}{qw(kind removed left)} ], [ 0, 'derivatives', 0, scalar @all ], 'nothing is old: nothing would go';
for my $path (of('plain.jpg')) {
    utime time - 90_000, (stat "$store/$path")[9], "$store/$path" or die "$path: $!\n";
}
my $old = sum0(map { $BLOCK * ceil((-s "$store/$_") / $BLOCK) } of('plain.jpg'));
my $directories = 1 + directories($store, qr{/plain\.jpg});
(undef, $would) = objects('clean', $store, '--older', '24h', '--dry-run');
is $would->{removed}, scalar(of('plain.jpg')), 'what was not used for a day would go';
is $would->{bytes}, $old + $BLOCK * $directories, '  of so many bytes, directories too';
is_deeply [ derivatives() ], \@all, '  and nothing has gone';
my ($cleaned, $done) = objects('clean', $store, '--older', '1d');
is_deeply [ $cleaned, @{$done}{qw(removed bytes left)} ], [ 0, @{$would}{qw(removed bytes left)} ], 'without --dry-run it goes';
is_deeply [ of('plain.jpg') ], [], '  all of it';
is scalar(derivatives()), $done->{left}, '  and nothing else';
is_deeply [ directories($store, qr{/plain\.jpg}) ], [], '  the directories, too';
is counted(), held(), '  the count is right';
my $size = '500,400';
is fate(get("/iiif/plain.jpg/full/$size/0/default.jpg")), '200 render stored', '  and the server makes it anew';
is fate(get("/iiif/plain.jpg/full/$size/0/default.jpg")), '200 static hit', '  once';

set_times("$images/gray.jpg", 0, -1);
unlink "$images/oriented-6.jpg" or die "oriented-6.jpg: $!\n";
my @others = grep { !m{/(?:gray|oriented-6)\.jpg/} } derivatives();
cmp_ok scalar(of($_)), '>', 0, "$_ has derivatives" for qw(gray.jpg oriented-6.jpg);
is((ctl('clean', $store, '--source', $images))[0], 0, 'clean --source');
is_deeply [ derivatives() ], \@others, '  drops those whose source has changed or is gone';
is counted(), held(), '  and counts';

spew("$store/usage", sprintf "iiif-derivatives 1 %020d\n", 123);
make_path("$store/tmp");
spew("$store/tmp/$_", 'x') for qw(abcdef ghijkl);
set_times("$store/tmp/abcdef", 7200, 7200);
is((ctl('clean', $store))[0], 0, 'clean without more');
is_deeply [ derivatives() ], \@others, '  removes no derivative';
is counted(), held(), '  corrects the count';
is_deeply [ -e "$store/tmp/abcdef", -e "$store/tmp/ghijkl" ], [ undef, 1 ], '  and removes what an old writer left';

my ($first, @later) = derivatives();
utime time - 500, (stat "$store/$first")[9], "$store/$first" or die "$first: $!\n";
my $half = int(held() / 2);
is((ctl('clean', $store, '--max-size', $half))[0], 0, 'clean --max-size');
cmp_ok held(), '<=', $half, '  leaves no more';
cmp_ok scalar(derivatives()), '>', 0, '  but something';
ok !-e "$store/$first", '  what was not used for the longest time is gone';
is counted(), held(), '  and it is counted';
$httpd->stop;
is join('', grep { /:(?:warn|error|crit|alert|emerg)\]/ } split /^/, $httpd->error_log), '', 'the server had nothing to complain of';

# -- clean: tiles -------------------------------------------------------------------------------

my $originals = place();
my $tiles = place();
make_path("$originals/sub");
write_png("$originals/$_.png", coordinates(300, 200, 20)) for qw(stays gone older other sub/gone);
set_times("$originals/$_.png", 7200, 7200) for qw(stays gone older other sub/gone);
is((ctl('tile', $originals, '--into', $tiles, '--format', $_, '--tile-size', 128))[0], 0, "tiles in $_") for qw(tiff deepzoom zoomify jp2 iiif3);
spew("$tiles/notes.txt", 'mine');
make_path("$tiles/mine", "$tiles/gone.png_files/0", "$tiles/strange.png");
spew("$tiles/mine/info.json", '{}');
copy("$tiles/gone.png/info.json", "$tiles/strange.png/info.json") or die "info.json: $!\n";
spew("$tiles/strange.png/notes.txt", 'mine');
copy("$FIXTURES/tiles.tif", "$tiles/map.tif") or die "tiles.tif: $!\n";
spew("$tiles/broken.png.tif", 'II*');
unlink "$originals/gone.png", "$originals/sub/gone.png";
set_times("$originals/older.png", 0, -5);
write_png("$originals/other.png", coordinates(301, 200, 20));
set_times("$originals/other.png", 7200, 7200);
my @before = files_in($tiles);
my @expected = grep { !m{^(?:gone|older|other)\.png|^sub/} } @before;
my $weight = sum0(map { -s "$tiles/$_" } grep { m{^(?:gone|older|other)\.png|^sub/} } @before);

is_deeply [ (ctl('clean', $tiles))[0], [ files_in($tiles) ] ], [ 0, \@before ], 'without --source no tiles go';
is((ctl('clean', $tiles, '--max-size', '1M'))[0], 2, 'tiles are not counted');
like +(ctl('clean', $tiles, '--source', $tiles))[2], qr/may not lie in the store/, 'nor are originals looked for among them';
my $by_link = place() . '/tiles';
symlink $tiles, $by_link or die "$by_link: $!\n";
is +(objects('clean', $by_link, '--source', $originals, '--dry-run'))[-1]{removed}, 20, 'a store may be given by a link';
my ($looked, @would) = objects('clean', $tiles, '--source', $originals, '--dry-run');
my $total = pop @would;
is_deeply [ $looked, @{$total}{qw(kind removed bytes left)} ], [ 0, 'tiles', 20, $weight, 9 ], '--dry-run tells what would go, in bytes';
my %reasons;
push @{ $reasons{ $_->{reason} } }, substr $_->{path}, 1 + length $tiles for @would;
my @targets = ('%s', '%s.dzi', '%s.jp2', '%s.tif', '%s_zdata');
is_deeply { map { $_ => [ sort @{ $reasons{$_} } ] } keys %reasons }, {
    'orphaned' => [ sort map { my $n = $_; map { sprintf $_, "$n.png" } @targets } 'gone', 'sub/gone' ],
    'stale' => [ sort map { sprintf $_, 'older.png' } @targets ],
    'wrong dimensions' => [ sort map { sprintf $_, 'other.png' } @targets ],
}, '  each with its reason';
is_deeply [ files_in($tiles) ], \@before, '  and nothing has gone';

# All leases of the store, as by somebody who makes tiles
sub hold {
    open my $fh, '+<', "$tiles/.iiifctl-lease" or die "lease: $!\n";
    my $all = pack 's s x4 q q i x4', Fcntl::F_WRLCK(), 0, 0, 0, 0;
    fcntl $fh, 37, $all or die "F_OFD_SETLK: $!\n";
    return $fh;
}
make_path("$tiles/sub/.iiifctl-0123456789abcdef/tiles/0", "$tiles/.iiifctl-mine");
spew("$tiles/sub/.iiifctl-0123456789abcdef/tiles/0/0_0.jpg", 'half');
my $held = hold();
my ($busy, @busy) = objects('clean', $tiles, '--source', $originals);
is_deeply [ $busy, $busy[-1]{removed}, $busy[-1]{busy} ], [ 0, 0, 21 ], 'what somebody makes just now is left';
close $held;
my ($removed, @gone) = objects('clean', $tiles, '--source', $originals);
is_deeply [ $removed, @{ $gone[-1] }{qw(removed bytes left busy)} ], [ 0, 21, $weight + 4, 9, 0 ], 'then it goes';
is_deeply [ files_in($tiles) ], \@expected, '  and what is current, or not of iiifctl, stays';
is_deeply [ map { -e "$tiles/$_" ? 1 : 0 } 'sub', '.iiifctl-mine', 'strange.png', 'gone.png_files' ], [ 0, 1, 1, 0 ], '  empty directories are gone';
is_deeply [ (objects('clean', $tiles, '--source', $originals))[0], (ctl('check', "$tiles/stays.png.dzi", '--source', $originals))[0] ], [ 0, 0 ],
    '  and what stays is whole';
make_path("$tiles/half.png_files/0", "$tiles/odd.png_files/new");
spew("$tiles/odd.png_files/new/x", 'mine');
spew("$tiles/half.png_files/0/0_0.jpg", 'half');
is_deeply [ (ctl('clean', $tiles))[0], -e "$tiles/half.png_files/0/0_0.jpg" ], [ 0, 1 ], 'tiles without a description may be being written';
set_times($_, 7200, 7200) for map { ("$tiles/$_/0/0_0.jpg", "$tiles/$_/0", "$tiles/$_") } 'half.png_files';
set_times($_, 7200, 7200) for map { "$tiles/odd.png_files/$_" } 'new/x', 'new', '.';
is((ctl('clean', $tiles))[0], 0, 'after an hour clean');
is_deeply [ map { -e "$tiles/$_" ? 1 : 0 } 'half.png_files', 'odd.png_files/new/x' ], [ 0, 1 ],
    '  removes them, unless something else is among them';

unlink "$originals/stays.png" or die "stays.png: $!\n";
spew("$originals/another.txt", 'not empty');
remove_tree("$tiles/stays.png_files");
is_deeply [ (ctl('clean', $tiles, '--source', $originals))[0], grep { m{^stays} } files_in($tiles) ], [0],
    'what is left of a set whose removal was cut goes with the next';

for my $round (1 .. 5) {
    my ($pictures, $killed) = (place(), place());
    write_png("$pictures/$_.png", coordinates(300, 200, 20)) for 'a' .. 'd', 'stays';
    ctl('tile', $pictures, '--into', $killed, '--format', $_, '--tile-size', 64) for qw(deepzoom zoomify iiif3);
    unlink map { "$pictures/$_.png" } 'a' .. 'd';
    my $run = start('clean', $killed, '--source', $pictures);
    select undef, undef, undef, 0.03 + rand 0.04;
    end($run, 'KILL');
    my @whole = grep { m{\.dzi$|Properties\.xml$|info\.json$} && !m{/\.iiifctl-|^\.iiifctl-} } files_in($killed);
    is_deeply [ grep { (ctl('check', "$killed/$_"))[0] } @whole ], [], "killed, round $round: what is there is whole";
    is((ctl('clean', $killed, '--source', $pictures))[0], 0, '  the next run ends well');
    is_deeply [ grep { !m{^stays} } files_in($killed) ], [], '  and finishes';
}

# -- export: any web server, every URI ----------------------------------------------------------

my $web = IIIF::PrivateHttpd->new(conf => "AddType image/jpeg .jpg\nAddType image/webp .webp\n");
my $site = $web->directory . '/htdocs/iiif site';
my $base = $web->origin . '/iiif%20site';
my %PICTURES = ("gr\xc3\xb6\xc3\x9fe [1].png" => [ 481, 323, 128 ], 'exact.png' => [ 256, 128, 128 ], 'dot.png' => [ 1, 1, 512 ], 'thin.png' => [ 1000, 3, 64 ]);
my $pictures = place();
write_png("$pictures/$_", coordinates(@{ $PICTURES{$_} }[0, 1], 64)) for keys %PICTURES;
set_times("$pictures/$_", 3600, 3600) for keys %PICTURES;

# What OpenSeadragon 5 asks for, of each level from the full image on: [ region/size, region, size ]
sub viewer {
    my ($width, $height, $tile, $levels) = @_;
    my @asked;
    for my $factor (map { 2**$_ } 0 .. $levels - 1) {
        my ($w, $h) = map { ceil($_ / $factor) } $width, $height;
        my $cell = $tile * $factor;
        for my $y (0 .. ceil($h / $tile) - 1) {
            for my $x (0 .. ceil($w / $tile) - 1) {
                my @region = ($x * $cell, $y * $cell, min($cell, $width - $x * $cell), min($cell, $height - $y * $cell));
                my @size = (min($tile, $w - $x * $tile), min($tile, $h - $y * $tile));
                my $whole = $region[2] == $width && $region[3] == $height;
                my $full_size = $size[0] == $width && $size[1] == $height;
                push @asked, [ ($whole ? 'full' : join ',', @region) . '/' . ($full_size ? 'max' : join ',', @size), \@region, \@size ];
                push @asked, [ join('/', join(',', @region), join ',', @size), \@region, \@size ];
            }
        }
    }
    return @asked;
}

$web->start;
$IIIF::Client::PORT = $web->port;
for my $name (sort keys %PICTURES) {
    my ($width, $height, $tile) = @{ $PICTURES{$name} };
    my @second = $name eq 'exact.png' ? ('webp') : ();
    my ($code, $made) = objects('export', "$pictures/$name", '--into', $site, '--base-url', "$base/", '--tile-size', $tile,
        '--rights', 'http://creativecommons.org/publicdomain/zero/1.0/', map { ('--format', $_) } @second);
    my $id = "$base/" . encoded($name);
    my ($path) = $id =~ m{^http://[^/]+(/.*)};
    my $info = decode_json(get("$path/info.json")->content);
    my $levels = scalar @{ $info->{tiles}[0]{scaleFactors} };
    my $picture = coordinates($width, $height, 64);
    my (@wrong, @expected);

    is_deeply [ $code, $made->{status}, $made->{id}, $info->{id} ], [ 0, 'made', ($made->{id}) x 2 ], "export $name";
    is lc $info->{id} =~ s/%([0-9a-f]{2})/chr hex $1/iegr, lc $id =~ s/%([0-9a-f]{2})/chr hex $1/iegr, '  its id is below --base-url';
    is_deeply [ @{$info}{qw(type profile width height)} ], [ 'ImageService3', 'level0', $width, $height ], '  info.json says level 0';
    is_deeply [ grep { exists $info->{$_} } qw(extraFeatures extraQualities maxWidth maxHeight maxArea) ], [], '  and nothing that files cannot do';
    is_deeply $info->{extraFormats} // [], \@second, '  but the other format';
    is_deeply $info->{tiles}, [ { width => $tile, height => $tile, scaleFactors => [ map { 2**$_ } 0 .. $levels - 1 ] } ], '  tiles as told';
    is_deeply $info->{sizes}, [ map { { width => ceil($width / 2**$_), height => ceil($height / 2**$_) } } reverse 0 .. $levels - 1 ], '  sizes of the same levels';
    my @all = viewer($width, $height, $tile, $levels);
    push @all, map { [ "full/$_->{width},$_->{height}", [ 0, 0, $width, $height ], [ @{$_}{qw(width height)} ] ] } @{ $info->{sizes} };
    push @all, [ 'full/max', [ 0, 0, $width, $height ], [ $width, $height ] ];
    my %asked = map { $_->[0] => $_ } grep { $_->[0] !~ m{^0,0,$width,$height/max} } @all;
    for my $format ('jpg', @second) {
        for my $uri (sort keys %asked) {
            my (undef, $region, $size) = @{ $asked{$uri} };
            my $answer = get("$path/$uri/0/default.$format");
            my $got = $answer->code == 200 && eval { decode($answer) };
            my $part = crop($picture, @{$region});
            my $want = $region->[2] == $size->[0] && $region->[3] == $size->[1] ? $part : scale($part, @{$size});
            push @expected, "$uri/0/default.$format";
            push @wrong, "$uri.$format: " . $answer->status_line if !$got || "$got->{width}x$got->{height}" ne join 'x', @{$size};
            push @wrong, "$uri.$format shows something else" if $got && min(@{$size}) >= 16 && (difference($got, $want))[0] > 12;
        }
    }
    is_deeply \@wrong, [], '  every image that viewers ask for is there, of its size, and shows its place';
    is_deeply [ files_in("$site/$name") ], [ sort @expected, 'info.json', 'manifest.json' ], '  and nothing else';

    my $manifest = decode_json(get("$path/manifest.json")->content);
    my ($canvas) = @{ $manifest->{items} };
    my $painting = $canvas->{items}[0]{items}[0];
    is_deeply [ @{$manifest}{qw(@context type id rights)}, $manifest->{label}{none} ],
        [ 'http://iiif.io/api/presentation/3/context.json', 'Manifest', "$info->{id}/manifest.json", 'http://creativecommons.org/publicdomain/zero/1.0/',
        [ do { my $text = $name; utf8::decode($text); $text } ] ], '  the manifest is one';
    is_deeply [ scalar @{ $manifest->{items} }, @{$canvas}{qw(type width height)}, @{$painting}{qw(motivation target)} ],
        [ 1, 'Canvas', $width, $height, 'painting', $canvas->{id} ], '  with a canvas';
    is_deeply [ map { @{ $_->{service}[0] }{qw(id type profile)} } $painting->{body}, $manifest->{thumbnail}[0] ],
        [ ($info->{id}, 'ImageService3', 'level0') x 2 ], '  and the service';
    is_deeply [ map { get($_->{id} =~ s{^http://[^/]+}{}r)->code } $painting->{body}, $manifest->{thumbnail}[0] ], [ 200, 200 ], '  whose images are there';
}
my $one = "$pictures/exact.png";
is +(objects('export', $one, '--into', $site))[1]{status}, 'current', 'what is there and current is left';
is +(objects('export', $one, '--into', $site, '--force'))[1]{status}, 'made', '  unless it is forced';
set_times($one, 0, -5);
is +(objects('export', $one, '--into', $site))[1]{status}, 'made', '  or older than the image';
make_path("$site/mine.png");
spew("$site/mine.png/notes.txt", 'mine');
copy($one, "$pictures/mine.png") or die "mine.png: $!\n";
my ($refused, undef, $complaint) = ctl('export', "$pictures/mine.png", '--into', $site, '--force');
is $refused, 1, 'what is no site is never replaced';
like $complaint, qr/in the way/, '  and that is said';
is_deeply [ files_in("$site/mine.png") ], ['notes.txt'], '  it is as it was';
copy($one, "$pictures/gr\xfc\xdfe.png") or die "latin: $!\n";
is((ctl('export', "$pictures/gr\xfc\xdfe.png", '--into', $site))[0], 0, 'a name that is not UTF-8');
is decode_json(slurp("$site/gr\xfc\xdfe.png/manifest.json"))->{label}{none}[0], 'gr%fc%dfe.png', '  is told as in its URL';
is((ctl('export', $one, '--into', $site, $_->[0], $_->[1]))[0], 2, "  and $_->[0] has to be UTF-8") for [ '--label', "\xfc" ], [ '--rights', "http://\xfc" ];
is((ctl('export', "$SCRATCH/broken.jpg", '--into', $site))[0], 1, 'what is no image is exit code 1');
is_deeply [ directories($site, qr{/\.iiifctl-}) ], [], '  and nothing is left of it';
$web->stop;

# -- ended in the midst of it -------------------------------------------------------------------

my $large = place() . '/large.png';
write_png($large, coordinates(3000, 3000, 64));
for my $row ([ 'INT', 130 ], [ 'TERM', 143 ], [ 'HUP', 129 ]) {
    my ($signal, $wanted) = @{$row};
    my $into = place();
    my $run = start('export', $large, '--into', $into, '--format', 'webp');
    until_true(sub { directories($into, qr{/\.iiifctl-.*/tiles}) }, 'an export is begun');
    is +(end($run, $signal))[0], $wanted, "export: SIG$signal is exit code $wanted";
    is_deeply [ glob quotemeta($into) . '/*' ], [], '  with no site';
    is_deeply [ directories($into, qr{/\.iiifctl-}) ], [], '  and nothing half';
}
{
    my $into = place();
    my $run = start('export', $large, '--into', $into, '--format', 'webp');
    until_true(sub { directories($into, qr{/\.iiifctl-.*/tiles}) }, 'an export is begun');
    my ($worker) = children_of($run->{pid});
    kill 'KILL', $worker;
    my ($code, $out, $err) = finish($run);
    is "$code$out", '1', 'export: a process that dies is exit code 1';
    like $err, qr/signal 9/, '  and told';
    is_deeply [ directories($into, qr{/\.iiifctl-}) ], [], '  nothing half is left';
    $run = start('export', $large, '--into', $into, '--format', 'webp');
    until_true(sub { directories($into, qr{/\.iiifctl-.*/tiles}) }, 'an export is begun');
    ($worker) = children_of($run->{pid});
    is +(end($run, 'KILL'))[0], 'signal 9', '  one that is killed';
    until_true(sub { !kill 0, $worker }, 'its process is gone');
    is +(ctl('export', $large, '--into', $into, '--tile-size', 1024))[0], 0, '    is taken over by the next';
    is_deeply [ directories($into, qr{/\.iiifctl-}) ], [], '    which clears up';
}
{
    my $into = place();
    my $run = start('render', $large, 'full/max/0/default.png', '-o', "$into/out.png");
    until_true(sub { children_of($run->{pid}) }, 'a render is begun');
    is +(end($run, 'INT'))[0], 130, 'render: SIGINT is exit code 130';
    is_deeply [ files_in($into) ], [], '  and nothing is there';
}
# -- what check finds ---------------------------------------------------------------------------

for my $levels ([ 'as pages' ], [ 'as SubIFDs', '--subifd' ]) {
    my ($what, @options) = @{$levels};
    my $cut = place() . '/cut.tif';
    system('vips', 'tiffsave', "$FIXTURES/map.jpg", $cut, '--tile', '--pyramid', '--compression', 'jpeg', '--tile-width', 256, '--tile-height', 256,
        @options) == 0 or die "vips failed\n";
    is +(ctl('check', $cut))[0], 0, "a pyramid with levels $what is right";
    truncate $cut, 0.95 * -s $cut or die "$cut: $!\n";
    my ($code, $said) = ctl('check', $cut);
    is $code, 1, '  and wrong without its last ones';
    like $said, qr/^wrong .*cut short/m, '    which is said';
}
{
    my $into = place();
    is +(ctl('tile', "$FIXTURES/small.png", '--format', 'deepzoom', '--into', $into))[0], 0, 'a tree of Deep Zoom is made';
    like +(ctl('check', "$into/small.png_files"))[1], qr/^ok \S+.*small\.png\.dzi: deepzoom/m, '  and checked by its own name, too';
}

{
    my $into = place();
    system('vips', 'black', "$into/a.png", 257, 100) == 0 or die "vips failed\n";
    my @tile = ('tile', "$into/a.png", '--into', "$into/tiles", '--format', 'iiif2', '--tile-size', 64);
    is +(ctl(@tile))[0], 0, 'version 2 has one name for tiles of two levels, one pixel wide';
    like +(ctl(@tile))[1], qr/^0 made, 1 current/m, '  which is no reason to make them again';
}

# -- one image ----------------------------------------------------------------------------------

{
    my $into = place();
    my ($source, $out, $link) = map { "$into/$_" } qw(a.png out.png link.png);
    File::Copy::copy("$FIXTURES/small.png", $source) or die "$source: $!\n";
    my $original = slurp($source);
    my @image = ('render', $source, 'full/30,/0/default.png', '-o');
    is +(ctl(@image, $out))[0], 0, 'render makes a file';
    my $made = slurp($out);
    spew($out, 'mine');
    my ($code, undef, $err) = ctl(@image, $out);
    is $code, 1, '  where one is, it fails';
    like $err, qr/\Q$out\E is there already/, '    and says why';
    is slurp($out), 'mine', '    and leaves it';
    symlink $out, $link or die "symlink: $!\n";
    is +(ctl(@image, $link, '--force'))[0], 0, '  unless it is forced';
    ok -l $link && slurp($out) eq $made, '    to what a link leads to';
    unlink $link;
    symlink $source, $link or die "symlink: $!\n";
    for my $itself ($source, $link) {
        ($code, undef, $err) = ctl(@image, $itself, '--force');
        is $code, 1, '  never over its own source';
        like $err, qr/by its own image/, '    it says so';
        ok slurp($source) eq $original, '    which is left alone';
    }
    my $pipe = "$into/pipe";
    POSIX::mkfifo($pipe, 0600) or die "mkfifo: $!\n";
    my $run = start(@image, $pipe);
    ok slurp($pipe) eq $made, '  a pipe is written to';
    is +(finish($run))[0], 0, '    whole';
    ok -p $pipe, '    and stays one';
}

done_testing;
