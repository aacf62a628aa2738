# SPDX-License-Identifier: Apache-2.0
# A site of Omeka S behind conf.d/omeka-s.conf: public images answer under all their names, and everything else reaches
# Omeka's own programs, which say so; with a real MariaDB that hides, is killed and is held still.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use Cwd qw(getcwd);
use File::Temp ();
use IIIF::Client qw(ask get dims_of plan_of);
use IIIF::Coordinates qw(level_bytes);
use IIIF::MariaDb ();
use IIIF::Omeka ();
use IIIF::PhpServer ();
use IIIF::Pixels qw(decode picture crop difference);
use IIIF::PrivateHttpd qw(slurp);
use JSON::PP qw(decode_json);
use List::Util qw(max sum);
use POSIX ();
use Time::HiRes qw(sleep time);

my $LONG       = 3600;   # seconds: IIIFResolverCache
my $SHORT      = 2;
my $PATIENCE   = 500;    # milliseconds: IIIFResolverTimeout
my $HUNG       = 5;      # seconds: no answer waits for the database ten times that long

my $directory = File::Temp->newdir(TMPDIR => 1);
chmod 0755, $directory or die "$directory: $!\n";
my $database = IIIF::MariaDb->new;
my $omeka = IIIF::Omeka->new(mariadb => $database, directory => "$directory/omeka");
my $other = IIIF::Omeka->new(mariadb => $database, directory => "$directory/other", database => 'other', many => 20);
$other->install_access;
# the module reads, and no more
$database->sql("REVOKE ALL ON $_.* FROM 'omeka'\@'localhost'; GRANT SELECT ON $_.* TO 'omeka'\@'localhost';", 'mysql') for qw(omeka other);
my $php = IIIF::PhpServer->new(4);
my $httpd = IIIF::PrivateHttpd->new;

my $PAGES = "IIIFPages on\nIIIFSourceFormats jpeg png tiff pdf\n";
# One site for each host name: the first takes all other names
my @SITES = (
    [ media    => $omeka->conf('/') ],
    [ clean    => $omeka->conf('/', OMEKA_IDENTIFIER => 'clean') ],
    [ prefix   => $omeka->conf('/', OMEKA_IDENTIFIER => 'clean', OMEKA_PREFIX => 'ark:/67890/', OMEKA_CASE => 'on') ],
    [ title    => $omeka->conf('/', OMEKA_IDENTIFIER => 'clean', OMEKA_PROPERTY => 'title') ],
    [ foreign  => $omeka->conf('/', OMEKA_IDENTIFIER => 'clean', OMEKA_VOCABULARY => 'other') ],
    [ storage  => $omeka->conf('/', OMEKA_IDENTIFIER => 'storage_id') ],
    [ filename => $omeka->conf('/', OMEKA_IDENTIFIER => 'filename') ],
    [ strict   => $omeka->conf('/', OMEKA_ITEM_PUBLIC => 'on')
            . "<Location /iiif>\n${PAGES}IIIFResolverFailure unavailable\nIIIFRights http://example.org/usual\n</Location>\n" ],
    [ guarded  => $omeka->conf('/', OMEKA_PROTECT_FILES => 'on', OMEKA_THUMBNAILS => 'on') ],
    [ access   => $other->conf('/', OMEKA_PROTECT_FILES => 'on') ],
    [ based    => $other->conf('/omeka') . $omeka->conf('/second', OMEKA_SCHEMA => 'omeka') =~ s/dbname=omeka/dbname=other/r ],
);

sub conf {
    my ($remembered) = @_;
    my $text = $httpd->load(qw(dbd socache_shmcb)) . $php->conf($httpd) . <<"CONF";
StartServers 2
ServerLimit 2
ThreadsPerChild 16
MaxRequestWorkers 32
LogLevel iiif_image:debug
Header always set X-IIIF-Plan "expr=%{note:iiif-plan}"
IIIFResolverCache 10000 $remembered
IIIFResolverTimeout $PATIENCE
CONF
    $text .= "<VirtualHost *>\nServerName $_->[0].test\n$_->[1]</VirtualHost>\n" for @SITES;
    return $text;
}

# A server that remembers nothing yet, and what it will for so many seconds
sub start_anew {
    my ($remembered) = @_;
    $httpd->stop;
    $httpd->configure(conf($remembered));
    return $httpd->start;
}

start_anew($LONG);
local $IIIF::Client::PORT = $httpd->port;

# -- who answers --------------------------------------------------------------------------------

sub at { my ($site, $path, @headers) = @_; return get($path, Host => "$site.test", @headers) }

# "omeka" or "iiiftile", with the URL as it was asked for; or the status and how the module made the answer; or httpd.
sub who {
    my ($response, $path) = @_;
    my $php = $response->header('X-Answered-By');
    return plan_of($response) if !defined $php;
    return $response->content eq "$php $path\n" ? $php : "$php, asked for " . $response->content;
}

sub is_by {
    my ($site, $path, $by, $claim) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is who(at($site, $path), $path), $by, $claim // "$site: $path is answered by $by";
}

sub info_at {
    my ($site, $base) = @_;
    my $response = at($site, "$base/info.json");
    return $response->code == 200 && !$response->header('X-Answered-By') ? decode_json($response->content) : {};
}

my $SMALL  = '160x120';
my @LARGE  = @{ IIIF::Omeka::large() };
my $WHOLE  = 'full/max/0/default.jpg';

# An image, in 3.0, in 2.1 and in a URL without version
sub is_image {
    my ($site, $base, $identifier, $claim) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    for my $version ('/3', '/2', '') {
        my $at = "$base/iiif$version/$identifier";
        my $redirect = at($site, $at);
        is who($redirect, $at) . ' ' . ($redirect->header('Location') // 'nowhere') =~ s{^http://[^/]+}{}r,
            "303 redirect $at/info.json", "$claim: the base URI at $at";
        is info_at($site, $at)->{width}, 160, '  its info.json';
        is dims_of(at($site, "$at/" . ($version eq '/2' ? 'full/full/0/default.jpg' : $WHOLE))), $SMALL, '  the image';
    }
    return;
}

sub is_omekas {
    my ($site, $base, $identifier, $claim) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    for my $version ('/3', '/2', '') {
        my $at = "$base/iiif$version/$identifier";
        is_by($site, $at, 'omeka', "$claim: the base URI at $at is Omeka's");
        is_by($site, "$at/info.json", 'omeka', '  its info.json');
        is_by($site, "$at/$WHOLE", 'iiiftile', '  the image is the fast script\'s, as it was');
    }
    return;
}

# -- under all their names ----------------------------------------------------------------------

is_image('media', '', $omeka->id($_), "a media by its number, $_") for qw(two three slashes plain many1000);
is info_at('media', '/iiif/2')->{id} =~ s{^http://[^/]+}{}r, '/iiif/2', 'media 2 is not a version';
is info_at('media', '/iiif/2/3')->{'@id'} =~ s{^http://[^/]+}{}r, '/iiif/2/3', 'media 3 in version 2';

is_image('clean', '', 'Plan%207', 'an identifier of dcterms');
is_image('clean', '', 'plan%207', '  in small letters');
is_image('clean', '', 'ark:%2F12345%2Fx1%2Ff2', 'an Ark, encoded');
is_image('clean', '', 'ark%3A%2f12345%2fx1%2ff2', 'an Ark, all of it encoded');
is_image('clean', '', 'ark:/12345/x1/f2', 'an Ark as it is');
is at('clean', '/iiif/3//ark://12345/x1//f2/info.json')->code, 200, 'an Ark with doubled slashes';
is_image('clean', '', 'doc-77', 'one of many');
is_image('clean', '', '2', 'a number, when nothing else has it');
is info_at('clean', '/iiif/3/3')->{width}, 160, 'a number that is an identifier, too...';
my %etag = map { $_ => at('clean', "/iiif/3/$_/$WHOLE")->header('ETag') // '' } qw(3 45 shared 43);
is $etag{3}, $etag{45}, '  is the one that has it as an identifier';
is $etag{shared}, $etag{43}, 'of several that have one identifier it is the first that is public';
is_omekas('clean', '', 'plan%208', 'a title is no identifier');
is_omekas('clean', '', 'the%20item', 'an identifier of an item');

is_image('prefix', '', 'z9', 'an identifier behind a prefix');
is_image('prefix', '', 'y8', '  with a blank between them');
is_image('prefix', '', 'ark:%2F67890%2Fz9', '  with the prefix in the URL');
is_omekas('prefix', '', 'plan%207', 'where capitals count, an identifier in small letters');
is_image('prefix', '', 'Plan%207', '  and as it is written');

is_image('title', '', 'plan%208', 'a title, where titles are identifiers');
is_omekas('title', '', 'Plan%207', '  and identifiers are none');
is_omekas('foreign', '', 'Plan%207', 'nor are those of another vocabulary');

sub encoded { return $_[0] =~ s/([^A-Za-z0-9.-])/sprintf '%%%02X', ord $1/ger }

for my $name (qw(two slashes dotted)) {
    is_image('storage', '', encoded($omeka->media($name)->{storage_id}), "a storage id, $name");
    is_image('filename', '', encoded($omeka->media($name)->{path}), "a file name, $name");
}
is_image('storage', '', join('/', map { encoded($_) } split m{/}, $omeka->media('slashes')->{storage_id}), 'a storage id with slashes as they are');
is_omekas('storage', '', $omeka->id('two'), 'a number, where storage ids are asked for');

# -- who else answers ---------------------------------------------------------------------------

is_omekas('media', '', $omeka->id($_), "what is $_") for qw(private audio document remote missing upwards);
is_omekas('media', '', $_, "what is not there, $_") for '999999', '0', '02', '-1', 'two', '2%27%20OR%20%271%27=%271', '9' x 40;
is_omekas('media', '', '1', 'an item');
is_by('media', '/iiif/3/2%00', '404 without a plan', 'a NUL is refused by httpd itself');
is_by('media', $_, 'omeka', "$_ is Omeka's") for '/', '/iiif', '/iiif/', '/iiif/2/manifest', '/iiif/3/2/manifest', '/iiif/3/1/manifest',
    '/iiif/collection/1', '/iiif/3/2/canvas/p1', '/iiif/3/set/1', '/iiif/3/32.mp3', '/s/site/item/1', '/iiif-search/1';
is_by('media', '/iiif/3/2/1,2,3/max/0/default.jpg', '400 without a plan', 'a region that is none is the module\'s own to refuse');
is_by('media', "/iiif/$_", '400 without a plan', "so is $_") for '3/2/full/9000,/0/default.jpg', '2/2/full/9000,/0/default.jpg', '3/2/full/max/0/default.jpeg',
    '3/2/full/max/0/native.jpg', '2/2/full/full/0/native.jpg';
is_by('media', '/iiif/3/2/', '303 redirect', 'a base URI with a slash at its end is one');
is ask($_->[0], '/iiif/3/2/full/90,/0/default.jpg', Host => 'media.test')->code, $_->[1], "$_->[0] of an image" for [ HEAD => 200 ], [ OPTIONS => 204 ], [ POST => 405 ], [ DELETE => 405 ];
is ask($_, '/iiif/3/' . $omeka->id('private') . "/$WHOLE", Host => 'media.test')->header('X-Answered-By'), 'iiiftile', "  $_ of a private one is not ours" for qw(OPTIONS POST);
is at('media', "/iiif/3/2/$WHOLE", Range => 'bytes=2-5')->code, 206, 'a range of an image';
is_image('media', '', $omeka->id('private_item'), 'in Omeka a public media of a private item is public');
is_image('strict', '', $omeka->id('two'), 'where items count, a public one of a public item');
is_omekas('strict', '', $omeka->id($_), "  and what is $_") for qw(private private_item);
is at('media', '/files/original/' . $omeka->media('two')->{path})->code, 200, 'files are sent by httpd as before';
is_by('media', '/config/database.ini', '403 without a plan', '  and what .htaccess refuses is refused');

# 160 and 96 points wide, at 300 pixels an inch
is info_at('strict', '/iiif/3/' . $omeka->id('document'))->{width}, 667, 'a PDF, where it is allowed';
is dims_of(at('strict', '/iiif/3/' . $omeka->id('document') . ";2/$WHOLE")), '400x200', '  and its second page';

# -- another site in the same httpd: its own database, path and rules -----------------------------

is_image('based', '/omeka', $other->id('two'), 'below a base path');
is_image('based', '/omeka', $other->id($_), "what is $_, with the module Access") for qw(free_in_item embargo_over embargo_to_be);
is_omekas('based', '/omeka', $other->id($_), "what is $_") for qw(private forbidden embargoed reserved_item);
is_omekas('based', '/omeka', $omeka->id('many1000'), 'a media of the other site alone');
is_image('based', '/second', $omeka->id('many1000'), 'which has a base path of its own here, and the same pool');
is_by('based', '/omeka/files/original/' . $other->media('two')->{path}, 'omeka', 'a file itself is still for Access to send');
is_image('media', '', $omeka->id('forbidden'), 'without the module its rules are nobody\'s');

# -- what info.json says of rights --------------------------------------------------------------

is info_at('media', '/iiif/3/' . $omeka->id('licensed'))->{rights}, 'http://creativecommons.org/licenses/by/4.0/', 'a licence is the media\'s own';
is info_at('media', '/iiif/2/' . $omeka->id('licensed'))->{license}, 'http://creativecommons.org/licenses/by/4.0/', '  and license in 2.1';
# written with https; the registered URI of a licence begins with http (Image API 3.0, 5.6)
is info_at('media', '/iiif/3/' . $omeka->id('literal'))->{rights}, 'http://creativecommons.org/publicdomain/zero/1.0/',
    'a text that is no URI is none, rights that are one are';
$omeka->sql("INSERT INTO `value` (resource_id, property_id, type, uri, is_public) SELECT ${\ $omeka->id('many6') }, p.id, 'uri',"
        . " 'https://example.org/our-terms', 1 FROM property p WHERE p.local_name = 'license';");
is info_at($_, '/iiif/2/' . $omeka->id('many6'))->{license}, 'https://example.org/our-terms', "a licence of nobody known is license in 2.1, $_" for qw(media strict);
is info_at($_, '/iiif/3/' . $omeka->id('many6'))->{rights}, undef, '  and not rights in 3.0, nor is another one' for qw(media strict);
is info_at('media', '/iiif/3/' . $omeka->id('inherited'))->{rights}, 'http://creativecommons.org/licenses/by-nc/4.0/', 'else it is the item\'s';
is info_at('media', '/iiif/3/' . $omeka->id($_))->{rights}, undef, "one that is private ($_) is not told" for qw(secret private_item);
is info_at('strict', '/iiif/3/' . $omeka->id($_))->{rights}, 'http://example.org/usual', "  but the site's own, $_" for qw(secret two);

# -- tiles as Image Server makes them -----------------------------------------------------------

# Region and size; files of Deep Zoom and Zoomify; factor and corner in that level
my @TILES = (
    [ '0,0,256,256/256,256',     '10/0_0', '2-0-0', 1, 0,   0,   256, 256 ],
    [ '768,512,232,238/232,238', '10/3_2', '2-3-2', 1, 768, 512, 232, 238 ],
    [ '512,512,488,238/244,119', '9/1_1',  '1-1-1', 2, 256, 256, 244, 119 ],
    [ 'full/250,188',            '8/0_0',  '0-0-0', 4, 0,   0,   250, 188 ],
);

sub shows_place {
    my ($response, $row) = @_;
    my (undef, undef, undef, $factor, $x, $y, @sides) = @$row;
    my @level = map { POSIX::ceil($LARGE[$_] / $factor) } 0, 1;
    my $want = crop(picture(@level, level_bytes(@LARGE, $factor, @level)), $x, $y, @sides);
    my ($mean) = difference(decode($response), $want);
    return $mean;
}

for my $row (@TILES) {
    my ($what, $deepzoom, $zoomify) = @$row;
    my %files = (deepzoom => $omeka->tiles('deepzoom') . "_files/$deepzoom.jpg",
        zoomify => $omeka->tiles('zoomify') . "_zdata/TileGroup0/$zoomify.jpg");
    for my $layout (qw(deepzoom zoomify tiled_tiff jpeg2000)) {
        my $path = '/iiif/3/' . $omeka->id($layout) . "/$what/0/default.jpg";
        my $response = at('media', $path);
        my $way = $files{$layout} ? '200 static' : $layout eq 'tiled_tiff' && $what !~ /250/ ? '200 raw' : '200 render';
        is who($response, $path), $way, "$layout: $what";
        is dims_of($response), join('x', @$row[ 6, 7 ]), '  of that size';
        ok $response->content eq slurp($files{$layout}), '  is the file that lies there' if $files{$layout};
        cmp_ok shows_place($response, $row), '<', 6, '  which shows that place';
    }
}
is info_at('media', '/iiif/3/' . $omeka->id('deepzoom'))->{tiles}[0]{width}, 256, 'info.json announces the tiles that are there';
is_by('media', '/files/tile/' . $omeka->media('deepzoom')->{storage_id} . '.dzi', '200 without a plan', 'Omeka\'s own viewer finds them as before');

# -- files themselves, and thumbnails that are exactly what is asked for -------------------------

sub file_at { my ($site, $kind, $name, $rest) = @_; return at($site, "/files/$kind/" . join('/', map { encoded($_) } split m{/}, $name) . $rest)->code }
sub stored  { my ($name) = @_; return $omeka->media($name)->{storage_id} }

for my $row ([ two => 200, '.jpg' ], [ private => 403, '.jpg' ], [ slashes => 200, '.jpg' ], [ dotted => 200, '.jpg' ], [ plain => 200, '' ]) {
    my ($name, $status, $extension) = @$row;
    is file_at('guarded', 'original', stored($name), $extension), $status, "files/original of $name, protected";
    is file_at('media', 'original', stored($name), $extension), 200, '  and as it is in Omeka';
}
is file_at('guarded', 'tile', stored('deepzoom'), $_), 200, "tiles that are public, $_" for '.dzi', '_files/8/0_0.jpg', '_files/vips-properties.xml';
is file_at('guarded', 'tile', stored('private'), $_), 403, "tiles that are not, $_" for '.dzi', '_files/8/0_0.jpg', '_files/vips-properties.xml';
is file_at('guarded', 'tile', stored('zoomify'), '_zdata/ImageProperties.xml'), 200, 'Zoomify that is public';
is file_at('guarded', 'tile', stored('tiled_tiff'), '.tif'), 200, 'a pyramid that is public';
is file_at('guarded', 'large', stored('thumbnails'), '.jpg'), 200, 'a thumbnail that is public';
is file_at('guarded', 'large', 'upwards', '.jpg'), 403, 'a file of no media';
is file_at('access', 'original', $other->media($_)->{storage_id}, '.jpg'), 403, "with Access, a file that is $_" for qw(private forbidden embargoed reserved_item);
is_image('guarded', '', $omeka->id('two'), 'a public image, where files are protected');
is_omekas('guarded', '', $omeka->id('private'), 'one that is not');
is_by('guarded', '/iiif/3/' . $omeka->id('deepzoom') . "/$TILES[0][0]/0/default.jpg", '200 static', '  and a tile');

my $whole = '/iiif/3/' . $omeka->id('thumbnails') . '/full';
for my $row ([ '800,600' => 'large' ], [ '400,' => 'medium' ]) {
    my $response = at('guarded', "$whole/$row->[0]/0/default.jpg");
    is who($response), '200 static', "$row->[0] is the $row->[1] thumbnail";
    ok $response->content eq slurp($omeka->directory . "/files/$row->[1]/" . stored('thumbnails') . '.jpg'), '  byte by byte';
}
is_by('guarded', "$whole/399,/0/default.jpg", '200 render', 'another size is none');
is_by('media', "$whole/800,600/0/default.jpg", '200 render', 'and by default no thumbnail is used');

# -- queries ------------------------------------------------------------------------------------

# CODE in several processes at once
sub at_once {
    my ($processes, $code) = @_;
    my @pids = map {
        my $number = $_;
        my $pid = fork // die "fork: $!\n";
        if (!$pid) { POSIX::_exit(eval { $code->($number) } ? 0 : 1) }
        $pid
    } 1 .. $processes;
    return !grep { waitpid($_, 0); $? } @pids;
}

my $SELECTS = qr/FROM\s+media m/;

sub view {
    my ($site, $identifier) = @_;
    my @paths = map { "/iiif/3/$identifier/$_->[0]/0/default.jpg" } @TILES;
    info_at($site, "/iiif/3/$identifier")->{width} or return;
    return at_once(5, sub { !grep { at($site, $paths[ $_ % @paths ])->code != 200 } 1 .. 60 });
}

start_anew($LONG);
is $database->count($SELECTS, sub { ok view('media', $omeka->id('deepzoom')), 'a viewer gets info.json and 300 tiles' }), 1, '  for one query';
is $database->count($SELECTS, sub { ok view('clean', $omeka->id('zoomify')), 'by another name, too' }), 1, '  for one query';
is $database->count($SELECTS, sub { at('media', '/iiif/3/999998') for 1 .. 20 }), 1, 'what is not there is asked for once';
is $database->count(qr/./, sub { at('media', "/iiif/3/$_") for 'two', 'x/y/z', '2%27' }), 0, 'what is no number is not asked for at all';

sub tables_on_disk { return $database->sql(q{SHOW GLOBAL STATUS LIKE 'Created_tmp_disk_tables'}) =~ /(\d+)/ ? $1 : die "MariaDB does not count\n" }

my $before = tables_on_disk();
at($_->[0], "/iiif/3/$_->[1]/info.json") for map { ([ media => 2400 + $_ ], [ clean => "doc-" . (400 + $_) ]) } 1 .. 50;
is tables_on_disk() - $before, 0, '100 queries make no files';

# -- what becomes private -----------------------------------------------------------------------

start_anew($SHORT);

sub forget { sleep $SHORT + 0.5; return }

my $shown = $omeka->id('thumbnails');
my @ASKED = ("/iiif/3/$shown", "/iiif/3/$shown/info.json", "/iiif/2/$shown/info.json", "/iiif/3/$shown/$WHOLE", "/iiif/3/$shown/full/100,/0/default.png",
    "/iiif/$shown.dzi", "/iiif/${shown}_files/10/0_0.jpg", "/iiif/${shown}_zdata/ImageProperties.xml");

sub headers_of { my ($response) = @_; return join "\n", map { my $name = $_; map { "$name: $_" } $response->header($name) } $response->header_field_names }

my %validators = map { $_ => scalar at('media', $_)->header('ETag') } @ASKED;
is scalar(grep { defined } values %validators), @ASKED - 1, 'all but the redirect have a validator';
is at('media', $_, 'If-None-Match' => $validators{$_})->code, 304, "$_: unchanged" for grep { defined $validators{$_} } @ASKED;
$omeka->set_public($shown, 0);
forget();
for my $path (@ASKED) {
    my @validator = defined $validators{$path} ? ('If-None-Match' => $validators{$path}) : ();
    for my $method (qw(GET HEAD)) {
        my $response = ask($method, $path, Host => 'media.test', @validator);
        like $response->header('X-Answered-By') // 'not by Omeka', qr/^(omeka|iiiftile)$/, "$method $path: hidden once it is not remembered any more";
        my $said = headers_of($response) . ($method eq 'GET' ? $response->content : '');
        unlike $said, qr/ETag|X-IIIF-Plan: .|Link:|thumbnails|${\ $omeka->media('thumbnails')->{storage_id} }/, '  and nothing is told of it';
    }
}
$omeka->set_public($shown, 1);
forget();
is_by('media', "/iiif/3/$shown/$WHOLE", '200 render', 'shown again');
unlike join('', map { my $r = at('media', "/iiif/3/20$_"); headers_of($r) . $r->content } '', '/info.json', "/$WHOLE", '/0,0,256,256/256,256/0/default.jpg'),
    qr/ETag|${\ $omeka->media('private')->{storage_id} }/, 'what was never public has no validator and no name';

# -- a database that goes -----------------------------------------------------------------------

my @KNOWN = map { '/iiif/3/' . $omeka->id($_) . "/$WHOLE" } qw(two deepzoom), map { "many$_" } 1 .. 10;

# Clients ask for these, one path after the other, while CODE runs: what they got, as hash of counts, and the longest
# that one waited.
sub under_load {
    my ($site, $paths, $code) = @_;
    my @clients = map {
        my $pid = open my $pipe, '-|';
        defined $pid or die "fork: $!\n";
        keep_asking($site, @$paths) if !$pid;
        [ $pid, $pipe ]
    } 1 .. 4;
    $code->();
    kill 'TERM', map { $_->[0] } @clients;
    my (%got, $longest);
    for my $client (@clients) {
        my $pipe = $client->[1];
        my ($waited, @counts) = split /\n/, do { local $/; <$pipe> };
        close $pipe;
        $longest = max($longest // 0, $waited);
        /^(\d+) (.*)/ and $got{$2} += $1 for @counts;
    }
    return ($longest, %got);
}

sub keep_asking {
    my ($site, @paths) = @_;
    my ($longest, $end, %got) = (0, 0);
    local $SIG{TERM} = sub { $end = 1 };
    while (!$end) {
        push @paths, my $path = shift @paths;
        my $before = time;
        my $by = eval { who(at($site, $path), $path) } // 'nobody';
        last if $end;    # which may have broken it off
        $longest = max($longest, time - $before);
        ++$got{$by};
    }
    syswrite STDOUT, join "\n", $longest, map { "$got{$_} $_" } sort keys %got;
    POSIX::_exit(0);
}

sub is_served {
    my ($what, $longest, %got) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply [ grep { !/^200 (render|static)$/ } sort keys %got ], [], "$what: what is known is served" or diag(explain(\%got));
    cmp_ok $longest, '<', $HUNG, '  and nobody waits long';
    note(sprintf '%s: %d answers, the slowest after %.3f s', $what, sum(values %got), $longest);
    return;
}

sub until_known {
    my ($site, $path) = @_;
    return IIIF::PrivateHttpd::until_true(sub { who(at($site, $path), $path) eq '200 render' });
}

at('media', $_) for @KNOWN;
at('strict', $_) for @KNOWN[ 0 .. 2 ];
is_served('killed and started again', under_load('media', \@KNOWN, sub {
    sleep 0.5;
    $database->kill9;
    forget();
    my $unknown = "/iiif/3/2050/$WHOLE";
    is_by('media', $unknown, 'iiiftile', 'killed: what is not remembered is left to Omeka');
    my $refused = at('strict', "/iiif/3/2051/$WHOLE");
    is who($refused, ''), '503 without a plan', '  or refused, where the site wants that';
    like $refused->header('Retry-After') // '', qr/^[1-9]\d*$/, '  with Retry-After';
    unlike $refused->content, qr/SELECT|MySQL|MariaDB|sock|omeka/i, '  and no word of the database';
    is_by('strict', $KNOWN[0], '200 render', '  what is known there is served, too');
    $database->start;
    ok until_known('media', $unknown), 'started again: it is found, without a restart of httpd';
    ok until_known('strict', "/iiif/3/2051/$WHOLE"), '  by the other site, too';
}));
is_served('held still', under_load('media', \@KNOWN, sub {
    sleep 0.5;
    $database->pause;
    forget();
    my ($longest, %got) = under_load('media', [ map { "/iiif/3/21$_/info.json" } 10 .. 60 ], sub { sleep 3 });
    is_deeply [ keys %got ], ['omeka'], 'held still: what is not remembered is left to Omeka';
    cmp_ok $longest, '<', $HUNG, '  in time';
    note(sprintf 'the slowest of these after %.3f s', $longest);
    $database->resume;
    ok until_known('media', "/iiif/3/2170/$WHOLE"), 'going on: what was not known is found';
}));
is_served('locked', under_load('media', \@KNOWN, sub {
    my $locker = fork // die "fork: $!\n";
    if (!$locker) {
        eval { $omeka->sql('LOCK TABLES media WRITE; SELECT SLEEP(600);') };    # until it is killed
        POSIX::_exit(0);
    }
    my $id;
    IIIF::PrivateHttpd::until_true(sub { ($id) = $omeka->sql('SHOW PROCESSLIST') =~ /^(\d+)\t.*User sleep/m }) or die "nothing is locked\n";
    forget();
    is_by('media', "/iiif/3/22$_/info.json", 'omeka', 'a table is locked: what is not remembered is left to Omeka') for 10 .. 20;
    $omeka->sql("KILL $id");
    waitpid $locker, 0;
    ok until_known('media', "/iiif/3/2210/$WHOLE"), 'unlocked: it is found';
}));
$omeka->set_public($omeka->id('two'), 0);
ok IIIF::PrivateHttpd::until_true(sub { who(at('media', $KNOWN[0]), $KNOWN[0]) eq 'iiiftile' }), 'and what becomes private is hidden again';

# httpd comes and goes without it
$database->pause;
is_by('media', "/iiif/3/2311/$WHOLE", 'iiiftile', 'held still again');
ok $httpd->restart, 'httpd restarts gracefully meanwhile';
is_by('media', "/iiif/3/2312/$WHOLE", 'iiiftile', '  and answers');
ok eval { $httpd->stop; 1 }, '  and stops' or diag($@);
$database->kill9;
start_anew($SHORT);
is_by('media', "/iiif/3/2313/$WHOLE", 'iiiftile', 'httpd starts without a database');
$database->start;
ok until_known('media', "/iiif/3/2313/$WHOLE"), '  and finds it when it is there';

# -- mistakes in the configuration --------------------------------------------------------------

sub said_of {
    my ($lines) = @_;
    $httpd->stop;
    $httpd->configure($httpd->load('dbd') . $php->conf($httpd) . $lines);
    return join ' ', $httpd->run('-t');
}

like said_of($omeka->conf('/', OMEKA_IDENTIFIER => 'number')), qr/^1 .*OMEKA_IDENTIFIER is media_id, clean, storage_id or filename, not 'number'/s,
    'an identifier of no kind is a mistake';
like said_of("Include ${\ getcwd() }/conf.d/omeka-s.conf\n"), qr/^1 .*Define OMEKA_DIR,/s, 'so is a site without a directory';
like said_of($omeka->conf('')), qr/^0 /, 'an empty base path is none';

done_testing;
