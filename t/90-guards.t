# SPDX-License-Identifier: Apache-2.0
# What no compiler sees: layers, headers, log ids, documented directives, sizes of functions and files.
use strict;
use warnings FATAL => 'all';
use Test::More;

my $SRC = 'mod_iiif_image';

sub slurp {
    my ($path) = @_;
    open my $fh, '<', $path or die "$path: $!\n";
    local $/;
    return scalar <$fh>;
}

sub files {
    my ($pattern) = @_;
    my @found = grep { /$pattern/ } split /\n/, `find $SRC t -type f`;
    die "nothing matches $pattern: nothing was checked\n" unless @found;
    return sort @found;
}

# -- layers and symbols
is system('apxs-build/check-layers'), 0, 'no layer reaches up';
my @exported = map { (split)[2] } split /\n/, `nm -D --defined-only apxs-build/lib/mod_iiif_image.so`;
is_deeply \@exported, ['iiif_image_module'], 'the module exports its record and nothing else';

# -- every header is complete in itself
my $flags = join ' ', "-I$SRC", '-D_GNU_SOURCE', map { chomp; $_ } `pkg-config --cflags vips libcjson apr-1 apr-util-1`,
    '-I' . `apxs -q INCLUDEDIR`;
$flags =~ s/\n//g;
for my $header (files(qr{^$SRC/.*\.h$})) {
    my $said = `echo '#include "$header"' | cc -x c -std=gnu11 -fsyntax-only -I. $flags - 2>&1`;
    is $said, '', "$header compiles alone";
}

# -- log ids: given out once, registered, and registered ones exist
my %ids;
for my $file (files(qr{^$SRC/.*\.c$})) {
    $ids{$_}++ for slurp($file) =~ /IIIF_LOGNO\((\d{4})\)/g;
}
my %registered = map { $_ => 1 } slurp("$SRC/doc/log-ids") =~ /\bIIIF(\d{4})\b/g;
ok %ids > 0, 'there are log ids';
is_deeply [ grep { $ids{$_} > 1 } sort keys %ids ], [], 'no log id is used twice';
is_deeply [ sort keys %ids ], [ sort keys %registered ], 'log ids and their register agree';

# -- directives: the table, the shipped configuration and the manual name the same ones
my @table = slurp("$SRC/httpd/directives.c") =~ /AP_INIT_\w+\("(IIIF\w+)"/g;
my %conf = map { $_ => 1 } slurp('conf.d/iiif-image.conf') =~ /^\s*#?\s*(IIIF\w+) /mg;
my %manual = map { $_ => 1 } slurp("$SRC/doc/directives.md") =~ /^## (IIIF\w+) Directive/mg;
ok @table > 10, 'there is a table of directives';
is_deeply [ sort keys %conf ],   [ sort @table ], 'conf.d/iiif-image.conf names every directive';
is_deeply [ sort keys %manual ], [ sort @table ], 'doc/directives.md explains every directive';
my $readme = slurp('README.md');
is_deeply [ grep { $readme !~ /\b$_\b/ } @table ], [], 'README.md lists every directive';

# -- what documents give to be copied: httpd takes "#" for an argument behind a directive
for my $file ('README.md', files(qr{^$SRC/.*\.md$})) {
    is_deeply [ slurp($file) =~ /^(?: {4,}|\t)(IIIF[A-Z][a-z]\w* .*\s# .*)/mg ], [], "no directive in $file has a comment behind it";
}

# -- a site's configuration: directives that there are, in comments too, and nothing left for the next site
my $omeka = slurp('conf.d/omeka-s.conf');
my %is_directive = map { $_ => 1 } @table;
my %defined   = map { $_ => 1 } $omeka =~ /\bDefine !?(OMEKA_\w+)(?![\w\$])/g, $omeka =~ /^#\s+(OMEKA_\w+)  /mg;
my %undefined = map { $_ => 1 } $omeka =~ /^\s+UnDefine (OMEKA_\w+)\n/mg;
is_deeply [ grep { !$is_directive{$_} } $omeka =~ /\b(IIIF[A-Z]\w+)\b/g ], [], 'conf.d/omeka-s.conf uses directives that there are';
is_deeply [ sort keys %undefined ], [ sort grep { !/_\z/ } keys %defined ], '  and leaves nothing defined';

# -- sizes: tables and tests apart, nothing is long
my @functions = map {
    my ($name, $file, $start, $end) = /^(\S+)\t(\S+)\t.*\tline:(\d+)\t.*?end:(\d+)/ ? ($1, $2, $3, $4) : ();
    $name ? { name => "$file:$name", lines => $end - $start + 1 } : ()
} split /\n/, `ctags -f - --languages=C --c-kinds=f --fields=+ne -R $SRC`;
ok @functions > 200, 'functions were found';
is_deeply [ map { "$_->{name} has $_->{lines}" } grep { $_->{lines} > 80 } @functions ], [], 'no function is over 80 lines';
my @by_length = sort { $a <=> $b } map { $_->{lines} } @functions;
cmp_ok $by_length[ @by_length / 2 ],   '<=', 15, 'half of all functions have at most 15 lines';
cmp_ok $by_length[ @by_length * 0.9 ], '<=', 45, 'nine of ten have at most 45';
is_deeply [ grep { (() = slurp($_) =~ /\n/g) >= 700 } files(qr{^$SRC/.*\.[ch]$}) ], [], 'no file is over 700 lines';

# -- licences
is_deeply [ grep { slurp($_) !~ /SPDX-License-Identifier: Apache-2\.0/ }
        grep { !/apache_test_config/ } files(qr{\.([ch]|t|pm|pl)$}) ], [],
    'every source says its licence';

done_testing;
