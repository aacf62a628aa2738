# SPDX-License-Identifier: Apache-2.0
package IIIF::Omeka;

# A site of Omeka S 4 with the modules IIIF Server and Image Server, as far as a web server sees it: tables and rows in a
# IIIF::MariaDb, a directory with files and tiles as vips makes them there, database.ini, .htaccess, and in PHP what stands
# for the application and for the fast script; each says that it has answered, and to what.
#
# Written from what is known of Omeka's tables and layouts; none of its code.

use strict;
use warnings FATAL => 'all';
use Cwd qw(getcwd);
use Digest::SHA qw(sha1_hex sha256_hex);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp ();
use IIIF::Coordinates qw(coordinate_bytes ppm);
use IIIF::FileWriter qw(pdf);
use IIIF::PrivateHttpd qw(slurp);

my $FIRST_OF_MANY = 2001;
my $FILES_AGE     = 7200;                  # seconds: files are older than their tiles
my @LARGE         = (1000, 750, 128);      # the coordinate picture: width, height, cell
my @SMALL         = (160, 120, 20);

# -- the rows -----------------------------------------------------------------------------------

# Items: id => is_public
my %ITEMS = (1 => 1, 100 => 0, 101 => 1, 102 => 1);

# Media by a name of ours. Of each: item 1, public, an upload with the small picture as JPEG and a storage id of 40 hex
# digits, unless it says otherwise. has: which picture lies in files/original (none: no file); tiles: of which layout.
my %MEDIA = (
    two   => { id => 2 },
    three => { id => 3, extension => 'tif', media_type => 'image/tiff' },

    deepzoom   => { id => 10, has => 'large', tiles => 'deepzoom' },
    zoomify    => { id => 11, has => 'large', tiles => 'zoomify' },
    tiled_tiff => { id => 12, has => 'large', tiles => 'tiled_tiff', values => [ [ identifier => 'MS 77' ] ] },
    jpeg2000   => { id => 13, has => 'large', tiles => 'jpeg2000' },
    thumbnails => { id => 14, has => 'large', has_thumbnails => 1 },

    private        => { id => 20, is_public => 0, has => 'large', tiles => 'deepzoom' },
    private_item   => { id => 21, item_id => 100 },
    forbidden      => { id => 22 },
    embargoed      => { id => 23 },
    reserved_item  => { id => 24, item_id => 101 },
    free_in_item   => { id => 25, item_id => 101 },
    embargo_over   => { id => 26 },
    embargo_to_be  => { id => 27, item_id => 102 },

    slashes   => { id => 30, storage_id => "Fonds \x{c9}lan/item 1/Plan du ch\x{e2}teau" },
    plain     => { id => 31, extension => undef },
    audio     => { id => 32, extension => 'mp3', media_type => 'audio/mpeg', has => 'sound' },
    remote    => { id => 33, storage_id => undef, extension => undef, media_type => undef, ingester => 'iiif', has_original => 0, has => undef },
    missing   => { id => 34, has => undef },
    dotted    => { id => 35, storage_id => 'plans/no. 7.final' },
    document  => { id => 36, extension => 'pdf', media_type => 'application/pdf', has => 'sheet' },
    upwards   => { id => 37, storage_id => '../large/upwards', has => undef },

    ark       => { id => 40, values => [ [ identifier => 'ark:/12345/x1/f2' ] ] },
    clean     => { id => 41, values => [ [ identifier => 'Plan 7' ], [ title => 'plan 8' ] ] },
    shadowed  => { id => 42, is_public => 0, values => [ [ identifier => 'shared' ] ] },
    shared    => { id => 43, values => [ [ identifier => 'shared' ] ] },
    shared_2  => { id => 44, values => [ [ identifier => 'shared' ] ] },
    numeric   => { id => 45, values => [ [ identifier => '3' ] ] },
    prefixed  => { id => 46, values => [ [ identifier => 'ark:/67890/z9' ] ] },
    spaced    => { id => 47, values => [ [ identifier => 'ark:/67890/ y8' ] ] },

    licensed  => { id => 50, values => [ [ rights => undef, 'http://rightsstatements.org/vocab/InC/1.0/' ],
                       [ license => undef, 'http://creativecommons.org/licenses/by/4.0/' ] ] },
    literal   => { id => 51, item_id => 102, values => [ [ license => 'all rights reserved' ],
                       [ rights => 'https://creativecommons.org/publicdomain/zero/1.0/' ] ] },
    inherited => { id => 52, item_id => 102 },
    secret    => { id => 53, values => [ [ license => undef, 'http://example.org/secret', 0 ] ] },
);
my %ITEM_VALUES = (1 => [ map { [ identifier => $_ ] } 'the item', '13', 'MS 77' ],
    100 => [ [ license => undef, 'http://example.org/of-a-private-item' ] ],
    102 => [ [ license => undef, 'http://creativecommons.org/licenses/by-nc/4.0/' ] ]);

# Of the module Access: id => level, start and end of an embargo as days from today
my %ACCESS = (22 => ['forbidden'], 23 => [ 'free', undef, 30 ], 101 => ['reserved'], 43 => ['reserved'], 25 => ['free'], 26 => [ 'free', -60, -30 ],
    102 => [ 'free', 300, 400 ]);

my @TERMS = qw(title identifier rights license);
my %PROPERTY = map { $TERMS[$_] => 71 + $_ } 0 .. $#TERMS;    # not the ids of a fresh installation: terms are what counts

my $TABLES = <<'SQL';
CREATE TABLE resource (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, owner_id INT, resource_class_id INT, resource_template_id INT, thumbnail_id INT,
    title LONGTEXT, is_public TINYINT(1) NOT NULL, created DATETIME NOT NULL, modified DATETIME,
    resource_type VARCHAR(190) NOT NULL, KEY (owner_id), KEY (is_public), KEY (resource_type), KEY title (title(190)));
CREATE TABLE item (id INT NOT NULL PRIMARY KEY, primary_media_id INT, KEY (primary_media_id));
CREATE TABLE media (
    id INT NOT NULL PRIMARY KEY, item_id INT NOT NULL, ingester VARCHAR(255) NOT NULL, renderer VARCHAR(255) NOT NULL,
    data LONGTEXT, source LONGTEXT, media_type VARCHAR(190), storage_id VARCHAR(190), extension VARCHAR(255), sha256 CHAR(64),
    size BIGINT, has_original TINYINT(1) NOT NULL, has_thumbnails TINYINT(1) NOT NULL, position INT, lang VARCHAR(190),
    alt_text LONGTEXT, UNIQUE KEY (storage_id), KEY (item_id, position), KEY (media_type));
CREATE TABLE vocabulary (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, owner_id INT, namespace_uri VARCHAR(190) NOT NULL, prefix VARCHAR(190) NOT NULL,
    label VARCHAR(255) NOT NULL, comment LONGTEXT, UNIQUE KEY (namespace_uri), UNIQUE KEY (prefix));
CREATE TABLE property (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, owner_id INT, vocabulary_id INT NOT NULL,
    local_name VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, label VARCHAR(255) NOT NULL, comment LONGTEXT,
    UNIQUE KEY (vocabulary_id, local_name));
CREATE TABLE `value` (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, resource_id INT NOT NULL, property_id INT NOT NULL, value_resource_id INT,
    value_annotation_id INT, type VARCHAR(255) NOT NULL, lang VARCHAR(255), value LONGTEXT, uri LONGTEXT,
    is_public TINYINT(1) NOT NULL, KEY (resource_id), KEY (property_id), KEY value (value(190)), KEY uri (uri(190)), KEY (is_public));
CREATE TABLE setting (id VARCHAR(190) NOT NULL PRIMARY KEY, value LONGTEXT NOT NULL);
CREATE TABLE module (id VARCHAR(190) NOT NULL PRIMARY KEY, is_active TINYINT(1) NOT NULL, version VARCHAR(190) NOT NULL);
INSERT INTO vocabulary (id, namespace_uri, prefix, label) VALUES (1, 'http://purl.org/dc/terms/', 'dcterms', 'Dublin Core'),
    (2, 'http://example.org/other/', 'other', 'another one');
INSERT INTO setting VALUES ('iiifserver_media_api_default_version', '"3"'), ('iiifserver_media_api_identifier', '"default"'),
    ('imageserver_image_tile_dir', '"tile"'), ('imageserver_image_tile_type', '"deepzoom"');
SQL

my $FAST_SCRIPT = 'modules/ImageServer/data/scripts/iiiftile.php';

# What is a file is sent, all else is the front controller's; images go to the fast script before that.
my $HTACCESS = <<"HTACCESS";
RewriteEngine On
RewriteRule "^iiif/(?:[23]/)?[^/]+/[^/]+/[^/]+/[^/]+/[^/]+\\.[a-z0-9]+\$" $FAST_SCRIPT [END]
RewriteRule "(^|/)config/" - [F]
RewriteCond "%{REQUEST_FILENAME}" -f
RewriteRule "^" - [END]
RewriteRule "^" index.php [END]
HTACCESS

# -- making it ----------------------------------------------------------------------------------

# new(mariadb => IIIF::MariaDb, directory => where it goes, database => 'omeka', many => 1000, large => [...]): so many media
# more, that all show the small picture, with identifiers doc-1 and so on; the large picture, if not large().
sub new {
    my ($class, %arguments) = @_;
    my $self = bless { database => 'omeka', many => 1000, large => [@LARGE], %arguments }, $class;

    $self->{media} = { map { $_ => { %{ $MEDIA{$_} } } } keys %MEDIA };
    $self->{media}{"many$_"} = { id => $FIRST_OF_MANY - 1 + $_, item_id => 1000 + int(($_ - 1) / 10), values => [ [ identifier => "doc-$_" ] ] }
        for 1 .. $self->{many};
    _complete($_, $self->{media}{$_}) for keys %{ $self->{media} };
    $self->_make_tables;
    $self->_make_files;
    $self->_make_programs;
    return $self;
}

sub directory { my ($self) = @_; return $self->{directory} }
sub database  { my ($self) = @_; return $self->{database} }
sub many      { my ($self) = @_; return $self->{many} }

# What is known of one of the media above, or of many1 and so on: id, storage_id, extension, path below files/original...
sub media {
    my ($self, $name) = @_;
    return $self->{media}{$name} // die "no media is called $name\n";
}

sub id       { my ($self, $name) = @_; return $self->media($name)->{id} }
sub original { my ($self, $name) = @_; return "$self->{directory}/files/original/" . $self->media($name)->{path} }
sub tiles    { my ($self, $name) = @_; return "$self->{directory}/files/tile/" . $self->media($name)->{storage_id} }
sub sql      { my ($self, $text) = @_; return $self->{mariadb}->sql($text, $self->{database}) }
sub params   { my ($self) = @_; return $self->{mariadb}->params($self->{database}) }

# Whether visitors may see a resource, by its id.
sub set_public {
    my ($self, $id, $is_public) = @_;
    return $self->sql("UPDATE resource SET is_public = $is_public, modified = NOW() WHERE id = $id;");
}

# From now on the module Access is installed: its table, and its rule for files, which the application is to send.
sub install_access {
    my ($self) = @_;
    _spew("$self->{directory}/.htaccess", $HTACCESS =~ s{(?=RewriteRule "\(\^)}{RewriteRule "^files/(?:original|large)/" index.php [END]\n}r);
    my $date = sub { defined $_[0] ? "NOW() + INTERVAL $_[0] DAY" : 'NULL' };
    my $rows = join ', ', map { "($_, '$ACCESS{$_}[0]', ${\ $date->($ACCESS{$_}[1]) }, ${\ $date->($ACCESS{$_}[2]) })" } sort keys %ACCESS;
    return $self->sql('CREATE TABLE access_status (id INT NOT NULL PRIMARY KEY, level VARCHAR(15) NOT NULL,'
            . " embargo_start DATETIME, embargo_end DATETIME); INSERT INTO access_status VALUES $rows;"
            . "INSERT INTO module VALUES ('Access', 1, '3.4.46');");
}

# What httpd.conf says of the site at such a base path, with what conf.d/omeka-s.conf is told beside the three values.
sub conf {
    my ($self, $base, %defines) = @_;
    my %all = (OMEKA_DIR => $self->{directory}, OMEKA_DATABASE => $self->params, OMEKA_BASE => $base, %defines);
    my $where = $base =~ m{^/?\z} ? "DocumentRoot \"$self->{directory}\"" : "Alias $base \"$self->{directory}\"";
    my $lines = join "\n", map { "Define $_ \"$all{$_}\"" } sort keys %all;
    return <<"CONF";
$where
<Directory "$self->{directory}">
    Require all granted
    AllowOverride All
    Options FollowSymLinks
</Directory>
AllowEncodedSlashes NoDecode
$lines
Include ${\ getcwd() }/conf.d/omeka-s.conf
CONF
}

# A picture that files/original has, as [ WIDTH, HEIGHT, CELL ] of IIIF::Coordinates.
sub large { return [@LARGE] }
sub small { return [@SMALL] }

# -- rows ---------------------------------------------------------------------------------------

sub _complete {
    my ($name, $media) = @_;
    my $sha1 = sha1_hex($name);
    my %usual = (item_id => 1, is_public => 1, ingester => 'upload', media_type => 'image/jpeg', storage_id => $sha1,
        extension => 'jpg', has_original => 1, has_thumbnails => 0, has => 'small', values => []);

    exists $media->{$_} or $media->{$_} = $usual{$_} for keys %usual;
    return if !defined $media->{storage_id};
    utf8::encode($media->{storage_id}) if utf8::is_utf8($media->{storage_id}) || $media->{storage_id} =~ /[^\0-\x7f]/;
    $media->{path} = join '.', grep { defined } @$media{qw(storage_id extension)};
    return;
}

sub quoted {
    my ($text) = @_;
    return 'NULL' unless defined $text;
    return "'" . ($text =~ s/(['\\])/\\$1/gr) . "'";
}

sub _make_tables {
    my ($self) = @_;
    my $user = $self->{mariadb}{user};

    $self->{mariadb}->sql("CREATE DATABASE IF NOT EXISTS `$self->{database}`;"
            . "GRANT ALL ON `$self->{database}`.* TO '$user'\@'localhost';", 'mysql');
    $self->sql(join "\n", $TABLES, 'START TRANSACTION;', $self->_properties, $self->_items, $self->_media_rows, 'COMMIT;');
    return;
}

sub _properties {
    my $rows = sub { my ($vocabulary, $offset) = @_; map { '(' . ($PROPERTY{$_} + $offset) . ", $vocabulary, '$_', '$_')" } @TERMS };
    return 'INSERT INTO property (id, vocabulary_id, local_name, label) VALUES ' . join(', ', $rows->(1, 0), $rows->(2, 100)) . ';';
}

sub _items {
    my ($self) = @_;
    my %items = (%ITEMS, map { $_->{item_id} => $ITEMS{ $_->{item_id} } // 1 } values %{ $self->{media} });
    my @ids = sort { $a <=> $b } keys %items;
    return (
        _insert('resource (id, is_public, created, resource_type)', map { "($_, $items{$_}, NOW(), 'Omeka\\\\Entity\\\\Item')" } @ids),
        _insert('item (id)', map { "($_)" } @ids),
        map { _values($_, $ITEM_VALUES{$_}) } sort keys %ITEM_VALUES);
}

sub _media_rows {
    my ($self) = @_;
    my @media = sort { $a->{id} <=> $b->{id} } values %{ $self->{media} };
    return (
        _insert('resource (id, is_public, created, resource_type)',
            map { "($_->{id}, $_->{is_public}, NOW(), 'Omeka\\\\Entity\\\\Media')" } @media),
        _insert('media (id, item_id, ingester, renderer, media_type, storage_id, extension, sha256, has_original, has_thumbnails, position)',
            map { '(' . join(', ', $_->{id}, $_->{item_id}, map({ quoted($_) } $_->{ingester}, 'file', @$_{qw(media_type storage_id extension)},
                    sha256_hex($_->{id})), @$_{qw(has_original has_thumbnails)}, 1) . ')' } @media),
        map { _values($_->{id}, $_->{values}) } @media);
}

# [ TERM of dcterms, LITERAL, URI, IS_PUBLIC ] each
sub _values {
    my ($id, $values) = @_;
    return _insert('`value` (resource_id, property_id, type, value, uri, is_public)', map {
        my ($term, $text, $uri, $is_public) = @$_;
        "($id, $PROPERTY{$term}, '" . (defined $uri ? 'uri' : 'literal') . "', " . quoted($text) . ', ' . quoted($uri) . ', ' . ($is_public // 1) . ')'
    } @$values);
}

sub _insert {
    my ($what, @rows) = @_;
    return @rows ? "INSERT INTO $what VALUES " . join(",\n", @rows) . ';' : ();
}

# -- files --------------------------------------------------------------------------------------

sub _run { system(@_) == 0 or die "@_ failed\n"; return }

sub _spew {
    my ($path, $bytes) = @_;
    make_path(dirname($path));
    return IIIF::PrivateHttpd::spew($path, $bytes);
}

sub _make_files {
    my ($self) = @_;
    my $top = "$self->{directory}/files";
    my $scratch = File::Temp->newdir(TMPDIR => 1);

    make_path(map { "$top/$_" } qw(original large medium square tile));
    _spew("$scratch/large.ppm", ppm(@{ $self->{large} }[ 0, 1 ], coordinate_bytes(@{ $self->{large} })));
    _spew("$scratch/small.ppm", ppm(@SMALL[0, 1], coordinate_bytes(@SMALL)));
    $self->{scratch} = $scratch;
    $self->_make_original($_) for sort { $a->{id} <=> $b->{id} } values %{ $self->{media} };
    delete $self->{scratch};
    # outside files/original, where a storage id with ".." points
    _run('cp', "$top/original/" . $self->media('two')->{path}, "$top/large/upwards.jpg");
    return;
}

sub _make_original {
    my ($self, $media) = @_;
    my $path = defined $media->{has} ? "$self->{directory}/files/original/$media->{path}" : return;
    my $kind = "$media->{has}." . ($media->{extension} // 'jpg');

    make_path(dirname($path));
    my $file = $self->{made}{$kind} //= $self->_make_picture($kind);
    link $file, $path or die "$path: $!\n";
    $self->_make_tiles($media, $path) if $media->{tiles};
    $self->_make_thumbnails($media, $path) if $media->{has_thumbnails};
    return;
}

sub _make_picture {
    my ($self, $kind) = @_;
    my ($picture, $extension) = split /\./, $kind;
    my $path = "$self->{directory}/.made/$kind";
    my %options = (jpg => '[Q=95,subsample_mode=off]', tif => '');

    make_path(dirname($path));
    if ($extension eq 'mp3') { _spew($path, "ID3\x03\0\0\0\0\0\0" . "\0" x 5000) }
    elsif ($extension eq 'pdf') { _spew($path, pdf([ 160, 120, '0 0 1 rg 0 0 160 120 re f' ], [ 96, 48, '1 0 0 rg 0 0 96 48 re f' ])) }
    else { _run('vips', 'copy', "$self->{scratch}/$picture.ppm", "$path$options{$extension}") }
    my $then = time - $FILES_AGE;
    utime $then, $then, $path or die "$path: $!\n";
    return $path;
}

# As Image Server has vips make them
my %TILING = (
    deepzoom => sub { _run('vips', 'dzsave', $_[0], $_[1], '--layout', 'dz', '--suffix', '.jpg[Q=85]', '--overlap', 0, '--tile-size', 256,
        '--background', '0 0 0', '--properties') },
    zoomify => sub { _run('vips', 'dzsave', $_[0], "$_[1]_zdata", '--layout', 'zoomify', '--suffix', '.jpg[Q=85]', '--overlap', 0,
        '--tile-size', 256, '--background', '0 0 0', '--properties') },
    tiled_tiff => sub { _run('vips', 'autorot', $_[0],
        "$_[1].tif[compression=jpeg,Q=88,tile,tile-width=256,tile-height=256,pyramid,background=0 0 0]") },
    jpeg2000 => sub { _run('vips', 'autorot', $_[0], "$_[1].jp2") },
);

sub _make_tiles {
    my ($self, $media, $path) = @_;
    my $target = "$self->{directory}/files/tile/$media->{storage_id}";
    make_path(dirname($target));
    return $TILING{ $media->{tiles} }->($path, $target);
}

sub _make_thumbnails {
    my ($self, $media, $path) = @_;
    my %sides = (large => 800, medium => 400);
    for my $kind (sort keys %sides) {
        _run('vips', 'thumbnail', $path, "$self->{directory}/files/$kind/$media->{storage_id}.jpg", $sides{$kind}, '--height', $sides{$kind},
            '--size', 'down');
    }
    return _run('vips', 'thumbnail', $path, "$self->{directory}/files/square/$media->{storage_id}.jpg", 200, '--height', 200, '--crop', 'attention');
}

# -- programs -----------------------------------------------------------------------------------

my $SAYS_WHO = <<'PHP';
<?php
// Stands for WHO: says that it was asked, and what for.
header('X-Answered-By: WHO');
header('Content-Type: text/plain; charset=utf-8');
echo 'WHO ', $_SERVER['REQUEST_URI'], "\n";
PHP

sub _make_programs {
    my ($self) = @_;
    my $top = $self->{directory};
    my ($socket, $user, $pass) = ($self->{mariadb}->socket, @{ $self->{mariadb} }{qw(user pass)});

    _spew("$top/config/database.ini", <<"INI");
user        = "$user"
password    = "$pass"
dbname      = "$self->{database}"
host        = "localhost"
;port       = 3306
unix_socket = "$socket"
INI
    _spew("$top/.htaccess", $HTACCESS);
    _spew("$top/index.php", $SAYS_WHO =~ s/WHO/omeka/gr);
    _spew("$top/$FAST_SCRIPT", $SAYS_WHO =~ s/WHO/iiiftile/gr);
    return;
}

1;
