# SPDX-License-Identifier: Apache-2.0
# iiifctl tile, fed without end: a directory that is watched, into which files are moved and written in pieces; and a
# list in a real Redis, with runs that are killed and whose files others take over.
use strict;
use warnings FATAL => 'all';
use lib 't/lib';
use File::Copy qw(copy);
use File::Path qw(make_path);
use IIIF::Ctl qw($FIXTURES $SCRATCH place background start finish end ctl told until_true children_of litter);
use IIIF::PrivateHttpd qw(slurp spew);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

# Wait until a run has told of a file COUNT times; the last status
sub status_of {
    my ($run, $path, $count) = @_;
    my @found;
    until_true(sub { @found = grep { ($_->{source} // '') eq $path } told($run); @found >= ($count // 1) }, "$path is told of");
    return $found[-1]{status};
}

sub times_made {
    my ($path, @runs) = @_;
    return scalar grep { ($_->{source} // '') eq $path && $_->{status} eq 'made' } map { told($_) } @runs;
}

# All tiles are there, and of the images as they are now
sub is_whole {
    my ($store, $images, $what) = @_;
    my ($code, $out) = ctl('check', $store, '--source', $images);
    is $code, 0, $what or diag $out;
    return;
}

# -- a directory that is watched ----------------------------------------------------------------

{
    my ($images, $elsewhere, $store) = (place(), place(), place());
    my $bytes = slurp("$FIXTURES/plain.jpg");
    make_path("$images/old/older", "$images/.hidden");
    copy("$FIXTURES/small.jpg", $_) or die "$_: $!\n" for "$images/old/older/a.jpg", "$images/.hidden/b.jpg", "$elsewhere/moved.jpg";
    my $run = start('tile', '--watch', $images, '--into', $store, '--json');
    is status_of($run, "$images/old/older/a.jpg"), 'made', 'what is there is tiled first';

    rename "$elsewhere/moved.jpg", "$images/old/moved.jpg" or die "moved.jpg: $!\n";
    is status_of($run, "$images/old/moved.jpg"), 'made', 'a file that is moved in is';

    spew("$images/text.txt", 'no image');
    for my $piece (0 .. 3) {
        open my $fh, '>>:raw', "$images/pieces.jpg" or die "pieces.jpg: $!\n";
        print {$fh} substr $bytes, $piece * 1000, $piece < 3 ? 1000 : length $bytes;
        close $fh or die "pieces.jpg: $!\n";
    }
    open my $slow, '>:raw', "$images/slow.jpg" or die "slow.jpg: $!\n";
    $slow->autoflush(1);
    print {$slow} substr $bytes, 0, 1000;
    is status_of($run, "$images/pieces.jpg"), 'made', 'a file that is written in pieces is tiled when it is whole';
    is_deeply [ grep { ($_->{source} // '') eq "$images/slow.jpg" } told($run) ], [], '  one that is still open is left alone';
    print {$slow} substr $bytes, 1000;
    close $slow or die "slow.jpg: $!\n";
    is status_of($run, "$images/slow.jpg"), 'made', '  until it is closed';

    copy("$FIXTURES/plain.jpg", "$elsewhere/new.jpg") or die "new.jpg: $!\n";
    rename "$elsewhere/new.jpg", "$images/old/moved.jpg" or die "moved.jpg: $!\n";
    is status_of($run, "$images/old/moved.jpg", 2), 'made', 'a file that is replaced is tiled again';

    make_path("$images/new/deep");
    copy("$FIXTURES/small.jpg", "$images/new/deep/c.jpg") or die "c.jpg: $!\n";
    is status_of($run, "$images/new/deep/c.jpg"), 'made', 'a file in a new directory is tiled';
    rename "$images/new", "$images/renamed" or die "renamed: $!\n";
    is status_of($run, "$images/renamed/deep/c.jpg"), 'made', '  and again, when the directory has another name';
    copy("$FIXTURES/small.jpg", "$images/renamed/deep/d.jpg") or die "d.jpg: $!\n";
    is status_of($run, "$images/renamed/deep/d.jpg"), 'made', '    under which it is watched';
    make_path("$elsewhere/tree/e");
    copy("$FIXTURES/small.jpg", "$elsewhere/tree/e/e.jpg") or die "e.jpg: $!\n";
    rename "$elsewhere/tree", "$images/tree" or die "tree: $!\n";
    is status_of($run, "$images/tree/e/e.jpg"), 'made', 'a directory that is moved in is gone through';

    spew("$images/broken.jpg", substr $bytes, 0, 3000);
    is status_of($run, "$images/broken.jpg"), 'failed', 'a broken file is told';
    copy("$FIXTURES/plain.png", "$images/last.png") or die "last.png: $!\n";
    is status_of($run, "$images/last.png"), 'made', '  and the next one is made';

    my %told = map { $_->{source} => 1 } grep { $_->{source} } told($run);
    ok !$told{"$images/.hidden/b.jpg"} && !$told{"$images/text.txt"}, 'what is hidden or no image is passed over';
    my ($code, $out, $err) = end($run, 'INT');
    is "$code $err", '130 ', 'Ctrl-C ends it';
    is +(split /\n/, $out)[-1] =~ tr/{//, 1, '  with the sum';
    is_deeply [ litter($store) ], [], '  and nothing is left';
    unlink "$images/broken.jpg", "$store/new/deep/c.jpg.tif";
    is_whole($store, $images, 'all that was made is of the images as they are');
}
{
    my ($images, $store) = (place(), place());
    my $run = start('tile', '--watch', $images, '--into', $store);
    until_true(sub { slurp("/proc/$run->{pid}/fdinfo/" . inotify_of($run->{pid})) =~ /^inotify wd/m }, 'the directory is watched');
    rmdir $images or die "rmdir: $!\n";
    my ($code, $out, $err) = finish($run);
    is $code, 1, 'when the directory goes, so does the run';
    like $err, qr/nothing is left to be watched/, '  and says why';
}
{
    # more happens than the kernel keeps in mind
    my ($images, $store) = (place(), place());
    my $run = start('tile', '--watch', $images, '--into', $store, '--json');
    copy("$FIXTURES/small.jpg", "$images/a.jpg") or die "a.jpg: $!\n";
    is status_of($run, "$images/a.jpg"), 'made', 'a directory is watched';
    kill 'STOP', $run->{pid};
    chomp(my $most = slurp('/proc/sys/fs/inotify/max_queued_events'));
    for my $text (1 .. $most / 2 + 1) {    # made, and closed
        open my $fh, '>', "$images/$text.txt" or die "$text.txt: $!\n";
        close $fh or die "$text.txt: $!\n";
    }
    copy("$FIXTURES/small.jpg", "$images/b.jpg") or die "b.jpg: $!\n";
    kill 'CONT', $run->{pid};
    is status_of($run, "$images/b.jpg"), 'made', '  and what the kernel forgot to tell is found';
    is +(end($run, 'TERM'))[0], 143, '  it ends';
}
{
    # a store among the images: what is made is not tiled again
    my $images = place();
    my $run = start('tile', '--watch', $images, '--into', $images, '--format', 'deepzoom', '--json');
    copy("$FIXTURES/small.jpg", "$images/a.jpg") or die "a.jpg: $!\n";
    is status_of($run, "$images/a.jpg"), 'made', 'a store may be what is watched';
    copy("$FIXTURES/small.jpg", "$images/b.jpg") or die "b.jpg: $!\n";
    is status_of($run, "$images/b.jpg"), 'made', '  more is made there';
    sleep 1.5;
    is_deeply [ sort map { $_->{source} // () } told($run) ], [ "$images/a.jpg", "$images/b.jpg" ], '  and tiles are no images';
    is +(end($run, 'TERM'))[0], 143, '  it ends';
}

# The descriptor of a process that is inotify's
sub inotify_of {
    my ($pid) = @_;
    my ($fd) = grep { (readlink("/proc/$pid/fd/$_") // '') =~ /inotify/ } map { s{.*/}{}r } glob "/proc/$pid/fd/*";
    return $fd // 0;    # which is /dev/null
}

# -- a list in Redis ----------------------------------------------------------------------------

my $port = IIIF::PrivateHttpd::free_port();
my $redis = background('/dev/null', 'redis-server', '--port', $port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', "$SCRATCH");
END { local $?; kill 'TERM', $redis->{pid} if $redis }
my $HOST = (POSIX::uname())[1];
my $URI = "redis://127.0.0.1:$port";

sub redis {
    my (@command) = @_;
    open my $fh, '-|', 'sh', '-c', 'exec redis-cli "$@" 2>/dev/null', 'sh', '-p', $port, @command or die "redis-cli: $!\n";
    chomp(my @lines = grep { $_ ne "\n" } readline $fh);
    close $fh;
    return wantarray ? @lines : $lines[0];
}
until_true(sub { (redis('ping') // '') eq 'PONG' }, 'redis-server answers');

# What a run has begun
sub begun { my ($list, $run) = @_; return redis('lrange', "$list:$HOST:$run->{pid}", 0, -1) }

{
    my ($images, $store) = (place(), place());
    make_path("$images/some");
    copy("$FIXTURES/small.jpg", $_) or die "$_: $!\n" for map { "$images/$_" } qw(a.jpg some/b.jpg some/c.jpg);
    spew("$images/broken.jpg", 'no image');
    redis('lpush', 'first', "$images/a.jpg", "$images/some", "$images/broken.jpg", "$images/none.jpg");
    my $run = start('tile', '--queue', "$URI/first", '--into', $store, '--root', $images, '--json');
    is status_of($run, "$images/$_"), 'made', "$_ comes from the queue" for qw(a.jpg some/b.jpg some/c.jpg);
    is status_of($run, "$images/$_"), 'failed', "$_ fails" for qw(broken.jpg none.jpg);
    until_true(sub { !begun('first', $run) }, 'nothing is begun');
    is_deeply [ sort(redis('lrange', 'first:failed', 0, -1)) ], [ "$images/broken.jpg", "$images/none.jpg" ], 'what failed is in a list';
    is redis('llen', 'first'), 0, 'the queue is empty';
    is_deeply [ redis('smembers', 'first:workers') ], [ "first:$HOST:$run->{pid}" ], 'the run is known';
    my $left = redis('ttl', "first:$HOST:$run->{pid}:alive");
    ok $left > 0 && $left <= 30, '  and its sign of life expires' or diag $left;
    copy("$FIXTURES/small.jpg", "$images/late.jpg") or die "late.jpg: $!\n";
    redis('lpush', 'first', "$images/late.jpg");
    is status_of($run, "$images/late.jpg"), 'made', 'what comes later is made, too';
    my ($code, $out, $err) = end($run, 'TERM');
    is "$code $err", '143 ', 'SIGTERM ends it';
    is_deeply [ sort(redis('keys', 'first*')) ], ['first:failed'], '  and nothing else is left in Redis';
    unlink "$images/broken.jpg";
    is_whole($store, $images, '  all tiles are whole');
}

my $large = place();
copy("$FIXTURES/map.jpg", "$large/map.jpg") or die "map.jpg: $!\n";

# A run that has begun map.jpg, and whose processes that read it are stopped
sub held_run {
    my ($list, $store) = @_;
    redis('lpush', $list, "$large/map.jpg");
    my $run = start('tile', '--queue', "$URI/$list", '--into', $store, '--json');
    until_true(sub { litter($store) }, 'it is begun');
    kill 'STOP', $_ for children_of($run->{pid});
    return $run;
}

{
    my $store = place();
    my $first = held_run('second', $store);
    is_deeply [ begun('second', $first) ], ["$large/map.jpg"], 'what is begun is in the list of its run';
    is redis('llen', 'second'), 0, '  and in the queue no more';
    my $second = start('tile', '--queue', "$URI/second", '--into', $store, '--json');
    until_true(sub { redis('scard', 'second:workers') == 2 }, 'both are known');
    is redis('llen', 'second'), 0, '  of who lives nothing is taken';
    is +(end($first, 'KILL'))[0], 'signal 9', 'a run is killed';
    redis('pexpire', "second:$HOST:$first->{pid}:alive", 1);    # half a minute passes
    is status_of($second, "$large/map.jpg"), 'made', '  and its file is taken over by another';
    until_true(sub { !begun('second', $second) }, 'it is done with');
    is_deeply [ redis('lrange', "second:$HOST:$first->{pid}", 0, -1), redis('smembers', 'second:workers') ],
        ["second:$HOST:$second->{pid}"], '  of the dead nothing is left';
    is_deeply [ litter($store) ], [], '  in the store neither';
    is +(end($second, 'INT'))[0], 130, '  the other ends';
    is_whole($store, $large, '  with whole tiles');
}
{
    my $store = place();
    my $run = held_run('third', $store);
    is +(end($run, 'INT'))[0], 130, 'a run ends with a file in its hands';
    is_deeply [ redis('lrange', 'third', 0, -1) ], ["$large/map.jpg"], '  which is put back';
    is_deeply [ redis('keys', 'third*') ], ['third'], '  and the run forgotten';
    is_deeply [ litter($store) ], [], '  and nothing is left in the store';
}
{
    my ($images, $store) = (place(), place());
    my @files = map { "$images/$_.jpg" } 10 .. 29;
    copy("$FIXTURES/small.jpg", $_) or die "$_: $!\n" for @files;
    my @runs = map { start('tile', '--queue', "$URI/fourth", '--into', $store, '--json') } 1 .. 3;
    until_true(sub { redis('scard', 'fourth:workers') == 3 }, 'all are known');
    redis('lpush', 'fourth', @files);
    until_true(sub { (grep { times_made($_, @runs) } @files) == @files }, 'all are made');
    until_true(sub { my $held = 0; $held += () = begun('fourth', $_) for @runs; !$held }, 'all are done with');
    is_deeply [ map { times_made($_, @runs) } @files ], [ (1) x @files ], 'three runs share a queue, and make each file once';
    is_deeply [ map { (end($_, 'TERM'))[0] } @runs ], [ 143, 143, 143 ], '  and end';
    is_deeply [ redis('keys', 'fourth*') ], [], '  and leave nothing';
    is_whole($store, $images, '  all is whole');
}
{
    redis('set', 'text', 'no list');
    my ($code, $out, $err) = ctl('tile', '--queue', "$URI/text", '--into', place());
    is $code, 1, 'a key that is no list ends the run';
    like $err, qr/Redis: WRONGTYPE/, '  with what Redis says';
    for my $uri ("http://127.0.0.1:$port/list", "$URI/", $URI, "redis:///list", "redis://me:secret\@127.0.0.1:$port/list", 'list') {
        is +(ctl('tile', '--queue', $uri, '--into', place()))[0], 2, "$uri is refused";
    }
    is +(ctl('tile', '--queue', "$URI/a", '--from', '-', '--into', place()))[0], 2, '--queue and --from exclude each other';
    is +(ctl('tile', '--watch', "$large/map.jpg", '--into', place()))[0], 2, 'a file cannot be watched';
}
{
    my $run = start('tile', '--queue', "$URI/last", '--into', place());
    until_true(sub { redis('scard', 'last:workers') }, 'it is known');
    end($redis, 'TERM');
    my ($code, $out, $err) = finish($run);
    is $code, 1, 'when Redis goes, the run ends';
    like $err, qr/^iiifctl tile: Redis: /, '  and says why';
    ($code, $out, $err) = ctl('tile', '--queue', "$URI/last", '--into', place());
    is $code, 1, 'without Redis, none begins';
    like $err, qr/cannot be reached at 127\.0\.0\.1:$port: /, '  and says why';
    undef $redis;
}

done_testing;
