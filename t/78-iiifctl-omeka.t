# SPDX-License-Identifier: Apache-2.0
# iiifctl omeka, on a site of Omeka S with a real MariaDB: the lines for httpd.conf, tiles of all media and runs that are
# killed, what is noted in media.data while others edit it, what is stale, and two servers that are compared.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use utf8;
use Cwd qw(getcwd);
use Encode qw(decode_utf8 encode_utf8);
use File::Copy qw(copy);
use File::Path qw(make_path);
use IIIF::Client ();
use IIIF::Ctl qw(ctl start finish until_true litter);
use IIIF::FileWriter qw(with_exif_orientation);
use IIIF::MariaDb ();
use IIIF::Omeka ();
use IIIF::Pixels qw(coordinates crop difference);
use IIIF::PrivateHttpd qw(slurp spew);
use JSON::PP qw(decode_json);
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

my $URL  = 'https://example.org/omeka';
my $MANY = 250;    # media beside those of special kinds: more than one batch

my $scratch = $IIIF::Ctl::SCRATCH;
chmod 0755, $scratch or die "$scratch: $!\n";    # httpd's children may be somebody else

sub json_lines { return map { decode_json($_) } grep { /^\{.*\}$/ } split /\n/, $_[0] }

my $db   = IIIF::MariaDb->new;
my $omeka = IIIF::Omeka->new(mariadb => $db, directory => "$scratch/omeka-s", many => $MANY);
my $site  = $omeka->directory;
my $tiles = "$site/files/tile";

# Names of media that are images, with and without an original that can be read
my @images = grep { ($omeka->media($_)->{media_type} // '') =~ m{^image/} } sort keys %{ $omeka->{media} };
my @whole  = grep { defined $omeka->media($_)->{has} } @images;

sub data_of {
    my ($name) = @_;
    my ($hex) = $omeka->sql('SELECT HEX(data) FROM media WHERE id = ' . $omeka->id($name)) =~ /^(\S+)/;
    return $hex eq 'NULL' ? undef : decode_json(pack 'H*', $hex);
}

sub set_data {
    my ($name, $json) = @_;
    return $omeka->sql('UPDATE media SET data = ' . (defined $json ? IIIF::Omeka::quoted(encode_utf8($json)) : 'NULL') . ' WHERE id = ' . $omeka->id($name));
}

sub setting {
    my ($id, $json) = @_;
    return $omeka->sql("REPLACE INTO setting VALUES ('$id', " . IIIF::Omeka::quoted($json) . ')');
}

# -- words --------------------------------------------------------------------------------------

{
    my ($code, $out, $err) = ctl('omeka');
    is $code, 2, 'omeka alone is no verb';
    like $err, qr/^ +omeka tile .*^ +omeka compare /ms, '  and those that there are are told';
    ($code, $out) = ctl('omeka', '--help');
    is $code, 0, 'omeka --help';
    unlike $out, qr/^ +export /m, '  tells of no other verbs';
    is((ctl('omeka', 'nonsense', $site))[0], 2, 'others there are none');
    ($code, $out) = ctl('omeka', 'tile', '--help');
    like $out, qr/^usage: iiifctl omeka tile .*--from ID/ms, 'each has its help';
    is((ctl('omeka', 'config'))[0], 2, 'without a site, nothing is done');
    ($code, $out, $err) = ctl('omeka', 'config', "$scratch/nowhere");
    is $code, 1, 'a site that is not there';
    like $err, qr{nowhere/config/database\.ini: No such file}, '  is told by what is missing';
}

# -- config -------------------------------------------------------------------------------------

sub defines { return { $_[0] =~ /^Define (\w+) "(.*)"$/mg } }

{
    my ($code, $out) = ctl('omeka', 'config', $site);
    is $code, 0, 'config';
    my $defines = defines($out);
    is_deeply [ map { $defines->{$_} } qw(OMEKA_DIR OMEKA_BASE OMEKA_IDENTIFIER) ], [ $site, '/', 'media_id' ], '  tells the site';
    is_deeply { map { /^(\w+)=(.*)$/ } split /,/, $defines->{OMEKA_DATABASE} },
        { host => 'localhost', user => 'omeka', pass => 'secret', dbname => 'omeka', sock => $db->socket }, '  and its database, as DBDParams have it';
    like $out, qr{^Include \S+/omeka-s\.conf\n\z}m, '  to the file that comes with the module';


    setting(iiifserver_media_api_default_version => '"2"');
    setting(imageserver_info_rights              => '"property_or_url"');
    setting(imageserver_info_rights_uri          => '"http:\\/\\/rightsstatements.org\\/vocab\\/CNE\\/1.0\\/"');
    ($code, $out) = ctl('omeka', 'config', $site);
    my $httpd = IIIF::PrivateHttpd->new;
    $out =~ s{^Include \S+}{Include ${\ getcwd() }/conf.d/omeka-s.conf}m;
    $httpd->configure($httpd->load(qw(dbd socache_shmcb)) . "<Directory \"$site\">\nRequire all granted\nAllowOverride None\n</Directory>\n$out");
    $httpd->start;
    my $get = sub { local $IIIF::Client::PORT = $httpd->port; return IIIF::Client::get(@_) };
    my $info = decode_json($get->('/iiif/10/info.json')->content);
    is_deeply [ @$info{qw(@id width license)} ], [ $httpd->origin . '/iiif/10', 1000, 'http://rightsstatements.org/vocab/CNE/1.0/' ],
        'httpd serves the site by these lines, in the version and with the rights that it is set to';
    is $get->('/iiif/20/info.json')->code, 404, '  and what is public alone';
    $httpd->stop;

    $omeka->sql("INSERT INTO module VALUES ('CleanUrl', 1, '3.17')");
    setting(cleanurl_identifier_property => '172');
    setting(cleanurl_identifier_prefix   => '"ark:\\/12345\\/"');
    setting(imageserver_base_url         => '"https:\\/\\/example.org\\/omeka\\/"');
    ($code, $out) = ctl('omeka', 'config', $site, '--json');
    my ($told) = json_lines($out);
    is_deeply [ map { $told->{"OMEKA_$_"} } qw(BASE IDENTIFIER VOCABULARY PREFIX CASE) ], [ '/omeka', 'clean', 'other', 'ark:/12345/', undef ],
        'CleanUrl, its property by its number, and the base path of the site';
    is_deeply [ grep { /^iiifserver/ } @{ $told->{remarks} } ], ['iiifserver_media_api_default_version: "2", version of URLs without one'],
        '  and what is a comment for people';
    setting(cleanurl_identifier_prefix   => '"ark:\\nUser root"');
    setting(cleanurl_identifier_property => q("other:a' OR 'a"));
    setting(imageserver_base_url         => '"https:\\/\\/example.org\\/a\\nUser root"');
    ($code, $out, my $left) = ctl('omeka', 'config', $site);
    is_deeply [ sort keys %{ defines($out) } ], [qw(OMEKA_DATABASE OMEKA_DIR OMEKA_IDENTIFIER)],
        'settings with more than one line, or quotes, are left out';
    unlike $out, qr/^User/m, '  and write no directives';
    like $left, qr/OMEKA_$_ is left out/, "  which is told of $_" for qw(BASE PREFIX);
    like $left, qr/property has a character that SQL/, '  and of what would end a text of SQL';
    setting(imageserver_base_url => '"https:\\/\\/example.org\\/omeka\\/"');
    $omeka->sql('UPDATE module SET is_active = 0');
    setting(iiifserver_media_api_identifier => '"filename_image"');
    is +(json_lines((ctl('omeka', 'config', $site, '--json'))[1]))[0]{OMEKA_IDENTIFIER}, 'filename', 'another way of naming media';
    setting(imageserver_image_tile_dir => '"zoom"');
    is defines((ctl('omeka', 'config', $site))[1])->{OMEKA_TILES}, "$site/files/zoom", 'another directory of tiles is told';
    is defines((ctl('omeka', 'config', $site))[1])->{OMEKA_FILES}, undef, '  that of files is the usual one';
    mkdir "$scratch/store" or die "no store: $!\n";
    is_deeply [ @{ defines((ctl('omeka', 'config', $site, '--files', "$scratch/store"))[1]) }{qw(OMEKA_FILES OMEKA_TILES)} ],
        [ "$scratch/store", "$scratch/store/zoom" ], '  or not';
    is defines((ctl('omeka', 'config', $site, '--base', "/my om\xc3\xa9ka/"))[1])->{OMEKA_BASE}, '/my%20om%C3%A9ka', 'a base path as httpd compares it';
    for my $uri ('http', 'http:\\/\\/x\\/>', 'https:\\/\\/x y', 'ftp:\\/\\/x') {
        setting(imageserver_info_rights_uri => qq("$uri"));
        my (undef, $said) = ctl('omeka', 'config', $site);
        unlike $said, qr/^\s*IIIFRights/m, "$uri is no licence for httpd";
        like $said, qr/^# imageserver_info_rights_uri.*no IIIFRights$/m, '  which is a comment';
    }
    setting(imageserver_info_rights_uri => '"http:\\/\\/rightsstatements.org\\/vocab\\/CNE\\/1.0\\/"');
    setting(imageserver_image_tile_dir => '"../../etc"');
    is((ctl('omeka', 'config', $site))[0], 1, 'one outside is refused');
    setting(imageserver_image_tile_dir => '"tile"');

    my $ini = slurp("$site/config/database.ini");
    for my $pass ('se,cr', 'se cr', 'se;cr', 'se|cr') {
        spew("$site/config/database.ini", $ini =~ s/"secret"/"$pass"/r);
        my (undef, undef, $err) = ctl('omeka', 'config', $site);
        like $err, qr/no parameter of apr_dbd_mysql can hold .* as password has: .*my\.cnf/, "'$pass' is no password for DBDParams";
        unlike $err, qr/\Q$pass\E/, '  and is not told';
    }
    spew("$site/config/database.ini", $ini =~ s/"secret"/"wrong"/r);
    ($code, undef, my $err) = ctl('omeka', 'config', $site);
    is $code, 1, 'a wrong password';
    like $err, qr/cannot be reached: Access denied/, '  is what the database says it is';
    spew("$site/config/database.ini", $ini);
}

# -- tile ---------------------------------------------------------------------------------------

sub made_of { my (%count) = map { $_->{status} => 0 } @_; $count{ $_->{status} }++ for @_; return \%count }

# Killed again and again, until one run comes to its end
{
    my ($kills, $last, %made) = (0);
    while (!defined $last) {
        my $run = start('omeka', 'tile', $site, '--json', '--jobs', 2);
        my $enough = 12 + 25 * $kills;
        my $ended;
        until_true(sub { $ended = waitpid($run->{pid}, POSIX::WNOHANG()); $ended || (() = slurp($run->{out}) =~ /"made"/g) >= $enough }, 'some tiles are made');
        if (!$ended) { kill 'KILL', $run->{pid}; waitpid $run->{pid}, 0; ++$kills }
        $last = slurp($run->{out}) if $ended;
        $made{ $_->{source} } .= 'x' for grep { ($_->{status} // '') eq 'made' } json_lines(slurp($run->{out}));
        die "nothing is made any more\n" if $kills > 50;
    }
    cmp_ok $kills, '>=', 3, 'runs are killed';
    is_deeply [ grep { $made{$_} ne 'x' } sort keys %made ], [], '  and none makes again what another has told of';
    my ($sum) = grep { exists $_->{current} } json_lines($last);
    my $already = grep { ($omeka->media($_)->{tiles} // '') eq 'deepzoom' } @whole;
    is $sum->{made} + $sum->{current}, @whole, 'the last one comes to all media with an image';
    is $sum->{failed}, 2, '  but two, ';
    my %reasons = map { $_->{source} => $_->{reason} } grep { ($_->{status} // '') eq 'failed' } json_lines($last);
    ok defined $reasons{ 'media ' . $omeka->id('upwards') }, 'whose name leads out of the directory';
    ok defined $reasons{ $omeka->original('missing') }, '  or whose original is missing';
    cmp_ok scalar keys %made, '<=', @whole - $already, '  and what Omeka had tiled is left alone';
    is_deeply [ litter($tiles) ], [], 'nothing is left of the killed';
    is_deeply [ grep { !-e $omeka->tiles($_) . '.dzi' || !-d $omeka->tiles($_) . '_files' } @whole ], [], 'all lie where Image Server would have put them';
    ok !-e "$site/files/large/upwards.dzi", '  and none elsewhere';
    my ($code, $out) = ctl('check', $tiles, '--source', "$site/files/original");
    is $code, 0, 'every tile is there and decodes' or diag $out;
}

# Pixels, of one with blanks, slashes and letters beyond ASCII: the last level is one tile of the small picture
{
    my $path = $omeka->tiles('slashes') . '_files/8/0_0.jpg';
    my $picture = IIIF::Pixels::_picture_of(do { my $image = Image::Magick->new; $image->Read($path); $image });
    my ($mean) = difference($picture, coordinates(@{ $omeka->small }));
    is "$picture->{width}x$picture->{height}", '160x120', 'a tile under a name with slashes, blanks and accents';
    cmp_ok $mean, '<', 6, '  shows the picture';
}

{
    my @some = ('--where', 'm.id IN (2, 20) OR m.storage_id LIKE \'%.final\'');
    for my $format (qw(zoomify tiff jp2)) {
        my ($code, $out) = ctl('omeka', 'tile', $site, '--json', '--format', $format, @some);
        my ($sum) = grep { exists $_->{current} } json_lines($out);
        is_deeply [ $code, @$sum{qw(made current failed)} ], [ 0, 3, 0, 0 ], "$format, of some media alone" or diag $out;
    }
    ok -e $omeka->tiles('two') . $_, "  $_" for qw(_zdata/ImageProperties.xml .tif .jp2);
    ok -e $omeka->tiles('dotted') . '.tif', 'a dot in a storage id is no extension';
    my ($code, $out) = ctl('check', $tiles, '--source', "$site/files/original");
    is $code, 0, 'all of these are whole' or diag $out;
    setting(imageserver_image_tile_type => '"tiled_tiff"');
    ($code, $out) = ctl('omeka', 'tile', $site, '--json', '--from', $omeka->id('many248'));
    my @told = grep { $_->{source} } json_lines($out);
    is_deeply [ sort map { $_->{target} } @told ], [ sort map { $omeka->tiles("many$_") . '.tif' } 248 .. $MANY ], 'Omeka\'s own setting of a format, from one media on';
    unlink map { $_->{target} } @told;
    setting(imageserver_image_tile_type => '"deepzoom"');
    is((ctl('omeka', 'tile', $site, '--format', 'iiif3'))[0], 2, 'a format that Omeka does not know');
    $omeka->sql("INSERT INTO resource (id, is_public, created, resource_type) SELECT id + 90000, 1, NOW(), '' FROM media WHERE id IN (2, 3);"
            . 'INSERT INTO media (id, item_id, ingester, renderer, media_type, storage_id, extension, has_original, has_thumbnails)'
            . " VALUES (90002, 1, '', '', 'image/jpeg', 'by/content', 'jfif', 1, 0), (90003, 1, '', '', 'image/svg+xml', 'drawing', 'svg', 1, 0);");
    make_path("$site/files/original/by");
    copy($omeka->original('two'), "$site/files/original/by/content.jfif");
    spew("$site/files/original/drawing.svg", '<svg xmlns="http://www.w3.org/2000/svg"/>');
    ($code, $out) = ctl('omeka', 'tile', $site, '--where', 'm.id > 90000');
    is $code, 0, 'an extension that is of no format';
    like $out, qr{^made .*/by/content\.jfif$}m, '  is tiled, as httpd serves it';
    like $out, qr/^1 of formats that are not tiled were passed over$/m, '  and SVG is passed over';
    $omeka->sql("DELETE FROM $_ WHERE id > 90000;") for qw(media resource);
    unlink "$site/files/original/drawing.svg", "$site/files/original/by/content.jfif";
    ctl('omeka', 'stale', $site, '--remove');
    $omeka->sql("UPDATE media SET extension = '' WHERE id = " . $omeka->id('plain'));
    ($code, $out) = ctl('omeka', 'tile', $site, '--json', '--where', 'm.id = ' . $omeka->id('plain'));
    is_deeply [ $code, map { $_->{current} // () } json_lines($out) ], [ 0, 1 ], 'an empty extension is none' or diag $out;
    $omeka->sql('UPDATE media SET extension = NULL WHERE id = ' . $omeka->id('plain'));
    ($code, $out, my $err) = ctl('omeka', 'tile', $site, '--where', 'nonsense = 1');
    is $code, 1, 'SQL that is wrong';
    like $err, qr/the database says: .*nonsense/, '  is told by the database';
}

# Ctrl-C while the second batch is at work; a run that is done before it comes is none
{
    my ($code, $out, $err);
    for (1 .. 10) {
        my $run = start('omeka', 'tile', $site, '--json', '--force', '--jobs', 1);
        until_true(sub { (() = slurp($run->{out}) =~ /"made"/g) >= 205 }, 'the second batch is at work');
        kill 'INT', $run->{pid};
        ($code, $out, $err) = finish($run);
        last if $code;
    }
    is $code, 130, 'Ctrl-C ends a run';
    my ($from) = $err =~ /--from (\d+) goes on/;
    my %told = map { $_->{source} => 1 } grep { $_->{source} } json_lines($out);
    my @left = grep { !$told{ $omeka->original($_) } } @whole;
    cmp_ok scalar(@left), '>', 0, '  before all is done';
    is_deeply [ grep { $omeka->id($_) < $from } @left ], [], '  which tells where to go on';
    cmp_ok $from, '>=', 1, '  in a number';
    is_deeply [ litter($tiles) ], [], '  and leaves nothing';
}

# -- data ---------------------------------------------------------------------------------------

sub entry {
    my ($name, $type, %members) = @_;
    my $id = decode_utf8($omeka->media($name)->{storage_id});
    my $large = ($omeka->media($name)->{has} // '') eq 'large';
    my ($width, $height) = @{ $large ? $omeka->large : $omeka->small };
    return { tile_type => $type, metadata_path => undef, url_base => "$URL/files/tile", path_base => $tiles, url_query => '', size => 256,
        overlap => 0, total => undef, source => { width => $width, height => $height }, format => 'jpg',
        map { $_ => ref $members{$_} ? $id . ${ $members{$_} } : $members{$_} } keys %members };
}

{
    set_data(two => '{"kept":{"list":[],"text":"Ĉu \\"tio\\"?"},"tile":{"tiled_tiff":{"size":1},"deepzoom":{"size":1}},"last":null}');
    set_data(three   => '[]');
    set_data(plain   => '{"broken": ');
    set_data(missing => '{"tile":{"deepzoom":{"size":256}}}');
    my ($code, $out, $err) = ctl('omeka', 'data', $site, '--dry-run');
    is $code, 1, 'data that is no JSON';
    like $err, qr/media 31: its data is no JSON/, '  is told of';
    is_deeply data_of('three'), [], 'a dry run writes nothing';
    ($code, $out) = ctl('omeka', 'data', $site, '--json');
    my ($sum) = grep { exists $_->{current} } json_lines($out);
    is_deeply [ $code, $sum->{failed} ], [ 1, 1 ], 'all but that is written';
    like $omeka->sql('SELECT data FROM media WHERE id = 31'), qr/^\{"broken":/, '  and that stays as it was';

    my $two = data_of('two');
    is_deeply $two->{kept}, { list => [], text => 'Ĉu "tio"?' }, 'what is not ours is kept';
    ok exists $two->{last} && !defined $two->{last}, '  of any kind';
    is_deeply $two->{tile}, {
        deepzoom => entry('two', 'deepzoom', metadata_path => \'.dzi', media_path => \'_files'),
        zoomify => entry('two', 'zoomify', metadata_path => \'_zdata/ImageProperties.xml', media_path => \'_zdata', total => 1),
        tiled_tiff => entry('two', 'tiled_tiff', media_path => \'.tif', format => 'tif'),
        jpeg2000 => entry('two', 'jpeg2000', media_path => \'.jp2', format => 'jp2'),
    }, 'tiles of all layouts, as Image Server notes them';
    is_deeply $two->{dimensions}, { original => { width => 160, height => 120 } }, 'and the size of the original';
    like $omeka->sql('SELECT data FROM media WHERE id = 2'), qr/"tile":\{"(?:zoomify|jpeg2000)".*"tiled_tiff".*"deepzoom"/,
        'types that are new come first, the others keep their order';
    is_deeply data_of('slashes')->{tile}, { deepzoom => entry('slashes', 'deepzoom', metadata_path => \'.dzi', media_path => \'_files') },
        'a name beyond ASCII';
    is_deeply data_of('zoomify')->{tile}{zoomify}{total}, 17, 'the number of tiles of Zoomify';
    is_deeply data_of('thumbnails')->{dimensions}, { original => { width => 1000, height => 750 }, large => { width => 800, height => 600 },
        medium => { width => 400, height => 300 }, square => { width => 200, height => 200 } }, 'sizes of thumbnails';
    is_deeply data_of('missing'), {}, 'an entry without files goes';
    is data_of('audio'), undef, 'what is no image has no data';

    set_data(plain => undef);
    ctl('omeka', 'data', $site);
    $db->statements;
    ($code, $out) = ctl('omeka', 'data', $site);
    is $code, 0, 'data that is current';
    is scalar(grep { /^UPDATE/ } $db->statements), 0, '  is not written again';
    ($code, $out) = ctl('omeka', 'data', $site, '--base-url', 'https://new.example.org/', '--where', 'm.id = 2');
    is data_of('two')->{tile}{deepzoom}{url_base}, 'https://new.example.org/files/tile', 'a site that has moved';
    like $out, qr/^1 written, 0 current, 0 failed$/m, '  of one media alone';
    ctl('omeka', 'data', $site);
}

# Somebody else writes the row between our reading and our writing; to the database's collation it is the same text
{
    set_data(deepzoom => '{"word":"ete"}');
    open my $editor, '|-', 'mariadb --defaults-file=' . $db->directory . "/my.cnf omeka >$scratch/editor 2>&1" or die "mariadb: $!\n";
    binmode $editor, ':utf8';
    $editor->autoflush;
    print $editor "BEGIN;\nUPDATE media SET data = '{\"word\":\"Été\"}' WHERE id = " . $omeka->id('deepzoom') . ";\n";
    print $editor "\\! touch $scratch/edited\n";
    until_true(sub { -e "$scratch/edited" }, 'somebody edits');
    $db->statements;
    my $run = start('omeka', 'data', $site);
    my @written;
    until_true(sub { push @written, grep { /^UPDATE media/ } $db->statements; @written }, 'iiifctl wants to write');
    print $editor "COMMIT;\n";
    close $editor or die slurp("$scratch/editor");
    my ($code, $out) = finish($run);
    is $code, 0, 'an edit meanwhile';
    is data_of('deepzoom')->{word}, 'Été', '  is not lost';
    is data_of('deepzoom')->{tile}{deepzoom}{size}, 256, '  nor is ours';
}

# -- stale --------------------------------------------------------------------------------------

sub found { return { map { ($_->{path} => $_->{status}) } grep { $_->{path} } json_lines($_[0]) } }

{
    my ($code, $out) = ctl('omeka', 'stale', $site, '--json');
    is $code, 0, 'a site that is in order' or diag $out;

    my ($now, $id) = (time + 5, $omeka->media('two')->{storage_id});
    system('cp', '-r', "$tiles/${id}_files", "$tiles/gone_files");
    copy("$tiles/$id.dzi", "$tiles/gone.dzi");
    make_path("$tiles/cache/2/full");
    copy("$tiles/$id.tif", $_) for "$tiles/cache/2/full/max.tif", "$tiles/a b ĉ.tif";
    # of another size: tiles of the large picture, for the small one
    copy($omeka->tiles('tiled_tiff') . '.tif', $omeka->tiles('many1') . '.tif');
    # an original that is newer; each has a file of its own from now on
    copy($omeka->original('many2'), "$scratch/new.jpg");
    unlink $omeka->original('many2');
    copy("$scratch/new.jpg", $omeka->original('many2'));
    utime $now, $now, $omeka->original('many2');
    unlink $omeka->original('many3');
    set_data(many4 => undef);
    unlink $omeka->tiles('many5') . '.dzi';
    copy($omeka->original('two'), "$tiles/loose.tif");
    my %want = ("$tiles/gone.dzi" => 'orphaned', encode_utf8("$tiles/a b ĉ.tif") => 'orphaned', $omeka->tiles('many1') . '.tif' => 'resized',
        $omeka->tiles('many2') . '.dzi' => 'stale', $omeka->tiles('many3') . '.dzi' => 'alone', $omeka->tiles('many4') . '.dzi' => 'unnoted',
        $omeka->media('many5')->{path} => 'dead', "$tiles/loose.tif" => 'damaged');
    ($code, $out) = ctl('omeka', 'stale', $site, '--json');
    is $code, 1, 'one that is not';
    my $found = found($out);
    is_deeply { map { utf8::is_utf8($_) ? (encode_utf8($_) => $found->{$_}) : ($_ => $found->{$_}) } keys %$found }, \%want,
        '  is told by each file and entry, and the cache of the fast script is left out';
    is_deeply [ grep { !-e } map { m{^/} ? $_ : () } keys %want ], [], '  and nothing is removed';

    rename $tiles, "$scratch/elsewhere" or die $!;
    symlink "$scratch/elsewhere", $tiles or die $!;
    is_deeply found((ctl('omeka', 'stale', $site, '--json'))[1]), $found, '  also where files/tile is a link';
    unlink $tiles;
    rename "$scratch/elsewhere", $tiles or die $!;
    mkdir "$tiles/closed", 0 or die $!;
    ($code, $out, my $closed) = ctl('omeka', 'stale', $site);
    is $code, 1, '  and where there is a directory that cannot be read';
    like $closed, qr{^iiifctl omeka stale: \Q$tiles\E/closed: Permission denied$}m, '  which is told';
    rmdir "$tiles/closed" or die $!;

    $db->sql('CREATE DATABASE empty; GRANT ALL ON empty.* TO omeka@localhost; CREATE TABLE empty.media LIKE omeka.media;'
            . 'CREATE TABLE empty.resource LIKE omeka.resource; CREATE TABLE empty.setting LIKE omeka.setting;', 'mysql');
    ($code, $out, my $err) = ctl('omeka', 'stale', $site, '--remove', '--params', $db->params =~ s/dbname=omeka/dbname=empty/r);
    is $code, 1, 'a database without media';
    like $err, qr/no image in that database/, '  is another one';
    is_deeply [ grep { !-e } map { m{^/} ? $_ : () } keys %want ], [], '  and removes nothing';

    ($code, $out) = ctl('omeka', 'stale', $site, '--remove', '--json');
    is_deeply [ sort map { $_->{status} } grep { $_->{path} && $_->{removed} } json_lines($out) ],
        [qw(dead dead orphaned orphaned resized stale)], 'what nobody uses goes, and the entry of what has gone';
    is_deeply [ grep { -e } "$tiles/gone.dzi", "$tiles/gone_files", encode_utf8("$tiles/a b ĉ.tif"), $omeka->tiles('many1') . '.tif',
        $omeka->tiles('many2') . '.dzi', $omeka->tiles('many2') . '_files' ], [], '  all of it';
    is_deeply [ grep { !-e } "$tiles/loose.tif", "$tiles/cache/2/full/max.tif", $omeka->tiles('many1') . '.dzi', $omeka->tiles('many3') . '.dzi' ], [],
        '  and nothing else';
    ok !exists data_of('many5')->{tile}, 'the note of tiles that are gone is gone';
    is data_of('many5')->{dimensions}{original}{width}, 160, '  and that alone';
    unlink "$tiles/loose.tif";
    copy("$scratch/new.jpg", $omeka->original('many3'));
    ctl('omeka', 'tile', $site);
    ctl('omeka', 'data', $site);
    utime 1, 1, $omeka->original('many3');
    is((ctl('omeka', 'stale', $site))[0], 0, 'tiles and notes that are made anew are in order');

    # an original that is upside down; its tiles are as they were
    my $original = $omeka->original('many3');
    spew($original, with_exif_orientation(slurp($original), 3));
    utime 1, 1, $original;
    ($code, $out) = ctl('omeka', 'stale', $site, '--json');
    is_deeply [ $code, found($out) ], [ 1, { $omeka->tiles('many3') . '.dzi' => 'turned' } ], 'tiles that were not turned are told';
    like((ctl('omeka', 'tile', $site))[1], qr/^1 made, /m, '  and are made anew');
    is((ctl('omeka', 'stale', $site))[0], 0, '  as they should be');
    like((ctl('omeka', 'tile', $site))[1], qr/^0 made, /m, '  once');
}

# -- compare ------------------------------------------------------------------------------------

sub server {
    my ($images, $conf) = @_;
    my $httpd = IIIF::PrivateHttpd->new;
    $httpd->configure("IIIFImageRoot /iiif $images\n<Directory $images>\nRequire all granted\n</Directory>\n<Location /iiif>\n$conf</Location>\n");
    $httpd->start;
    return $httpd;
}

{
    my $images = "$scratch/by-number";
    make_path($images);
    for my $name (@whole) {
        my $media = $omeka->media($name);
        link $omeka->original($name), "$images/$media->{id}." . ($media->{extension} // 'jpg') or die "$name: $!\n";
    }
    my @servers = map { server($images, $_) } '', '', "IIIFMaxWidth 150\nIIIFBackground #000000\n", "IIIFQuality jpg 3\n";
    my ($old, $same, $small, $coarse) = map { $_->origin . '/iiif' } @servers;

    setting(iiifserver_media_api_identifier => '"media_id"');
    my ($code, $out) = ctl('omeka', 'compare', $site, '--base-old', $old, '--base-new', "$same/", '--sample', 5, '--all', '--json');
    my ($sum) = grep { exists $_->{asked} } json_lines($out);
    is_deeply [ $code, $sum->{asked}, $sum->{differing} ], [ 0, 5 * 9, 0 ], 'two servers that are alike' or diag $out;
    my @told = grep { $_->{request} } json_lines($out);
    is_deeply [ grep { $_->{status} ne 'alike' || $_->{noted} } @told ], [], '  in all that was asked';
    my %sampled = map { m{^(\d+)$} ? ($1 => 1) : () } map { $_->{request} } @told;
    is scalar(keys %sampled), 5, '  of five media';
    my ($bare) = grep { $_->{request} =~ /^\d+$/ } @told;
    is_deeply [ @{ $bare->{old} }{qw(status redirects)} ], [ 200, 1 ], 'redirects are followed';
    my (undef, $again) = ctl('omeka', 'compare', $site, '--base-old', $old, '--base-new', $same, '--sample', 5, '--all', '--json');
    is_deeply [ map { $_->{request} } grep { $_->{request} } json_lines($again) ], [ map { $_->{request} } @told ], 'the sample is the same each time';

    spew("$scratch/ids", join '', map { $omeka->id($_) . "\n" } qw(deepzoom tiled_tiff));
    ($code, $out) = ctl('omeka', 'compare', '--ids', "$scratch/ids", '--base-old', $old, '--base-new', $small, '--json');
    is $code, 1, 'one that sends less';
    my %differ = map { $_->{request} => $_ } grep { $_->{request} } json_lines($out);
    my $deepzoom = $omeka->id('deepzoom');
    like $differ{"3/$deepzoom/full/max/0/default.jpg"}{reason}, qr/^1000x750 pixels, 150x1\d\d$/, '  smaller pictures';
    like $differ{"3/$deepzoom/full/!200,200/0/default.jpg"}{reason}, qr/^status 200, 400$|^200x150 pixels, 150x/, '  or none';
    is $differ{"3/$deepzoom/info.json"}{status}, 'alike', '  an info.json that differs in nothing that is computed with';
    like $differ{"3/$deepzoom/info.json"}{noted}, qr/~maxWidth\b/, '  but in what is noted';

    ($code, $out) = ctl('omeka', 'compare', '--ids', "$scratch/ids", '--base-old', $old, '--base-new', $coarse, '--psnr', 30, '--json');
    %differ = map { $_->{request} => $_ } grep { $_->{request} } json_lines($out);
    is $code, 1, 'one that is coarse';
    my $coarse_one = $differ{"3/$deepzoom/full/!200,200/0/default.jpg"};
    like $coarse_one->{reason}, qr/^pixels: [\d.]+ dB/, '  by its pixels';
    cmp_ok $coarse_one->{psnr}, '<', 30, '  which are far apart,';
    cmp_ok $coarse_one->{mean}, '>', 1, '  on average, too';
    ok !exists $differ{"3/$deepzoom/info.json"}, '  and its info.json is alike';

    spew("$scratch/requests", "3/$deepzoom/full/!100,100/0/default.jpg\n3/nothing/info.json\n\n");
    ($code, $out) = ctl('omeka', 'compare', '--requests', "$scratch/requests", '--base-old', $old, '--base-new', $coarse, '--psnr', 1, '--all');
    is $code, 0, 'requests of one\'s own, within a bound of one\'s own' or diag $out;
    like $out, qr{^alike +404 404 .* 3/nothing/info\.json$}m, '  what both refuse is alike';
    like $out, qr/^2 asked, 0 differ; median [\d.]+ ms, now [\d.]+ ms$/m, '  and the sum is told';

    # by the site's setting, other names of one media; a server of files knows these, the one of numbers does not
    my $two = $omeka->media('two');
    make_path("$scratch/by-name");
    link $omeka->original('two'), "$scratch/by-name/$two->{path}" or die "two: $!\n";
    my $originals = server("$scratch/by-name", '');
    my $named = $originals->origin . '/iiif';
    for my $row ([ storage_id => $two->{storage_id} ], [ filename => $two->{path} ], [ filename_image => $two->{path} ]) {
        my ($mode, $name) = @$row;
        my @of_two = ($site, '--where', 'm.id = 2', '--all', '--json');
        setting(iiifserver_media_api_identifier => qq("$mode"));
        ($code, $out) = ctl('omeka', 'compare', @of_two, '--base-old', $named, '--base-new', $named);
        my ($bare) = map { $_->{request} // () } json_lines($out);
        is_deeply [ $code, $bare ], [ 0, $name ], "identifiers by the setting $mode" or diag $out;
        ($code, $out, my $err) = ctl('omeka', 'compare', @of_two, '--base-old', $old, '--base-new', $same);
        is_deeply [ $code, map { $_->{differing} // () } json_lines($out) ], [ 1, 0 ], '  where both know none of them, nothing is shown';
        like $err, qr/to no request have both servers sent an image/, '  as is told';
    }
    setting(iiifserver_media_api_identifier => '"media_id"');
    $originals->stop;

    $servers[1]->stop;
    ($code, $out) = ctl('omeka', 'compare', '--requests', "$scratch/requests", '--base-old', $old, '--base-new', $same);
    is $code, 1, 'a server that is away';
    like $out, qr/^DIFFERS .*status 200, Couldn't connect/m, '  is told of';
    is((ctl('omeka', 'compare', $site, '--base-old', $old))[0], 2, 'one server alone cannot be compared');
}

# -- another database ---------------------------------------------------------------------------

{
    my $file = "$scratch/omeka.sqlite";
    spew("$scratch/tables.sql", "CREATE TABLE resource (id INTEGER PRIMARY KEY, is_public INT);\n"
            . "CREATE TABLE media (id INTEGER PRIMARY KEY, storage_id TEXT, extension TEXT, media_type TEXT, has_original INT, data TEXT);\n"
            . "CREATE TABLE setting (id TEXT PRIMARY KEY, value TEXT);\n"
            . "INSERT INTO resource VALUES (7, 1); INSERT INTO media VALUES (7, 'seven', 'jpg', 'image/jpeg', 1, '{\"a\":1}');\n");
    is system("sqlite3 $file <$scratch/tables.sql"), 0, 'sqlite3';
    make_path("$scratch/files/original");
    copy($omeka->original('two'), "$scratch/files/original/seven.jpg");
    my @there = ("$scratch", '--driver', 'sqlite3', '--params', $file);
    is((ctl('omeka', $_->[0], @there, @$_[ 1 .. $#$_ ]))[0], 0, "  $_->[0]") for [ 'tile', '--format', 'zoomify' ], [ 'data', '--base-url', $URL ], ['stale'];
    ok -e "$scratch/files/tile/seven_zdata/ImageProperties.xml", '  tiles are made';
    like `sqlite3 $file 'SELECT data FROM media'`, qr/^\{"a":1,"tile":\{"zoomify":/, '  and noted';
}

done_testing;
