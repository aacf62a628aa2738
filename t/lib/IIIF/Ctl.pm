# SPDX-License-Identifier: Apache-2.0
package IIIF::Ctl;

# The real iiifctl, run by a test: to its end or in the background, with what it says kept in files;
# and the directories that it works on.

use strict;
use warnings FATAL => 'all';
use Cwd qw(getcwd);
use Exporter qw(import);
use File::Find ();
use File::Path qw(make_path);
use File::Temp ();
use IIIF::PrivateHttpd qw(slurp spew);
use JSON::PP qw(decode_json);
use POSIX ();
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw($CTL $FIXTURES $SCRATCH place background start finish end ctl told objects until_true
    children_of files_in litter set_times);

my $PATIENCE = 60;    # seconds: far more than any of this takes
my $LIB      = $ENV{IIIF_LIB} // 'apxs-build/lib';

our $CTL      = $LIB =~ m{^/} ? "$LIB/iiifctl" : getcwd() . "/$LIB/iiifctl";
our $FIXTURES = getcwd() . '/apxs-build/fixtures/images';
our $SCRATCH  = File::Temp->newdir(TMPDIR => 1);

my $number = 0;

# A new, empty directory
sub place {
    my $directory = "$SCRATCH/" . ++$number . ' [place]';
    make_path($directory);
    return $directory;
}

# -- runs ---------------------------------------------------------------------------------------

# background(INPUT, COMMAND, ARGUMENT...): a run for finish() or end()
sub background {
    my ($input, @command) = @_;
    my ($out, $err) = map { "$SCRATCH/$_-" . ++$number } qw(out err);

    spew($_, '') for $out, $err;
    my $pid = fork // die "fork: $!\n";
    return { pid => $pid, out => $out, err => $err } if $pid;
    open STDIN,  '<', $input or POSIX::_exit(99);
    open STDOUT, '>', $out   or POSIX::_exit(99);
    open STDERR, '>', $err   or POSIX::_exit(99);
    exec { $command[0] } @command or POSIX::_exit(99);
}

# start(ARGUMENT...): iiifctl in the background. A reference to a path is what its input comes from;
# a reference to a list is a command to put before it.
sub start {
    my (@arguments) = @_;
    my ($input) = map { ${$_} } grep { ref eq 'SCALAR' } @arguments;
    return background($input // '/dev/null', (map { @{$_} } grep { ref eq 'ARRAY' } @arguments), $CTL, grep { !ref } @arguments);
}

# (EXIT CODE or "signal N", STDOUT, STDERR)
sub finish {
    my ($run) = @_;
    waitpid $run->{pid}, 0;
    my $code = $? & 127 ? 'signal ' . ($? & 127) : $? >> 8;
    return ($code, slurp($run->{out}), slurp($run->{err}));
}

# Signal a run, and see how it ends
sub end {
    my ($run, $signal) = @_;
    kill $signal, $run->{pid};
    return finish($run);
}

sub ctl {
    my (@arguments) = @_;
    return finish(start(@arguments));
}

# What a run with --json has told so far: whole lines. Paths are bytes, as perl has them.
sub told {
    my ($run) = @_;
    my @objects = map { decode_json($_) } slurp($run->{out}) =~ /^(.*)\n/mg;

    for my $object (@objects) {
        utf8::encode($object->{$_}) for grep { exists $object->{$_} } qw(source path target);
    }
    return @objects;
}

# (EXIT CODE, OBJECT...) of a run with --json
sub objects {
    my (@arguments) = @_;
    my $run = start(@arguments, '--json');
    my ($code) = finish($run);
    return ($code, told($run));
}

sub until_true {
    my ($condition, $what) = @_;
    my $deadline = time + $PATIENCE;

    while (!$condition->()) {
        die "it takes too long until $what\n" if time > $deadline;
        sleep 0.002;
    }
    return;
}

sub children_of {
    my ($pid) = @_;
    return grep { /^\d+$/ } split ' ', -e "/proc/$pid/task/$pid/children" ? slurp("/proc/$pid/task/$pid/children") : '';
}

# -- files --------------------------------------------------------------------------------------

# All files below a directory, by their paths there
sub files_in {
    my ($directory) = @_;
    my @files;
    File::Find::find({ no_chdir => 1, wanted => sub { push @files, substr $_, 1 + length $directory if -f } }, $directory);
    return sort grep { $_ ne '.iiifctl-lease' } @files;
}

# What a run leaves that was cut short
sub litter {
    my ($directory) = @_;
    my @found;
    File::Find::find({ no_chdir => 1, wanted => sub { push @found, $_ if m{/\.iiifctl-[^/]*$} && !m{-lease$} } }, $directory);
    return @found;
}

# set_times(PATH, USED, WRITTEN): so many seconds ago; the latter is as the former where it is not given
sub set_times {
    my ($path, $used, $written) = @_;
    utime time - $used, time - ($written // $used), $path or die "$path: $!\n";
    return;
}

1;
