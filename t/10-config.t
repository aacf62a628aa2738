# SPDX-License-Identifier: Apache-2.0
# Directives: what is refused, and in which words; the shipped configuration; life without mod_headers.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use HTTP::Tiny ();
use IIIF::PrivateHttpd ();

my $httpd = IIIF::PrivateHttpd->new;

sub config_test {
    my ($text) = @_;
    $httpd->configure($text);
    my ($status, $said) = $httpd->run('-t');
    return $status ? "refused: $said" : 'accepted';
}

# -- refused: the message names directive, value and range
my $SIDE  = qr/is not a number from 0 to 2147483647/;
my $AREA  = qr/is not a number from 0 to 1000000000000/;
my $URI   = qr/is not an http or https URI/;
my $INSIDE = qr/inside a section it takes one directory, and the section is a <Location>/;
my @REFUSED = (
    # directive            value                    complaint, behind "DIRECTIVE: "
    [ IIIFImageRoot       => '/x',                   qr/takes a URL path and a directory/ ],
    [ IIIFImageRoot       => 'x /srv',               qr/'x' is not a URL path: it starts with no slash/ ],
    [ IIIFVersions        => '4',                    qr/'4' is not a number from 2 to 3/ ],
    [ IIIFVersions        => '2.1',                  qr/'2\.1' is not a number from 2 to 3/ ],
    [ IIIFVersions        => '3 1',                  qr/'1' is not a number from 2 to 3/ ],
    [ IIIFVersions        => '3 3',                  qr/version 3 is named twice/ ],
    [ IIIFFallback        => 'maybe',                qr/'maybe' is not one of decline notfound/ ],
    [ IIIFResolver        => 'crystal-ball',         qr/'crystal-ball' is not one of filesystem/ ],
    [ IIIFSourceFormats   => 'jpeg bmp',             qr/'bmp' is not one of jpeg png tiff jp2 webp gif heif avif jxl pdf svg/ ],
    [ IIIFSourceFormats   => '',                     qr/takes one format or more/ ],
    ( map { [ $_ => '-1', qr/'-1' $SIDE/ ], [ $_ => '12abc', qr/'12abc' $SIDE/ ], [ $_ => '1.5', qr/'1\.5' $SIDE/ ],
        [ $_ => '2147483648', qr/'2147483648' $SIDE/ ], [ $_ => '9' x 20, qr/'9{20}' $SIDE/ ] }
        qw(IIIFMaxWidth IIIFMaxHeight) ),
    ( map { [ $_ => '-1', qr/'-1' $AREA/ ], [ $_ => '1e6', qr/'1e6' $AREA/ ], [ $_ => '1000000000001', qr/'1000000000001' $AREA/ ] }
        qw(IIIFMaxArea IIIFMaxSourcePixels) ),
    ( map { [ IIIFUpscale => $_, qr/'$_' is not a number from 2 to 100/ ] } qw(maybe 1 0 101 2x) ),
    ( map { [ IIIFTileSize => $_, qr/'$_' is not a number from 64 to 4096/ ] } qw(0 63 4097 big) ),
    ( map { [ IIIFQuality => "jpg $_", qr/'$_' is not a number from 1 to 100/ ] } qw(0 101 high -5) ),
    [ IIIFQuality         => 'png 5',                qr/'png' is not one of jpg webp jp2 pdf avif jxl/ ],
    ( map { [ IIIFEffort => "png $_", qr/'$_' is not a number from 0 to 9/ ] } qw(10 -1 high) ),
    [ IIIFEffort           => 'gif 0',                qr/'0' is not a number from 1 to 10/ ],
    [ IIIFEffort           => 'jpg 5',                qr/'jpg' is not one of png gif webp avif jxl/ ],
    [ IIIFMetadata         => 'all',                  qr/'all' is not one of strip keep/ ],
    ( map { [ IIIFBackground => $_, qr/'$_' is not a colour like #ffffff/ ] } 'white', '#fff', '#gggggg', '#fffffff', '0xfffff' ),
    [ IIIFSquareCrop      => 'left',                 qr/'left' is not one of centre low high entropy attention/ ],
    ( map { [ $_ => 'javascript:alert(1)', qr/'javascript:alert\(1\)' $URI/ ] } qw(IIIFRights IIIFLogo IIIFBaseURL) ),
    ( map { [ $_ => 'example.org x', qr/'example\.org' $URI/ ] } qw(IIIFPartOf IIIFSeeAlso IIIFService) ),
    [ IIIFSeeAlso         => 'https://example.org/', qr/takes uri type \[format \[label \[profile\]\]\]/ ],
    [ IIIFBaseURL         => 'https://example.org/?', qr/'.*' is not an http or https URI without query/ ],
    [ IIIFInfo            => 'nowhere.json',         qr/cannot read '.*nowhere\.json': No such file/ ],
    [ IIIFInfo            => 'array.json',           qr/'.*array\.json' is not one JSON object/ ],
    [ IIIFInfo            => 'broken.json',          qr/'.*broken\.json' is not one JSON object/ ],
    [ IIIFInfo            => 'trailing.json',        qr/'.*trailing\.json' is not one JSON object/ ],
    [ IIIFInfo            => 'empty.json',           qr/'.*empty\.json' is not one JSON object/ ],
    [ IIIFInfo            => 'large.json',           qr/cannot read '.*large\.json': it is over 1 MiB/ ],
    ( map { [ IIIFSourceIndex => $_, qr/'$_' is not a number from 0 to 65536/ ] } qw(-1 65537 64M 1.5), '9' x 20 ),
    ( map { [ IIIFTrustedProxy => $_, qr/'$_' is not an IP address or address\/mask/ ] }
        qw(proxy.example.org 10.0.0.0/33 300.1.1.1 10.0.0.1/x) ),
);
my %DOCUMENTS = (
    array => '[]', broken => '{ "a": }', trailing => '{} x', empty => '', large => '{"a":"' . 'x' x (1024 * 1024) . '"}',
        good => '{ "a": 1 }',
);
IIIF::PrivateHttpd::spew($httpd->directory . "/$_.json", $DOCUMENTS{$_}) for sort keys %DOCUMENTS;

for my $row (@REFUSED) {
    my ($directive, $value, $complaint) = @$row;
    like config_test("$directive $value\n"), qr/^refused: .*\b$directive: (?:$complaint)/s,
        "$directive $value is refused, and says why";
}

# -- refused in this place
for my $section ('<Directory /srv>', '<LocationMatch /x>', '<Location ~ /x>', '<Files x>', '<Location /x>' . "\n<If true>") {
    my @close = map { "</$_>" } reverse $section =~ /<(\w+)/g;
    like config_test(join "\n", $section, 'IIIFImageRoot /srv', @close, ''), qr/^refused: .*IIIFImageRoot/s,
        "IIIFImageRoot is refused in $section" =~ s/\n.*//r;
}
like config_test("<Location /x>\nIIIFImageRoot /x /srv\n</Location>\n"), qr/^refused: .*IIIFImageRoot: $INSIDE/s,
    'IIIFImageRoot with two arguments in a <Location>';

for my $row (
    # section             directive             what httpd says
    [ '<VirtualHost *>',  'IIIFSourceIndex 64', 'IIIFSourceIndex cannot occur within <VirtualHost> section' ],
    [ '<Directory /srv>', 'IIIFSourceIndex 64', 'IIIFSourceIndex not allowed in <Directory> context' ],
    [ '<Location /x>',    'IIIFSourceIndex 64', 'IIIFSourceIndex not allowed in <Location> context' ],
    # read when there is no file yet
    ( map { my $name = $_; map { [ $_->[0], $name . ($name eq 'IIIFFallback' ? ' notfound' : ' on'), "$name cannot occur within <$_->[1]> section" ] }
            [ '<Directory /srv>', 'Directory' ], [ '<Files x>', 'Files' ], [ '<FilesMatch x>', 'FilesMatch' ] } qw(IIIFFallback IIIFPages IIIFDeepZoom) ),
) {
    my ($section, $directive, $complaint) = @$row;
    my ($name) = $section =~ /<(\w+)/;
    like config_test("$section\n$directive\n</$name>\n"), qr/^refused: .*\Q$complaint\E/s, "$directive is refused in $section";
}

# -- refused: how many arguments, and a path that no system has
for my $row (
    [ 'IIIFTileStore',                    qr/IIIFTileStore takes one argument/ ],
    [ 'IIIFTileStore /a /b',              qr/IIIFTileStore takes one argument/ ],
    [ 'IIIFTileStore /' . 'x' x 5000,     qr/IIIFTileStore: '\/x{5000}' is not a path/ ],
    [ 'IIIFSourceIndex',                  qr/IIIFSourceIndex takes one argument/ ],
    ( map { [ "IIIFDeepZoom $_", qr/IIIFDeepZoom must be On or Off/ ] } qw(maybe 1) ),
    [ 'IIIFDeepZoom',                     qr/IIIFDeepZoom must be On or Off|IIIFDeepZoom takes one argument/ ],
) {
    my ($text, $complaint) = @$row;
    like config_test("$text\n"), qr/^refused: .*$complaint/s, substr($text, 0, 40) . ' is refused, and says why';
}

# -- accepted: the ends of each range, and every form
my @ACCEPTED = (
    'IIIFImageRoot /x /srv', 'IIIFImageRoot / /srv', 'IIIFImageRoot /x/ /srv/', 'IIIFImageRoot /x relative',
    "<Location /x>\nIIIFImageRoot /srv\n</Location>",
    'IIIFVersions 3', 'IIIFVersions 2', 'IIIFVersions 2 3', 'IIIFFallback NotFound', 'IIIFResolver filesystem',
    'IIIFSourceFormats JPEG svg', 'IIIFMaxWidth 0',
    'IIIFMaxWidth 2147483647', 'IIIFMaxHeight 2147483647', 'IIIFMaxArea 1000000000000', 'IIIFMaxSourcePixels 0',
    'IIIFUpscale on', 'IIIFUpscale Off',
    'IIIFUpscale 2', 'IIIFUpscale 100', 'IIIFTileSize 64', 'IIIFTileSize 4096', 'IIIFQuality jpg 1', 'IIIFQuality WEBP 100',
    'IIIFBackground #00fF00', 'IIIFEffort png 0', 'IIIFEffort PNG 9', 'IIIFEffort gif 10', 'IIIFEffort webp 6',
    'IIIFEffort avif 0', 'IIIFEffort jxl 9', 'IIIFMetadata keep', 'IIIFMetadata Strip', 'IIIFLinearLight on',
    'IIIFBackground 00ff00', 'IIIFSquareCrop Attention', 'IIIFPages on', 'IIIFInfo good.json',
    'IIIFTileStore /srv/tiles', 'IIIFTileStore relative/', 'IIIFTileStore None', 'IIIFTileStore /nowhere/yet',
    "<VirtualHost *>\nIIIFTileStore /srv/tiles\n</VirtualHost>", "<Directory /srv>\nIIIFTileStore none\n</Directory>",
    "<Location /x>\nIIIFTileStore /srv/tiles\n</Location>", "<If true>\nIIIFTileStore /srv/tiles\n</If>",
    'IIIFSourceIndex 0', 'IIIFSourceIndex 65536',
    'IIIFDeepZoom on', 'IIIFDeepZoom Off', "<VirtualHost *>\nIIIFDeepZoom off\n</VirtualHost>",
    "<Location /x>\nIIIFDeepZoom off\n</Location>", "<If true>\nIIIFDeepZoom off\n</If>",
    "<If true>\nIIIFPages on\n</If>", "<If true>\nIIIFFallback notfound\n</If>", "<Location /x>\n<If true>\nIIIFDeepZoom off\n</If>\n</Location>",
    'IIIFBaseURL https://example.org', 'IIIFTrustedProxy ::1 10.0.0.0/8 10.0.0.0/255.0.0.0',
    "<Directory /srv>\nIIIFMaxWidth 500\n</Directory>", "<If true>\nIIIFMaxWidth 500\n</If>",
);
for my $text (@ACCEPTED) {
    is config_test("$text\n"), 'accepted', $text =~ s/\n/ /gr . ' is accepted';
}

# -- the shipped configuration: as it is, and with every directive that it shows
my $shipped = IIIF::PrivateHttpd::slurp('conf.d/iiif-image.conf');
is config_test($shipped), 'accepted', 'the shipped configuration is accepted';
my $shown = $shipped =~ s/^(\s*)#(?=IIIF|<\/?Directory|\s+Require)/$1/mgr;
cmp_ok scalar(() = $shown =~ /^\s*IIIF/mg), '>', 20, '  and it shows many directives';
File::Path::make_path($httpd->directory . '/conf');
IIIF::PrivateHttpd::spew($httpd->directory . '/conf/iiif-info.json', '{}');
is config_test($shown), 'accepted', '  which are all accepted as they stand';

# -- what works, but hardly as meant: configtest and start-up warn
sub warnings {
    my ($site) = @_;
    my ($status, $said) = $site->run('-t');
    return join ' ', $status ? 'refused' : 'accepted', sort $said =~ /\[iiif_image:warn\][^\n]*?(IIIF\d{4}):/g;
}
my @WARNED = (
    # modules left out       configuration                                             warnings
    [ [],                    'IIIFImageRoot /iiif ${FIXTURES}/access/images',          'accepted' ],
    [ ['headers_module'],    'IIIFImageRoot /iiif ${FIXTURES}/access/images',          'accepted IIIF0005' ],
    [ [],                    'IIIFImageRoot /iiif ${FIXTURES}/nowhere',                'accepted IIIF0007' ],
    [ [],                    'IIIFImageRoot /iiif ${FIXTURES}/access/images/note.txt', 'accepted IIIF0007' ],
);
for my $row (@WARNED) {
    my ($without, $text, $want) = @$row;
    is warnings(IIIF::PrivateHttpd->new(without => $without, conf => $text)), $want,
        "$text" . (@$without ? " without @$without" : '') . ": $want";
}

# -- without mod_headers it works all the same
for my $row ([ [], '*' ], [ ['headers_module'], undef ]) {
    my ($without, $origins) = @$row;
    my $site = IIIF::PrivateHttpd->new(without => $without, conf => "$shipped\nIIIFImageRoot /iiif \${FIXTURES}/access/images\n");
    $site->start;
    my $response = HTTP::Tiny->new->get($site->origin . '/iiif/plain/info.json');
    is $response->{status}, 200, ($origins ? 'with' : 'without') . ' mod_headers it answers';
    is $response->{headers}{'access-control-allow-origin'}, $origins, '  and CORS is ' . ($origins ? 'there' : 'missing');
    $site->stop;
}

done_testing;
