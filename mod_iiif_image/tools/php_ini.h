/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_TOOLS_PHP_INI_H
#define IIIF_TOOLS_PHP_INI_H
/**
 * @file php_ini.h
 * @brief Files of settings as PHP's parse_ini_file() reads them: `name = value`, quoted or not.
 * @see https://www.php.net/manual/en/function.parse-ini-file.php
 */
#include <apr_pools.h>
#include <apr_tables.h>

#include "base/err.h"

/**
 * Read all values; of a name that comes twice, the last one counts. Sections are passed over.
 *
 * In double quotes, \", \' and \\ stand for the second character, and any other backslash for
 * itself; in single quotes all do. A text in quotes may go on over lines. Without quotes, a value
 * ends at a semicolon; null, no, off, false and none are empty, and yes, on and true are 1. What
 * PHP would compute is refused, rather than taken for something else: ${NAME}, operators without
 * quotes, text behind the quotes.
 *
 * @param values set on success, by names as they are spelled; in @a pool
 * @param text   the file, NUL-terminated; borrowed for the call
 * @param err    one sentence on failure, with the number of the line and without any value
 * @return APR_SUCCESS, or APR_EINVAL
 */
apr_status_t iiifctl_php_ini_read(apr_table_t **values, const char *text, iiif_err_t *err,
                                  apr_pool_t *pool);
#endif
