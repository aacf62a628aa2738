# SPDX-License-Identifier: Apache-2.0
# Large images that are asked for get a pyramid, made by iiifctl in the background: once, one at a time, by whichever child
# is there; and nobody waits for it.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use Cwd qw(getcwd);
use File::Temp ();
use IIIF::Client qw(get info plan_of);
use IIIF::Load qw(processes);
use IIIF::PrivateHttpd qw(slurp);
use Time::HiRes qw(sleep);

my $TOP = getcwd();
my $LIB = 'apxs-build/lib';    # not the sanitized one: that needs more addresses than a process is given here
my $directory = File::Temp->newdir(TMPDIR => 1);
mkdir "$directory/$_" or die "$_: $!\n" for qw(images tiles images/sub);

sub make {
    my ($name, $width, $height, $options) = @_;
    system('vips', 'gaussnoise', "$directory/noise.v", $width, $height) == 0
        && system('vips', 'cast', "$directory/noise.v", "$directory/images/$name$options", 'uchar') == 0
        or die "$name: vips failed\n";
    utime((time - 100) x 2, "$directory/images/$name") or die "$name: $!\n";
    return;
}

make('large.jpg', 3100, 3000, '[Q=50]');
make('sub/a name.png', 3000, 3100, '[compression=1]');
make('small.jpg', 1000, 1000, '');
make('pyramid.tif', 3000, 3000, '[tile,tile_width=256,tile_height=256,pyramid,compression=jpeg]');
make('damaged.png', 3000, 3000, '[compression=1]');
damage('damaged.png');

# Its upper half can still be read.
sub damage {
    my ($name) = @_;
    my $path = "$directory/images/$name";
    open my $file, '+<:raw', $path or die "$path: $!\n";
    seek $file, int(0.6 * -s $path), 0;
    print $file "\0" x 100_000;
    close $file or die "$path: $!\n";
    utime((time - 50) x 2, $path) or die "$path: $!\n";
    return;
}

# A database whose names of images are not the ends of their paths, as Omeka's storage ids are not
my %NAMED = (1 => [ 'original/fonds/storage.id.jpg', 'fonds/storage.id' ], 2 => [ 'original/plain.jpeg', 'x/' x 600 . 'x' ]);
mkdir "$directory/images/$_" or die "$_: $!\n" for qw(original original/fonds);
make("$NAMED{$_}[0]", 3000, 3000, '[Q=50]') for keys %NAMED;
open my $sqlite, '|-', 'sqlite3', '-bail', "$directory/media.db" or die "sqlite3: $!\n";
print {$sqlite} 'CREATE TABLE media (id INTEGER PRIMARY KEY, path TEXT, name TEXT);',
    map { "INSERT INTO media VALUES ($_, '$NAMED{$_}[0]', '$NAMED{$_}[1]');" } keys %NAMED;
close $sqlite or die "sqlite3 failed: $?\n";

my $DBD;    # what loads mod_dbd

sub conf {
    my (%how) = @_;
    my $command = $how{command} // "$TOP/$LIB/iiifctl";
    return <<"CONF";
$DBD
DBDriver sqlite3
DBDParams $directory/media.db
DBDMin 0
StartServers 2
ServerLimit 2
ThreadsPerChild 8
MaxRequestWorkers 16
LogLevel iiif_image:debug
Header always set X-IIIF-Plan "expr=%{note:iiif-plan}"
IIIFCtl $command
<Directory $directory/images>
    Require all granted
</Directory>
IIIFImageRoot /iiif $directory/images
IIIFImageRoot /off $directory/images
<Location /iiif>
    IIIFTileStore $directory/tiles
    IIIFAutoPyramid on
    IIIFTileSize 256
</Location>
IIIFImageRoot /media $directory/images
<Location /media>
    IIIFResolver dbd
    IIIFQuery "SELECT path, name, 1 AS is_public, NULL AS etag FROM media WHERE id = {id}"
    IIIFTileStore $directory/tiles
    IIIFAutoPyramid on
    IIIFTileSize 256
</Location>
<Location /off>
    IIIFTileStore $directory/tiles
</Location>
CONF
}

my $httpd = IIIF::PrivateHttpd->new;
$DBD = $httpd->load(qw(dbd socache_shmcb));
$httpd->configure(conf());
$httpd->start;
local $IIIF::Client::PORT = $httpd->port;

my $TILE = '512,512,256,256/256,256/0/default.jpg';

sub way_of { return plan_of(get("/$_[0]/$TILE")) }
sub said { my ($number, $name) = @_; return scalar(() = $httpd->error_log =~ /IIIF$number: \S*\Q$name\E: /g) }

sub until_it_is {
    my ($name, $want) = @_;
    # each child looks once a second at most
    return ok IIIF::PrivateHttpd::until_true(sub { way_of($name) eq $want }), "$name: $want in the end";
}

is way_of('off/large.jpg'), '200 render', 'where it is off, an image is rendered';
is way_of('iiif/small.jpg'), '200 render', 'and one that is not large';
is way_of('iiif/pyramid.tif'), '200 raw', 'a pyramid has all it needs';
is way_of('iiif/large.jpg'), '200 render', 'the first who asks for a large one gets it rendered';
is way_of('iiif/sub/a%20name.png'), '200 render', '  of another, too';
until_it_is('iiif/large.jpg', '200 raw');
until_it_is('iiif/sub/a%20name.png', '200 raw');
ok -s "$directory/tiles/large.jpg.tif" && -s "$directory/tiles/sub/a name.png.tif", 'they lie in the store, under the names of their sources';
is info('/iiif/large.jpg')->{tiles}[0]{width}, 256, 'tiles are as large as those that were announced';
IIIF::PrivateHttpd::until_true(sub { said('0017', 'a name.png') });
is said('0017', 'large.jpg') . said('0017', 'a name.png'), '11', 'the log says so of each, once';
ok !-e "$directory/tiles/small.jpg.tif" && !-e "$directory/tiles/pyramid.tif.tif", 'nothing was made of others';

# -- names that a database knows ----------------------------------------------------------------

is way_of('media/1'), '200 render', 'one that a database knows is rendered at first';
until_it_is('media/1', '200 raw');
ok -s "$directory/tiles/$NAMED{1}[1].tif", 'its pyramid lies under the name that the database says';
ok !-e "$directory/tiles/$NAMED{1}[0].tif", '  and nowhere else';
is way_of('media/2'), '200 render', 'one whose name in the store is too long for the queue is rendered';
is said('0028', $NAMED{2}[0]), 1, '  and the log says that it gets no pyramid';

# -- a file that fails --------------------------------------------------------------------------

my $first = 'iiif/damaged.png/0,0,64,64/64,64/0/default.png';
like plan_of(get("/$first")), qr/^200 render/, 'the part of a damaged file that is there, is rendered';
ok IIIF::PrivateHttpd::until_true(sub { said('0018', 'damaged.png') }), 'no pyramid can be made of it, and the log says so';
plan_of(get("/$first")) for 1 .. 5;
sleep 3;
is said('0018', 'damaged.png'), 1, 'it is not tried again';
ok !-e "$directory/tiles/damaged.png.tif", '  and nothing is left of it';
$httpd->restart;
plan_of(get("/$first"));
ok IIIF::PrivateHttpd::until_true(sub { $httpd->error_log =~ m{images/damaged\.png: failed before, and has not changed: } }), '  nor after a restart';
make('damaged.png', 3000, 3000, '[compression=1]');
plan_of(get("/$first"));
ok IIIF::PrivateHttpd::until_true(sub { -e "$directory/tiles/damaged.png.tif" }), 'until it changes';
ok IIIF::PrivateHttpd::until_true(sub { !-e "$directory/tiles/.iiifctl-failed" }), '  and nothing is remembered any more';

# -- whoever makes it may go --------------------------------------------------------------------

make('other.jpg', 4000, 4000, '[Q=50]');
is way_of('iiif/other.jpg'), '200 render', 'one more is asked for';
kill 'KILL', processes($httpd);
until_it_is('iiif/other.jpg', '200 raw');

make('third.jpg', 4000, 4000, '[Q=50]');
is way_of('iiif/third.jpg'), '200 render', 'and one';
$httpd->restart;
until_it_is('iiif/third.jpg', '200 raw');
$httpd->stop;
is_deeply [ grep { !/^\.iiifctl-lease$/ } map { m{([^/]+)$} } glob "$directory/tiles/.iiifctl*" ], [], 'no litter is left in the store';

# -- what can be wrong with the configuration ---------------------------------------------------

make('fourth.jpg', 3000, 3000, '[Q=50]');
$httpd->configure(conf(command => "$directory/no-such-command"));
like +($httpd->run('-t'))[1] . $httpd->error_log, qr/IIIF0035: IIIFAutoPyramid: \Q$directory\E\/no-such-command \(IIIFCtl\) cannot be run/, 'a command that is not there is warned of';
unlike $httpd->error_log, qr/no IIIFTileStore/, '  and nothing else';
$httpd->start;
is way_of('iiif/fourth.jpg'), '200 render', 'without the command images are served';
ok IIIF::PrivateHttpd::until_true(sub { $httpd->error_log =~ /IIIF0016: \S+no-such-command cannot be run: no pyramid of \S+fourth\.jpg/ }),
    '  and the log says what is missing';
$httpd->stop;

like +(IIIF::PrivateHttpd->new(conf => "IIIFAutoPyramid on\nIIIFCtl $TOP/$LIB/iiifctl\n")->run('-t'))[1], qr/IIIF0034: IIIFAutoPyramid: there is no IIIFTileStore.*Syntax OK/s,
    'as is a configuration without a store';

# -- where a pyramid is what is missing ---------------------------------------------------------

make('fifth.jpg', 3000, 3000, '[Q=50]');
$httpd->configure(conf() . "IIIFRenderMemory 16M\n");
$httpd->start;
is get('/iiif/fifth.jpg/full/max/0/default.png')->code, 413, 'an image that takes too much memory is refused';
ok IIIF::PrivateHttpd::until_true(sub { said('0017', 'fifth.jpg') }), '  and gets a pyramid';
$httpd->stop;

done_testing;
