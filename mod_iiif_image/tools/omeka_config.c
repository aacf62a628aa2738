/* SPDX-License-Identifier: Apache-2.0 */
/* iiifctl omeka config: the lines of httpd.conf that tell a site to conf.d/omeka-s.conf. */
#include <apr_strings.h>
#include <apr_uri.h>
#include <stdio.h>
#include <string.h>

#include "iiif/info.h"
#include "tools/omeka.h"
#include "tools/output.h"
#include "tools/verbs.h"

#include "base/banned.h"

enum { BASE = IIIFCTL_OMEKA_OWN };

static const iiifctl_option_t options[] = {
    IIIFCTL_OMEKA_OPTIONS,
    { BASE, "base", "PATH", "of the site's URLs (default: as Image Server has noted it)" },
    { 0, NULL, NULL, NULL }
};

/* What is found out of a site. */
typedef struct found_t {
    apr_array_header_t *defines;  /* of define_t */
    apr_array_header_t *remarks;  /* of const char * */
    apr_array_header_t *settings; /* likewise: directives for the site's images */
    apr_array_header_t *warnings; /* likewise: what the lines cannot say */
    const iiifctl_omeka_t *omeka;
    apr_pool_t *pool;
} found_t;

typedef struct define_t {
    const char *name, *value;
} define_t;

static void remark(apr_array_header_t *where, const char *text)
{
    APR_ARRAY_PUSH(where, const char *) = text;
}

/* -- what httpd's configuration can hold --------------------------------------------------------
 */

/* A Define is read once as a line, and what it stands for again in the line that has it. */
static int fits_define(const char *value)
{
    return !strpbrk(value, "\"\\\r\n") && !strstr(value, "${");
}

/* Whoever may change Omeka's settings writes no lines of httpd's configuration by them. */
static void define(found_t *found, const char *name, const char *value)
{
    if (fits_define(value))
        APR_ARRAY_PUSH(found->defines, define_t) = (define_t){ name, value };
    else
        remark(found->warnings,
               apr_psprintf(found->pool,
                            "%s is left out: what the site has for it holds a quote, a backslash, "
                            "${ or the end of a line, which a Define cannot",
                            name));
}

static void define_database(found_t *found)
{
    const iiifctl_omeka_t *omeka = found->omeka;

    if (fits_define(omeka->params)) {
        define(found, "OMEKA_DATABASE", omeka->params);
        return;
    }
    define(found, "OMEKA_DATABASE", "group=omeka");
    remark(found->warnings,
           "the database's parameters have a quote, a backslash or ${, which a Define cannot hold: "
           "put user, password, database and host into a group [omeka] of /etc/mysql/my.cnf, "
           "readable for httpd's user alone");
}

/* -- what Omeka's settings say ------------------------------------------------------------------
 */

static int is_module_active(const iiifctl_omeka_t *omeka, const char *module)
{
    const char *values[] = { module };
    const iiifctl_question_t question = { "SELECT id FROM module WHERE id = %s AND is_active = 1",
                                          values };
    apr_array_header_t *rows;

    return iiifctl_database_select(&rows, omeka->database, &question, NULL, omeka->pool)
               == APR_SUCCESS
           && rows->nelts;
}

static int has_table(const iiifctl_omeka_t *omeka, const char *sql)
{
    const iiifctl_question_t question = { sql, NULL };
    apr_array_header_t *rows;

    return iiifctl_database_select(&rows, omeka->database, &question, NULL, omeka->pool)
           == APR_SUCCESS;
}

static int is_true(const cJSON *json)
{
    const char *text = cJSON_GetStringValue(json);

    return cJSON_IsTrue(json) || (cJSON_IsNumber(json) && cJSON_GetNumberValue(json) != 0)
           || (text && *text && strcmp(text, "0") != 0);
}

/* Within the quotes of SQL, in a line of httpd's. */
static int fits_query(const char *text)
{
    return !strpbrk(text, "'\"\\$%{");
}

/* A property by its number or its term: its local name, and the prefix of its vocabulary. */
static void define_property(found_t *found, const cJSON *property)
{
    const char *term = cJSON_GetStringValue(property);
    const char *values[] = { cJSON_IsNumber(property)
                                 ? apr_psprintf(found->pool, "%.0f", cJSON_GetNumberValue(property))
                                 : (term ? term : "") };
    const iiifctl_question_t question = {
        "SELECT p.local_name, y.prefix FROM property p JOIN vocabulary y ON y.id = p.vocabulary_id"
        " WHERE p.id = %lld",
        values
    };
    apr_array_header_t *rows;
    const char *colon = term ? strchr(term, ':') : NULL;
    const char *row[] = { NULL, NULL };

    if (colon) {
        row[0] = colon + 1;
        row[1] = apr_pstrmemdup(found->pool, term, (apr_size_t)(colon - term));
    }
    else if (iiifctl_database_select(&rows, found->omeka->database, &question, NULL, found->pool)
                 == APR_SUCCESS
             && rows->nelts)
        memcpy(row, APR_ARRAY_IDX(rows, 0, const char **), sizeof(row));
    if ((row[0] && !fits_query(row[0])) || (row[1] && !fits_query(row[1]))) {
        remark(found->warnings, "CleanUrl's property has a character that SQL or httpd reads as "
                                "its own: set OMEKA_PROPERTY to another");
        return;
    }
    if (row[0] && strcmp(row[0], "identifier") != 0)
        define(found, "OMEKA_PROPERTY", row[0]);
    if (row[1] && strcmp(row[1], "dcterms") != 0)
        define(found, "OMEKA_VOCABULARY", row[1]);
}

/* CleanUrl has one setting for each, or one for all of media, as its version is. */
static const cJSON *clean_setting(const iiifctl_omeka_t *omeka, const char *name)
{
    const cJSON *of_media = iiifctl_omeka_setting(omeka, "cleanurl_media");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(of_media, name);

    return value ? value
                 : iiifctl_omeka_setting(
                     omeka, apr_pstrcat(omeka->pool, "cleanurl_identifier_", name, NULL));
}

static void define_clean(found_t *found)
{
    const char *prefix = cJSON_GetStringValue(clean_setting(found->omeka, "prefix"));

    define_property(found, clean_setting(found->omeka, "property"));
    if (prefix && !fits_query(prefix))
        remark(found->warnings, "CleanUrl's prefix has a character that SQL or httpd reads as its "
                                "own: write an IIIFQuery for it");
    else if (prefix && *prefix)
        define(found, "OMEKA_PREFIX", prefix);
    if (is_true(clean_setting(found->omeka, "case_sensitive")))
        define(found, "OMEKA_CASE", "on");
}

static void define_identifier(found_t *found)
{
    const char *value = iiifctl_omeka_identifier(found->omeka);

    if (!value)
        value = is_module_active(found->omeka, "CleanUrl") ? "clean" : "media_id";
    define(found, "OMEKA_IDENTIFIER", value);
    if (!strcmp(value, "clean"))
        define_clean(found);
}

/* httpd matches a path before it decodes it. */
static char *encoded(const char *path, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, strlen(path) * 3 + 1), *to = text;

    for (; *path; ++path) {
        const unsigned char c = (unsigned char)*path;

        if (c == ' ' || c >= 0x80)
            to += apr_snprintf(to, 4, "%%%02X", c);
        else
            *to++ = *path;
    }
    *to = '\0';
    return text;
}

static void define_base(found_t *found, const char *given)
{
    const char *noted = iiifctl_omeka_text(found->omeka, "imageserver_base_url", "");
    const char *path = given;
    apr_uri_t uri;
    char *base;
    apr_size_t len;

    if (!path)
        path = apr_uri_parse(found->pool, noted, &uri) == APR_SUCCESS && uri.path ? uri.path : "";
    base = encoded(path, found->pool);
    for (len = strlen(base); len && base[len - 1] == '/';)
        base[--len] = '\0';
    define(found, "OMEKA_BASE", len ? base : "/");
}

/* Settings that other directives say; what they are now is worth a line. */
static void remark_settings(found_t *found)
{
    static const struct {
        const char *id, *is;
    } settings[] = {
        { "iiifserver_media_api_default_version", "version of URLs without one" },
        { "imageserver_info_rights", "where rights come from" },
        { "imageserver_info_rights_property", "here dcterms:license, then dcterms:rights" },
        { "iiifserver_append_cors_headers", "by PHP; images have it from httpd in any case" },
        { "imageserver_image_tile_type", "format of tiles that Omeka makes" },
    };
    unsigned i;

    for (i = 0; i < sizeof(settings) / sizeof(settings[0]); ++i) {
        const cJSON *value = iiifctl_omeka_setting(found->omeka, settings[i].id);
        char *text = value ? cJSON_PrintUnformatted(value) : NULL;

        if (text)
            remark(found->remarks, apr_psprintf(found->pool, "%s: %.100s, %s", settings[i].id, text,
                                                settings[i].is));
        cJSON_free(text);
    }
    if (has_table(found->omeka, "SELECT id FROM access_status WHERE id = -1"))
        remark(found->remarks, "the module Access is there: what is not free is left to Omeka");
}

/* Rights of what has none of its own, where Omeka gives it some. */
static void set_rights(found_t *found)
{
    const iiifctl_omeka_t *omeka = found->omeka;
    const char *mode = iiifctl_omeka_text(omeka, "imageserver_info_rights", "");
    const char *uri = iiifctl_omeka_text(omeka, "imageserver_info_rights_uri", "url");

    if (!strcmp(uri, "url"))
        uri = iiifctl_omeka_text(omeka, "imageserver_info_rights_url", "");
    if (!strstr(mode, "url") || !*uri)
        return;
    if (iiif_info_is_uri(uri) && fits_define(uri))
        remark(found->settings, apr_psprintf(found->pool, "IIIFRights %s", uri));
    else
        remark(found->remarks,
               "imageserver_info_rights_uri, or _url: no http or https URI, so that "
               "there is no IIIFRights");
}

static void set_version(found_t *found)
{
    const char *version =
        iiifctl_omeka_text(found->omeka, "iiifserver_media_api_default_version", "3");

    if (!strcmp(version, "2"))
        remark(found->settings, "IIIFVersions 2 3");
}

static void look(found_t *found, const char *base)
{
    const iiifctl_omeka_t *omeka = found->omeka;
    const char *usual = apr_pstrcat(found->pool, omeka->directory, "/files", NULL);

    define(found, "OMEKA_DIR", omeka->directory);
    if (strcmp(omeka->files, usual) != 0)
        define(found, "OMEKA_FILES", omeka->files);
    if (strcmp(omeka->tile_name, "tile") != 0)
        define(found, "OMEKA_TILES", omeka->tiles);
    define_database(found);
    define_base(found, base);
    define_identifier(found);
    if (strcmp(omeka->driver, "mysql") != 0)
        define(found, "OMEKA_DRIVER", omeka->driver);
    set_version(found);
    set_rights(found);
    remark_settings(found);
}

/* -- what is told -------------------------------------------------------------------------------
 */

static const char *defined(const found_t *found, const char *name, const char *otherwise)
{
    int i;

    for (i = 0; i < found->defines->nelts; ++i) {
        const define_t *one = &APR_ARRAY_IDX(found->defines, i, define_t);

        if (!strcmp(one->name, name))
            return one->value;
    }
    return otherwise;
}

static void tell_settings(const found_t *found)
{
    const char *base = defined(found, "OMEKA_BASE", "/");
    int i;

    if (!found->settings->nelts)
        return;
    printf("<Location \"%s/iiif\">\n", strcmp(base, "/") != 0 ? base : "");
    for (i = 0; i < found->settings->nelts; ++i)
        printf("    %s\n", APR_ARRAY_IDX(found->settings, i, const char *));
    printf("</Location>\n");
}

static void tell(const found_t *found)
{
    int i;

    for (i = 0; i < found->remarks->nelts; ++i)
        printf("# %s\n", APR_ARRAY_IDX(found->remarks, i, const char *));
    for (i = 0; i < found->defines->nelts; ++i) {
        const define_t *one = &APR_ARRAY_IDX(found->defines, i, define_t);

        printf("Define %s \"%s\"\n", one->name, one->value);
    }
    printf("Include conf-available/omeka-s.conf\n");
    tell_settings(found);
    for (i = 0; i < found->warnings->nelts; ++i)
        fprintf(stderr, "iiifctl omeka config: %s\n",
                APR_ARRAY_IDX(found->warnings, i, const char *));
}

static void add_texts(cJSON *object, const char *name, const apr_array_header_t *texts)
{
    cJSON *array = cJSON_AddArrayToObject(object, name);
    int i;

    for (i = 0; i < texts->nelts; ++i)
        cJSON_AddItemToArray(array, cJSON_CreateString(APR_ARRAY_IDX(texts, i, const char *)));
}

static void tell_json(const found_t *found)
{
    cJSON *object = cJSON_CreateObject();
    int i;

    for (i = 0; i < found->defines->nelts; ++i) {
        const define_t *one = &APR_ARRAY_IDX(found->defines, i, define_t);

        cJSON_AddStringToObject(object, one->name, one->value);
    }
    add_texts(object, "settings", found->settings);
    add_texts(object, "remarks", found->remarks);
    add_texts(object, "warnings", found->warnings);
    iiifctl_print_json(object);
}

static int run_config(const iiifctl_call_t *call)
{
    iiifctl_omeka_t omeka;
    found_t found = { .omeka = &omeka, .pool = call->pool };
    int code = iiifctl_omeka_open(&omeka, call);

    if (code != IIIFCTL_OK)
        return code;
    found.defines = apr_array_make(call->pool, 8, sizeof(define_t));
    found.remarks = apr_array_make(call->pool, 8, sizeof(const char *));
    found.settings = apr_array_make(call->pool, 2, sizeof(const char *));
    found.warnings = apr_array_make(call->pool, 2, sizeof(const char *));
    look(&found, iiifctl_value(call, BASE, NULL));
    if (iiifctl_has(call, IIIFCTL_OMEKA_JSON))
        tell_json(&found);
    else
        tell(&found);
    return IIIFCTL_OK;
}

const iiifctl_verb_t iiifctl_verb_omeka_config = {
    "omeka config", "OMEKA", "prints the lines of httpd.conf for a site of Omeka S", options,
    run_config
};
