/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/omeka.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "tools/php_ini.h"

#include "base/banned.h"

#define INI_MAX 65536 /* bytes of database.ini */

int iiifctl_omeka_failed(const iiifctl_call_t *call, const iiif_err_t *err)
{
    fprintf(stderr, "iiifctl %s: %s\n", call->verb->name, err->text);
    return IIIFCTL_FAILED;
}

/* -- database.ini -------------------------------------------------------------------------------
 */

/* Names in database.ini, and those that apr_dbd_mysql has for them; in the order of the latter. */
static const struct {
    const char *ini, *param;
} names[] = {
    { "host", "host" }, { "port", "port" },     { "unix_socket", "sock" },
    { "user", "user" }, { "password", "pass" }, { "dbname", "dbname" },
};

/* What ends a value in the parameters of apr_dbd_mysql. */
#define ENDS " \t\r\n;|,"

static apr_status_t read_ini(apr_table_t **values, const char *path, iiif_err_t *err,
                             apr_pool_t *pool)
{
    char *text = apr_palloc(pool, INI_MAX + 1), reason[120];
    apr_size_t len = 0;
    apr_file_t *file;
    iiif_err_t said = { "" };
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);

    if (rv != APR_SUCCESS)
        return iiif_fail(err, rv, "%s: %s", path, apr_strerror(rv, reason, sizeof(reason)));
    apr_file_read_full(file, text, INI_MAX, &len);
    apr_file_close(file);
    text[len] = '\0';
    rv = iiifctl_php_ini_read(values, text, &said, pool);
    return rv == APR_SUCCESS ? rv : iiif_fail(err, rv, "%s: %.150s", path, said.text);
}

static apr_status_t params_of_ini(const char **params, const char *path, iiif_err_t *err,
                                  apr_pool_t *pool)
{
    apr_table_t *values = NULL;
    const char *text = "";
    apr_status_t rv = read_ini(&values, path, err, pool);
    unsigned i;

    for (i = 0; values && i < sizeof(names) / sizeof(names[0]); ++i) {
        const char *value = apr_table_get(values, names[i].ini);

        if (!value || !*value)
            continue;
        if (strpbrk(value, ENDS))
            return iiif_fail(err, APR_EINVAL,
                             "%s: no parameter of apr_dbd_mysql can hold a blank, tab, ';', '|' or "
                             "',', as %s has: put it into my.cnf, and give --params group=...",
                             path, names[i].ini);
        text = apr_pstrcat(pool, text, *text ? "," : "", names[i].param, "=", value, NULL);
    }
    if (values)
        *params = text;
    return rv;
}

/* -- the site -----------------------------------------------------------------------------------
 */

apr_status_t iiifctl_omeka_connect(iiifctl_database_t **database, const iiifctl_omeka_t *omeka,
                                   iiif_err_t *err, apr_pool_t *pool)
{
    return iiifctl_database_open(database, omeka->driver, omeka->params, err, pool);
}

static apr_status_t delete_json(void *data)
{
    cJSON_Delete(data);
    return APR_SUCCESS;
}

const cJSON *iiifctl_omeka_setting(const iiifctl_omeka_t *omeka, const char *id)
{
    const char *values[] = { id };
    const iiifctl_question_t question = { "SELECT value FROM setting WHERE id = %s", values };
    apr_array_header_t *rows;
    const char *text = NULL;
    cJSON *json;

    if (iiifctl_database_select(&rows, omeka->database, &question, NULL, omeka->pool) == APR_SUCCESS
        && rows->nelts)
        text = APR_ARRAY_IDX(rows, 0, const char **)[0];
    json = text ? cJSON_Parse(text) : NULL;
    if (json)
        apr_pool_cleanup_register(omeka->pool, json, delete_json, apr_pool_cleanup_null);
    return json;
}

const char *iiifctl_omeka_text(const iiifctl_omeka_t *omeka, const char *id, const char *otherwise)
{
    const char *text = cJSON_GetStringValue(iiifctl_omeka_setting(omeka, id));

    return text && *text ? text : otherwise;
}

const char *iiifctl_omeka_identifier(const iiifctl_omeka_t *omeka)
{
    static const struct {
        const char *omeka, *define;
    } identifiers[] = {
        { "media_id", "media_id" },
        { "storage_id", "storage_id" },
        { "filename", "filename" },
        { "filename_image", "filename" },
    };
    const char *mode = iiifctl_omeka_text(omeka, "iiifserver_media_api_identifier", "default");
    unsigned i;

    for (i = 0; i < sizeof(identifiers) / sizeof(identifiers[0]); ++i) {
        if (!strcmp(identifiers[i].omeka, mode))
            return identifiers[i].define;
    }
    return NULL;
}

static apr_status_t find_tiles(iiifctl_omeka_t *omeka, iiif_err_t *err)
{
    omeka->originals = apr_pstrcat(omeka->pool, omeka->files, "/original", NULL);
    omeka->tile_name = iiifctl_omeka_text(omeka, "imageserver_image_tile_dir", "tile");
    return iiif_path_join(&omeka->tiles, omeka->files, omeka->tile_name, err, omeka->pool);
}

int iiifctl_omeka_open(iiifctl_omeka_t *omeka, const iiifctl_call_t *call)
{
    const char *where = iiifctl_value(call, IIIFCTL_OMEKA_WHERE, NULL);
    iiif_err_t err = { "" };
    apr_status_t rv = APR_SUCCESS;

    if (call->operands->nelts != 1)
        return iiifctl_usage(call, "one directory of Omeka S has to be given");
    *omeka = (iiifctl_omeka_t){
        .directory = iiifctl_absolute(APR_ARRAY_IDX(call->operands, 0, const char *), call->pool),
        .driver = iiifctl_value(call, IIIFCTL_OMEKA_DRIVER, "mysql"),
        .params = iiifctl_value(call, IIIFCTL_OMEKA_PARAMS, NULL),
        .where = where ? iiifctl_database_escape(where, call->pool) : NULL,
        .pool = call->pool,
    };
    omeka->files =
        iiifctl_absolute(iiifctl_value(call, IIIFCTL_OMEKA_FILES,
                                       apr_pstrcat(call->pool, omeka->directory, "/files", NULL)),
                         call->pool);
    if (!omeka->params)
        rv = params_of_ini(&omeka->params,
                           apr_pstrcat(call->pool, omeka->directory, "/config/database.ini", NULL),
                           &err, call->pool);
    if (rv == APR_SUCCESS)
        rv = iiifctl_omeka_connect(&omeka->database, omeka, &err, call->pool);
    if (rv == APR_SUCCESS)
        rv = find_tiles(omeka, &err);
    return rv == APR_SUCCESS ? IIIFCTL_OK : iiifctl_omeka_failed(call, &err);
}

/* -- its media ----------------------------------------------------------------------------------
 */

#define FROM_MEDIA                                                                                 \
    " FROM media m JOIN resource r ON r.id = m.id"                                                 \
    " WHERE m.has_original = 1 AND m.storage_id IS NOT NULL AND m.media_type LIKE 'image/%%'"

/* @return false: it has no file (any more) */
static int read_media(iiifctl_media_t *media, const char *const *row, apr_pool_t *pool)
{
    const char *storage_id = row[1], *extension = row[2] && *row[2] ? row[2] : NULL;

    *media = (iiifctl_media_t){
        row[0],
        storage_id,
        extension,
        row[3],
        extension ? apr_pstrcat(pool, storage_id, ".", extension, NULL) : storage_id,
    };
    return storage_id != NULL;
}

apr_status_t iiifctl_omeka_media(apr_array_header_t **media, const iiifctl_omeka_t *omeka,
                                 const iiifctl_media_query_t *query, iiif_err_t *err,
                                 apr_pool_t *pool)
{
    const char *sql = apr_pstrcat(pool, "SELECT m.id, m.storage_id, m.extension, ",
                                  query->data ? "m.data" : "NULL", FROM_MEDIA " AND m.id > %lld",
                                  omeka->where ? " AND (" : "", omeka->where ? omeka->where : "",
                                  omeka->where ? ")" : "",
                                  " ORDER BY m.id LIMIT " APR_STRINGIFY(IIIFCTL_MEDIA_BATCH), NULL);
    const char *values[] = { query->after };
    const iiifctl_question_t question = { sql, values };
    apr_array_header_t *rows;
    apr_status_t rv = iiifctl_database_select(&rows, omeka->database, &question, err, pool);
    int i;

    if (rv != APR_SUCCESS)
        return rv;
    *media = apr_array_make(pool, rows->nelts, sizeof(iiifctl_media_t));
    for (i = 0; i < rows->nelts; ++i) {
        iiifctl_media_t one;

        if (read_media(&one, APR_ARRAY_IDX(rows, i, const char **), pool))
            APR_ARRAY_PUSH(*media, iiifctl_media_t) = one;
    }
    return rv;
}

apr_status_t iiifctl_omeka_medium(const iiifctl_media_t **media, const iiifctl_omeka_t *omeka,
                                  const char *column, const char *value, iiif_err_t *err,
                                  apr_pool_t *pool)
{
    const char *sql =
        apr_pstrcat(pool, "SELECT m.id, m.storage_id, m.extension, m.data FROM media m WHERE ",
                    column, " = %s", NULL);
    const char *values[] = { value };
    const iiifctl_question_t question = { sql, values };
    apr_array_header_t *rows;
    iiifctl_media_t *found = NULL;
    apr_status_t rv = iiifctl_database_select(&rows, omeka->database, &question, err, pool);
    int i;

    /* a collation finds more than what is equal */
    for (i = 0; rv == APR_SUCCESS && !found && i < rows->nelts; ++i) {
        iiifctl_media_t one;

        if (read_media(&one, APR_ARRAY_IDX(rows, i, const char **), pool)
            && (!strcmp(value, one.id) || !strcmp(value, one.storage_id)))
            found = apr_pmemdup(pool, &one, sizeof(one));
    }
    if (rv == APR_SUCCESS)
        *media = found;
    return rv;
}

apr_status_t iiifctl_omeka_write(int *changed, const iiifctl_omeka_t *omeka,
                                 const iiifctl_media_t *media, const char *data, iiif_err_t *err,
                                 apr_pool_t *pool)
{
    const char *is =
        media->data ? iiifctl_database_same(omeka->database, "data", pool) : "data IS NULL";
    const char *sql =
        apr_pstrcat(pool, "UPDATE media SET data = %s WHERE id = %lld AND ", is, NULL);
    const char *values[] = { data, media->id, media->data };
    const iiifctl_question_t question = { sql, values };

    return iiifctl_database_change(changed, omeka->database, &question, err, pool);
}
