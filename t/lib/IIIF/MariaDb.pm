# SPDX-License-Identifier: Apache-2.0
package IIIF::MariaDb;

# A MariaDB of a test's own: in a temporary directory, on a socket there, without a network. It can be killed, held still
# and started again over the same data, and tells which statements it was given. It goes with the object, and with the
# process that made it.

use strict;
use warnings FATAL => 'all';
use File::Temp ();
use POSIX ();
use Time::HiRes qw(sleep time);
use IIIF::PrivateHttpd ();

my $PATIENCE = 60;          # seconds: far more than any of this takes
my $NOBODY   = 'nobody';    # who it is when root makes it: mariadbd refuses root
my $owner    = $$;          # forked clients leave the server alone

# Fast to start, small, and without a write to disk being waited for: what it must survive is a kill, not a power cut.
my $CONFIGURATION = <<'CNF';
[mariadbd]
datadir=DIRECTORY/data
tmpdir=DIRECTORY/tmp
socket=DIRECTORY/mariadb.sock
pid-file=DIRECTORY/mariadb.pid
log-error=DIRECTORY/error_log
general-log=1
general-log-file=DIRECTORY/general_log
skip-networking
skip-name-resolve
skip-log-bin
performance-schema=0
character-set-server=utf8mb4
collation-server=utf8mb4_unicode_ci
innodb-buffer-pool-size=16M
innodb-log-file-size=8M
innodb-doublewrite=0
innodb-flush-log-at-trx-commit=2
innodb-flush-method=nosync
key-buffer-size=1M
aria-pagecache-buffer-size=8M
max-connections=100
[client]
socket=DIRECTORY/mariadb.sock
user=root
default-character-set=utf8mb4
CNF

# new(dbname => 'omeka', user => 'omeka', pass => 'secret'): a server that runs, with that database and that user, who
# may do all in it.
sub new {
    my ($class, %arguments) = @_;
    my $self = bless {
        dbname => 'omeka', user => 'omeka', pass => 'secret', %arguments,
        directory => File::Temp->newdir(TMPDIR => 1), pid => 0, read => 0,
    }, $class;
    my $directory = $self->directory;

    # its own, too: a server that starts removes temporary tables from there, whosever they are
    mkdir "$directory/tmp" or die "$directory/tmp: $!\n";
    chmod 0711, $directory or die "$directory: $!\n";    # httpd's children may be somebody else
    (my $configuration = $CONFIGURATION) =~ s/DIRECTORY/$directory/g;
    IIIF::PrivateHttpd::spew("$directory/my.cnf", $configuration);
    chown +(getpwnam $NOBODY)[2, 3], $directory, "$directory/tmp" if $> == 0;
    $self->_install;
    $self->start;
    $self->sql("CREATE DATABASE $self->{dbname};"
            . "CREATE USER '$self->{user}'\@'localhost' IDENTIFIED BY '$self->{pass}';"
            . "GRANT ALL ON $self->{dbname}.* TO '$self->{user}'\@'localhost';", 'mysql');
    return $self;
}

sub directory { my ($self) = @_; return "$self->{directory}" }
sub socket    { my ($self) = @_; return "$self->{directory}/mariadb.sock" }
sub pid       { my ($self) = @_; return $self->{pid} }

# What DBDParams wants, to reach the database, or another one, as its user.
sub params {
    my ($self, $database) = @_;
    return "host=localhost,user=$self->{user},pass=$self->{pass},dbname=" . ($database // $self->{dbname}) . ',sock=' . $self->socket;
}

# -- the server

sub start {
    my ($self) = @_;
    die "it runs already\n" if $self->{pid};
    $self->{pid} = fork // die "fork: $!\n";
    if (!$self->{pid}) {
        # it does not outlive this process, however that ends
        $self->_exec('setpriv', '--pdeathsig', 'KILL', '--', 'mariadbd', $self->_defaults);
    }
    return if IIIF::PrivateHttpd::until_true(sub { $self->_answers || waitpid($self->{pid}, POSIX::WNOHANG()) != 0 })
        && kill 0, $self->{pid};
    $self->{pid} = 0;
    die 'mariadbd does not start: ' . $self->error_log;
}

sub stop  { my ($self) = @_; return $self->_end('TERM') }
sub kill9 { my ($self) = @_; return $self->_end('KILL') }

# It keeps its connections, takes new ones, and answers none.
sub pause  { my ($self) = @_; return kill 'STOP', $self->{pid} }
sub resume { my ($self) = @_; return kill 'CONT', $self->{pid} }

sub error_log {
    my ($self) = @_;
    my $path = $self->directory . '/error_log';
    return -e $path ? IIIF::PrivateHttpd::slurp($path) : '';
}

# -- what is in it

# Statements of SQL as root, in the test's database or another: the rows, columns between tabs, as mariadb writes them
# (a NULL is "NULL"; tabs, line ends, backslashes and NUL are escaped).
sub sql {
    my ($self, $text, $database) = @_;
    my $file = File::Temp->new(TMPDIR => 1, SUFFIX => '.sql');

    print $file $text;
    close $file or die "$file: $!\n";
    my $rows = $self->_client("--batch --skip-column-names '" . ($database // $self->{dbname}) . "' <$file 2>&1");
    die "mariadb: $rows" if $?;
    return $rows;
}

# -- what it was asked

# The statements that the test's user has run since it was asked last, oldest first: those that are sent as text, and
# prepared ones each time they are executed, with their values.
sub statements {
    my ($self) = @_;
    my @found;

    for my $entry ($self->_entries) {
        my ($id, $command, $text) = @$entry;
        $self->{ours}{$id} = $text =~ /^\Q$self->{user}\E\@/ if $command eq 'Connect';
        push @found, $text if $self->{ours}{$id} && $command =~ /^(?:Query|Execute)\z/;
    }
    return @found;
}

# How many of them match, run by CODE.
sub count {
    my ($self, $pattern, $code) = @_;
    $self->statements;
    $code->();
    return scalar grep { /$pattern/ } $self->statements;
}

# [ CONNECTION, COMMAND, TEXT ] of what the general log has gained: a text may have several lines.
sub _entries {
    my ($self) = @_;
    my $path = $self->directory . '/general_log';
    my @entries;

    open my $log, '<:raw', $path or die "$path: $!\n";
    seek $log, $self->{read}, 0 or die "$path: $!\n";
    while (my $line = <$log>) {
        if ($line =~ /^(?:\d{6}\s+\d+:\d\d:\d\d)?\t+\s*(\d+) ([A-Z]\w*(?: \w+)?)\t(.*)/s) { push @entries, [ $1, $2, $3 ] }
        elsif (@entries && $line !~ m{^(?:\S*mariadbd, Version:|Tcp port:|Time\s+Id )}) { $entries[-1][2] .= $line }
    }
    $self->{read} = tell $log;
    chomp $_->[2] for @entries;
    return @entries;
}

# -- how

sub _defaults { my ($self) = @_; return '--defaults-file=' . $self->directory . '/my.cnf' }

sub _client {
    my ($self, $arguments) = @_;
    my $defaults = $self->_defaults;
    return scalar `mariadb $defaults $arguments`;
}

sub _answers {
    my ($self) = @_;
    return 0 unless -S $self->socket;
    $self->_client('--batch --execute "SELECT 1" >/dev/null 2>&1');
    return $? == 0;
}

sub _install {
    my ($self) = @_;
    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        $self->_exec('mariadb-install-db', $self->_defaults, '--auth-root-authentication-method=normal', '--skip-test-db');
    }
    waitpid $pid, 0;
    die 'mariadb-install-db fails: ' . $self->error_log . IIIF::PrivateHttpd::slurp($self->directory . '/output') if $?;
    return;
}

sub _exec {
    my ($self, @command) = @_;
    my $output = $self->directory . '/output';

    unshift @command, 'setpriv', "--reuid=$NOBODY", '--regid=nogroup', '--clear-groups', '--' if $> == 0;
    open STDIN,  '<', '/dev/null' or POSIX::_exit(99);
    open STDOUT, '>', $output or POSIX::_exit(99);
    open STDERR, '>&', \*STDOUT or POSIX::_exit(99);
    { no warnings; exec { $command[0] } @command; }
    POSIX::_exit(99);
}

sub _end {
    my ($self, $signal) = @_;
    my $pid = $self->{pid} or return;

    kill $signal, $pid;
    kill 'CONT', $pid;    # one that is held still would wait for ever
    my $deadline = time + $PATIENCE;
    while (waitpid($pid, POSIX::WNOHANG()) == 0) {
        kill 'KILL', $pid if time > $deadline;
        sleep 0.02;
    }
    $self->{pid} = 0;
    return;
}

sub DESTROY {
    my ($self) = @_;
    return unless $$ == $owner;
    local ($@, $?);
    $self->kill9;
    return;
}

1;
