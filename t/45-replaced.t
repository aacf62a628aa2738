# SPDX-License-Identifier: Apache-2.0
# A file is replaced again and again while clients fetch its tiles: what they get is a tile of the old
# file or of the new one, whole, under a validator that is its own.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use Apache::Test qw(-withtestmore);
use File::Temp ();
use IIIF::Client qw(get plan_of);
use IIIF::JpegPyramid qw(jpeg_pyramid);
use IIIF::PrivateHttpd ();
use IIIF::RawTiles qw(apart few picture_of);
use IIIF::TiffWriter qw(tiff);
use POSIX ();
use Time::HiRes qw(sleep);

my $CLIENTS = 8;
my $REPLACEMENTS = 40;
my $REST = 0.05;    # seconds that a file is left alone, for clients to see it

# -- two files of the same size that have nothing else in common: picture, tables, directories, places

my @OPTIONS = (up => 1, sampling => '1x1');
my ($first, @below) = jpeg_pyramid(1001, 701, 64, @OPTIONS, quality => 70);
my %file = (
    old => tiff({ directories => [ jpeg_pyramid(1001, 701, 32, @OPTIONS, tables => 1) ] }),
    new => tiff({ directories => [ { %{$first}, subifds => \@below } ] }),
);
my ($longest) = sort { $b <=> $a } map { length } values %file;
$_ = pack "a$longest", $_ for values %file;

# whole, cut, of another level, without chroma, turned
my @PATHS = map { "map.tif/$_.jpg" } '256,256,256,256/max/0/default', '512,0,256,256/256,/0/default', '768,512,256,256/max/0/default',
    '0,0,512,512/256,/0/default', 'full/251,176/0/default', '256,256,256,256/max/0/gray', '256,256,256,256/max/90/default';

my $directory = File::Temp->newdir(TMPDIR => 1);
my $path = "$directory/map.tif";
my %ROOT = ('sendfile and mmap' => '/on', 'neither sendfile nor mmap' => '/off');
my $httpd = IIIF::PrivateHttpd->new(conf => <<"CONF");
<Directory $directory>
    Require all granted
</Directory>
IIIFImageRoot /on $directory
IIIFImageRoot /off $directory
<Location /on>
    EnableSendfile On
    EnableMMAP On
    Header always set X-IIIF-Plan "expr=%{note:iiif-plan}"
</Location>
<Location /off>
    EnableSendfile Off
    EnableMMAP Off
    Header always set X-IIIF-Plan "expr=%{note:iiif-plan}"
</Location>
CONF
$IIIF::Client::PORT = $httpd->port;

sub write_file {
    my ($where, $mode, @pieces) = @_;
    return write_slowly($where, $mode, 0.002, @pieces);
}

# with a rest between pieces; an empty one is a rest too
sub write_slowly {
    my ($where, $mode, $rest, @pieces) = @_;
    open my $fh, $mode, $where or die "$where: $!\n";
    for my $piece (@pieces) {
        sleep $rest if \$piece != \$pieces[0];
        syswrite($fh, $piece) == length $piece or die "$where: $!\n";
    }
    close $fh or die "$where: $!\n";
    return;
}

# way to replace => how; and which statuses a client may see meanwhile
my %REPLACE = (
    'by another that takes its name' => [ sub { write_file("$path.next", '>:raw', $_[0]); rename "$path.next", $path or die "$path: $!\n" }, 200 ],
    'in place, at one go' => [ sub { write_file($path, '+<:raw', $_[0]) }, 200, 500, 503 ],
    'in place, emptied for a while' => [ sub { write_slowly($path, '>:raw', 0.15, '', $_[0]) }, 200, 503 ],
    'in place, piece by piece' => [ sub { write_file($path, '>:raw', unpack '(a30000)*', $_[0]) }, 200, 500, 503 ],
);

# -- what is known of each file while it rests

write_file($path, '>:raw', $file{old});
$httpd->start;
my %known;
my %etag;
for my $which ('old', 'new', 'old again') {
    write_file("$path.next", '>:raw', $file{ $which =~ /old/ ? 'old' : 'new' });
    rename "$path.next", $path or die "$path: $!\n";
    for my $target (@PATHS) {
        my $response = get("/on/$target");
        is plan_of($response), '200 raw', "$which: $target is a stored tile";
        $known{$target}{ $which =~ /old/ ? 'old' : 'new' } = $response->content;
        push @{ $etag{$target} }, $response->header('ETag');
    }
}
for my $target (@PATHS) {
    my ($old, $new, $again) = @{ $etag{$target} };
    isnt $known{$target}{new}, $known{$target}{old}, "$target of one file is not that of the other";
    is $old eq $new || $new eq $again, '', "$target: another file, another ETag";
    is get("/on/$target", 'If-None-Match' => $new)->code, 200, "$target: what a client has of the other file is no longer good";
    is get("/on/$target", 'If-None-Match' => $again)->code, 304, "$target: what it has of this one is";
}
utime 1_000_000_000, 1_000_000_000, $path or die "$path: $!\n";
isnt get("/on/$PATHS[0]")->header('ETag'), $etag{ $PATHS[0] }[2], 'another time, another ETag';

# -- under load

for my $how (sort keys %ROOT) {
    for my $way (sort keys %REPLACE) {
        my ($replace, @statuses) = @{ $REPLACE{$way} };
        my $until = $httpd->directory . '/enough';
        my $wait = clients($ROOT{$how}, $until, @statuses);

        for my $n (1 .. $REPLACEMENTS) {
            $replace->($file{ $n % 2 ? 'new' : 'old' });
            sleep $REST;
        }
        IIIF::PrivateHttpd::spew($until, '');
        my $seen = $wait->();
        unlink $until;
        is few(@{ $seen->{fault} // [] }), '', "replaced $way, $how: every answer is a tile of the old file or of the new one";
        cmp_ok scalar @{ $seen->{$_} // [] }, '>', 0, "replaced $way, $how: there were answers from the $_ one" for 'old', 'new';
        is few(two_faced($seen)), '', "replaced $way, $how: no ETag names two pictures" if @statuses == 1;
        note scalar(map { @{$_} } values %{$seen}), ' answers';
        for my $target (@PATHS) {
            ok get("$ROOT{$how}/$target")->content eq $known{$target}{old}, "replaced $way, $how: at last, $target is of the file that is there";
        }
    }
}
$httpd->stop;
unlike $httpd->error_log, qr/exit signal|:(?:crit|alert|emerg)\]/, 'no child died';
done_testing;

# $CLIENTS at once, until the file $until is there. Returns a function that waits for them, and tells
# what they saw: kind of answer => [ text... ]
sub clients {
    my ($root, $until, @statuses) = @_;
    my @pipes = map {
        my $number = $_;
        my $pid = open my $pipe, '-|';
        die "fork: $!\n" unless defined $pid;
        if (!$pid) {
            client($root, $number, $until, @statuses);
            close STDOUT;
            POSIX::_exit(0);
        }
        $pipe;
    } 1 .. $CLIENTS;

    return sub {
        my %seen;
        for my $pipe (@pipes) {
            while (my $line = <$pipe>) {
                my ($kind, $text) = $line =~ /^(\w+) (.*)$/ or next;
                push @{ $seen{$kind} }, $text;
            }
            close $pipe or push @{ $seen{fault} }, 'a client died';
        }
        return \%seen;
    };
}

sub client {
    my ($root, $number, $until, @statuses) = @_;

    for (my $n = $number; !-e $until; $n++) {
        my $target = $PATHS[ $n % @PATHS ];
        print kind_of_answer($target, eval { get("$root/$target") }, @statuses), "\n";
    }
    return;
}

# "old" or "new", and of what; "refused"; or "fault"
sub kind_of_answer {
    my ($target, $response, @statuses) = @_;
    return "fault $target: no answer" unless $response;
    my $status = $response->code;
    return "fault $target: status $status" unless grep { $_ == $status } @statuses;
    return "refused $target" if $status != 200;

    my ($which) = grep { $response->content eq $known{$target}{$_} } 'old', 'new';
    return "$which $target " . $response->header('ETag') if $which;
    my ($length, $announced) = (length $response->content, $response->header('Content-Length') // 'nothing');
    # a file that is cut off while it is sent cannot be sent: the client sees that it has not all
    return "broken $target" if @statuses > 1 && $announced ne 'nothing' && $length < $announced;
    return "fault $target: neither, $length bytes of $announced" unless @statuses > 1 && plan_of($response) eq '200 render';
    # of a file that is not there yet as a whole, fewer levels may be seen, and the tile be made of others
    my ($alike) = grep { (apart(picture_of($response->content), picture_of($known{$target}{$_})))[0] < 12 } 'old', 'new';
    return $alike ? "made $target" : "fault $target: neither, nor like one of them";
}

# ETags under which clients have got the old and the new picture
sub two_faced {
    my ($seen) = @_;
    my %old = map { $_ => 1 } @{ $seen->{old} };
    my %both = map { $_ => 1 } grep { $old{$_} } @{ $seen->{new} };
    return sort keys %both;
}
