# SPDX-License-Identifier: Apache-2.0
# The error log, after everything: no child died, nothing was reported that no test provoked.
use strict;
use warnings FATAL => 'all';
use Test::More;

open my $fh, '<', 't/logs/error_log' or die "no error log: $!\n";
my @lines = <$fh>;
ok @lines > 0, 'httpd has logged';
is_deeply [ grep { /exit signal|AddressSanitizer|runtime error|\[\w+:(crit|alert|emerg)\]/ } @lines ], [],
    'no child died, and no sanitizer spoke';

# Errors of ours are about the sources that were made to be damaged, or live below a directory for it.
my @ours = grep { /IIIF0002/ } @lines;
is_deeply [ grep { !/IIIF0002: \S*(damaged|truncated|lying|zeros|random|text|empty|loop|outside|broken|unreadable)/ } @ours ], [],
    'every error that was logged was provoked';
done_testing;
