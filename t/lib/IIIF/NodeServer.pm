# SPDX-License-Identifier: Apache-2.0
package IIIF::NodeServer;

# A Node server that makes images with npm's iiif-processor, for IIIF::Load to ask. It is stopped when the object goes.

use strict;
use warnings FATAL => 'all';
use Cwd qw(getcwd);
use File::Temp ();
use IO::Socket::INET ();
use POSIX ();
use IIIF::Load ();
use IIIF::PrivateHttpd ();

# new($packages, $sources, $processes): $packages is where npm has installed.
sub new {
    my ($class, $packages, $sources, $processes) = @_;
    my $program = getcwd() . '/t/bench/iiif_processor.mjs';
    my $self = bless {
        directory => File::Temp->newdir(TMPDIR => 1), port => IIIF::PrivateHttpd::free_port(), owner => $$,
    }, $class;

    $self->{pid} = fork // die "fork: $!\n";
    if (!$self->{pid}) {
        chdir $packages or POSIX::_exit(1);
        open STDERR, '>', "$self->{directory}/error_log" or POSIX::_exit(1);
        open STDOUT, '>&', \*STDERR or POSIX::_exit(1);
        exec 'node', $program, $self->{port}, $sources, $processes or POSIX::_exit(1);
    }
    open my $file, '>', "$self->{directory}/httpd.pid" or die "pid: $!\n";    # where IIIF::Load looks for it
    print $file "$self->{pid}\n";
    close $file or die "pid: $!\n";
    IIIF::PrivateHttpd::until_true(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}) })
        or die 'the Node server does not start: ' . $self->error_log;
    return $self;
}

sub version {
    my ($packages) = @_;
    my ($version) = (IIIF::Load::slurp("$packages/node_modules/iiif-processor/package.json") // '') =~ /"version": "([^"]+)"/;
    return $version // die "iiif-processor is not installed in $packages\n";
}

sub directory { my ($self) = @_; return "$self->{directory}" }
sub port      { my ($self) = @_; return $self->{port} }
sub error_log { my ($self) = @_; return IIIF::Load::slurp("$self->{directory}/error_log") // '' }

sub DESTROY {
    my ($self) = @_;
    return if $$ != $self->{owner};
    local ($@, $?);
    kill 'TERM', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

1;
