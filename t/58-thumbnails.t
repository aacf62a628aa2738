# SPDX-License-Identifier: Apache-2.0
# Thumbnails that another program made: sent where they are exactly the image that is asked for, to
# whom the image is; all else is rendered.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use File::Copy ();
use File::Path qw(make_path);
use IIIF::Client qw(ask get dims_of plan_of);
use IIIF::PrivateHttpd qw(slurp spew);
use MIME::Base64 qw(encode_base64);

my $IMAGES = 'apxs-build/fixtures/images';
my $CONF = <<'CONF';
Include ${TOP}/conf.d/iiif-image.conf
IIIFImageRoot /iiif ${WORK}/files/original
IIIFImageRoot /bare ${WORK}/files/original
IIIFThumbnails files/large files/medium
<Location /bare>
    IIIFThumbnails none
</Location>
<Directory ${WORK}/files>
    Require all denied
</Directory>
<Directory ${WORK}/files/original>
    Require all granted
</Directory>
<Directory ${WORK}/files/original/private>
    AuthType Basic
    AuthName archive
    AuthUserFile ${FIXTURES}/access/htpasswd
    Require user reader
</Directory>
<Directory ${WORK}/files/original/other>
    IIIFThumbnails files/elsewhere
</Directory>
Header always set X-IIIF-Plan "expr=%{note:iiif-plan}" "expr=-n note('iiif-plan')"
CONF

my $httpd = IIIF::PrivateHttpd->new;
my $work = $httpd->directory;
my $files = "$work/files";

# 1000x800, and in each directory what a thumbnailer made of it
sub source {
    my ($name, $from) = @_;
    make_path("$files/original/$name" =~ s{/[^/]+$}{}r);
    File::Copy::copy("$IMAGES/$from", "$files/original/$name") or die "$name: $!\n";
    utime time - 3600, time - 3600, "$files/original/$name";
    return;
}

sub thumbnail {
    my ($of, $name, @size) = @_;
    my $path = "$files/$name";
    make_path($path =~ s{/[^/]+$}{}r);
    system('vips', 'thumbnail', "$files/original/$of", $path, $size[0], '--height', $size[1], '--size', 'force') == 0 or die "no $name\n";
    return $path;
}

source($_, 'plain.jpg') for 'a.jpg', 'b.jpg', 'old.jpg', 'wrong.jpg', 'private/c.jpg', 'other/d.jpg', 'twin.jpg', 'pages.jpg';
source('e.png', 'plain.png');
source('turned.jpg', 'oriented-6.jpg');
source('twin.png', 'plain.png');
my ($width, $height) = split /x/, dims_of_source('turned.jpg');
thumbnail('a.jpg', 'large/a.jpg', 500, 400);
thumbnail('a.jpg', 'medium/a.jpg', 250, 200);
thumbnail('b.jpg', 'large/b.jpg.jpg', 500, 400);
thumbnail('b.jpg', 'medium/b.jpg', 250, 200);
thumbnail('e.png', 'large/e.jpg', 500, 400);
thumbnail('private/c.jpg', 'large/private/c.jpg', 500, 400);
thumbnail('other/d.jpg', 'large/other/d.jpg', 500, 400);
thumbnail('other/d.jpg', 'elsewhere/other/d.jpg', 250, 200);
thumbnail('turned.jpg', 'large/turned.jpg', $width / 2, $height / 2);
thumbnail('twin.png', 'large/twin.jpg', 500, 400);
thumbnail('wrong.jpg', 'large/wrong.jpg', 200, 200);
thumbnail('pages.jpg', 'large/pages.jpg', 500, 400);
utime time - 7200, time - 7200, thumbnail('old.jpg', 'large/old.jpg', 500, 400);

$httpd->configure("Define WORK $work\n$CONF");
$httpd->start;
$IIIF::Client::PORT = $httpd->port;

# Upright, as it is shown
sub dims_of_source {
    my ($name) = @_;
    my ($stored) = `vipsheader $files/original/$name` =~ /: (\d+x\d+) / or die "no size of $name\n";
    return join 'x', reverse split /x/, $stored;
}

sub is_file {
    my ($target, $name, $claim) = @_;
    my $response = get($target);
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is plan_of($response), '200 static', $claim;
    ok $response->content eq slurp("$files/$name"), "  which is $name";
    return $response;
}

# -- exactly what is asked for -------------------------------------------------------------------

my $response = is_file('/iiif/a.jpg/full/500,/0/default.jpg', 'large/a.jpg', 'a thumbnail of this size is sent');
is $response->header('Content-Type'), 'image/jpeg', '  as what it is';
like $response->header('Link'), qr{/iiif/a\.jpg/full/500,400/0/default\.jpg>;rel="canonical"}, '  with its canonical URI';
ok defined $response->header('ETag'), '  and an ETag,';
is ask('GET', '/iiif/a.jpg/full/500,/0/default.jpg', 'If-None-Match' => $response->header('ETag'))->code, 304, '  which is honoured';
is ask('GET', '/iiif/a.jpg/full/500,/0/default.jpg', Range => 'bytes=0-1')->content, "\xff\xd8", '  in part, too';
is_file('/iiif/a.jpg/full/250,/0/default.jpg', 'medium/a.jpg', 'one of another directory, too');
is_file($_, 'large/a.jpg', $_) for map { "/iiif/$_" } 'a.jpg/full/500,400/0/default.jpg', '2/a.jpg/full/500,/0/color.jpg', '3/a.jpg/full/!500,500/0/default.jpg',
    'a.jpg/0,0,1000,800/pct:50/0/default.jpg', 'a.jpg/pct:0,0,100,100/,400/0/color.jpg';
is_file('/iiif/b.jpg/full/500,/0/default.jpg', 'large/b.jpg.jpg', 'its name may have the extension of the source');
is_file('/iiif/e.png/full/500,/0/default.jpg', 'large/e.jpg', 'the source may be of another format');
is_file("/iiif/turned.jpg/full/" . $width / 2 . ',/0/default.jpg', 'large/turned.jpg', 'what is stored turned has its thumbnail upright');

# -- and nothing else ----------------------------------------------------------------------------

for my $asked ('full/499,/0/default.jpg', 'full/500,401/0/default.jpg', 'full/max/0/default.jpg', 'square/400,400/0/default.jpg', '0,0,999,800/500,400/0/default.jpg',
    '1,0,999,800/500,400/0/default.jpg', 'full/500,/0/gray.jpg', 'full/500,/0/bitonal.jpg', 'full/500,/90/default.jpg', 'full/500,/180/default.jpg', 'full/500,/!0/default.jpg', 'full/500,/0/default.png') {
    is plan_of(get("/iiif/a.jpg/$asked")), '200 render', "$asked is rendered";
}
is dims_of(get('/iiif/a.jpg/full/499,/0/default.jpg')), '499x399', '  at its own size';
is plan_of(get('/bare/a.jpg/full/500,/0/default.jpg')), '200 render', 'IIIFThumbnails none is obeyed';
is plan_of(get('/iiif/other%2Fd.jpg/full/500,/0/default.jpg')), '200 render', 'a directory of images may have others';
is_file('/iiif/other%2Fd.jpg/full/250,/0/default.jpg', 'elsewhere/other/d.jpg', '  which are used');
is plan_of(get("/iiif/$_/full/500,/0/default.jpg")), '200 render', "a thumbnail that may be of another image is none of $_" for 'twin.png', 'twin.jpg';

# -- whoever may not see the image does not see its thumbnail ------------------------------------

is get('/iiif/private%2Fc.jpg/full/500,/0/default.jpg')->code, 401, 'of a protected image it is protected';
$response = ask('GET', '/iiif/private%2Fc.jpg/full/500,/0/default.jpg', Authorization => 'Basic ' . encode_base64('reader:open sesame', ''));
is plan_of($response), '200 static', '  and shown to whom the image is';
is get("/iiif/..%2Flarge%2Fa.jpg$_")->code, 404, "..%2Flarge%2Fa.jpg$_ does not lead there" for '/full/max/0/default.jpg', '/info.json';

# -- not of this image ---------------------------------------------------------------------------

for my $row ([ 'old.jpg', 'older than the image' ], [ 'wrong.jpg', 'not of the proportions of 1000x800' ]) {
    my ($name, $why) = @{$row};
    is plan_of(get("/iiif/$name/full/$_,/0/default.jpg")), '200 render', "$name at $_: what is $why is not used" for 500, 200, 500;
    is scalar(() = $httpd->error_log =~ m{IIIF0008: \S*/large/\Q$name\E is not used [^\n]*\Q$why\E}g), 1, '  and warned of once';
}

# -- replaced while the server runs --------------------------------------------------------------

utime time, time, "$files/large/old.jpg";
is_file('/iiif/old.jpg/full/500,/0/default.jpg', 'large/old.jpg', 'one that is made anew is used at once');
utime time + 5, time + 5, "$files/original/old.jpg";
is plan_of(get('/iiif/old.jpg/full/500,/0/default.jpg')), '200 render', '  and none that is left behind by another image';
unlink "$files/large/a.jpg" or die "no thumbnail: $!\n";
is plan_of(get('/iiif/a.jpg/full/500,/0/default.jpg')), '200 render', 'one that is gone is rendered';
spew("$files/large/a.jpg", "\xff\xd8\xff");
is plan_of(get('/iiif/a.jpg/full/500,/0/default.jpg')), '200 render', '  one that is being written, too';

# -- what is configured --------------------------------------------------------------------------

for my $row ([ 'IIIFThumbnails', qr/IIIFThumbnails: takes directories, or none/ ],
    [ "IIIFThumbnails files/large\nIIIFDerivativeStore files/large 1M", qr/IIIFDerivativeStore \S*: it is a directory of IIIFThumbnails/ ]) {
    my $other = IIIF::PrivateHttpd->new(conf => $row->[0]);
    my ($status, $said) = $other->run('-t');
    isnt $status, 0, 'refused: ' . ($row->[0] =~ s/\n/, /r);
    like $said, $row->[1], '  and why';
}

$httpd->stop;
is join("\n", grep { /:(?:error|crit|alert|emerg)\]|exit signal/ } split /\n/, $httpd->error_log), '', 'the log has no errors';
done_testing;
