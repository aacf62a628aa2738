/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/real_file.h"

#include <apr_strings.h>
#include <httpd.h>
#include <http_core.h>
#include <string.h>

#include "base/path.h"
#include "iiif/identifier.h"

#include "base/banned.h"

/* The name of what is asked for, as a file of a real Deep Zoom or Zoomify; or of its descriptor. */
static const char *real_name(const iiif_request_t *request, int descriptor, apr_pool_t *pool)
{
    const iiif_deepzoom_tile_t *d = &request->deepzoom;
    const iiif_zoomify_tile_t *z = &request->zoomify;
    const char *name = request->identifier;

    switch ((int)request->kind) {
    case IIIF_REQUEST_DEEPZOOM: return apr_pstrcat(pool, name, ".dzi", NULL);
    case IIIF_REQUEST_DEEPZOOM_TILE:
        return descriptor ? apr_pstrcat(pool, name, ".dzi", NULL)
                          : apr_psprintf(pool, "%s_files/%u/%u_%u.%s", name, d->level, d->column,
                                         d->row, request->format);
    case IIIF_REQUEST_ZOOMIFY_TILE:
        if (!descriptor)
            return apr_psprintf(pool, "%s_zdata/TileGroup%" APR_UINT64_T_FMT "/%u-%u-%u.%s", name,
                                z->group, z->level, z->column, z->row, request->format);
        break;
    default: break;
    }
    return apr_pstrcat(pool, name, "_zdata/ImageProperties.xml", NULL);
}

static int is_real(const char **path, apr_finfo_t *finfo, const char *directory, const char *name,
                   apr_pool_t *pool)
{
    return iiif_path_join(path, directory, name, NULL, pool) == APR_SUCCESS
           && apr_stat(finfo, *path, APR_FINFO_MIN | IIIF_STAMP_WANTED, pool) == APR_SUCCESS
           && finfo->filetype == APR_REG;
}

static int is_in_document_root(request_rec *r)
{
    const char *decoded, *path;
    apr_finfo_t finfo;

    return iiif_percent_decode(&decoded, r->uri + 1, strlen(r->uri + 1), NULL, r->pool)
               == APR_SUCCESS
           && is_real(&path, &finfo, ap_document_root(r), decoded, r->pool);
}

static int is_tile(const iiif_request_t *reading)
{
    return reading->kind == IIIF_REQUEST_DEEPZOOM_TILE
           || reading->kind == IIIF_REQUEST_ZOOMIFY_TILE;
}

/* Files of other types, such as scripts, are not reached by the name of a tile. */
static const char *type_of(const iiif_request_t *reading)
{
    iiif_format_e format;

    if (!is_tile(reading))
        return "application/xml";
    return iiif_format_of_extension(&format, reading->format, (1u << IIIF_FORMATS) - 1)
               ? iiif_format(format)->mime_type
               : NULL;
}

iiif_real_e iiif_real_file(request_rec *r, iiif_real_t *found, const iiif_root_t *root,
                           const iiif_request_t *reading)
{
    iiif_source_ref_t real = { .page = 1 };
    const char *type = type_of(reading);

    if (is_in_document_root(r))
        return IIIF_REAL_ELSEWHERE;
    if (!root)
        return IIIF_REAL_NONE;
    if (type
        && is_real(&real.path, &real.finfo, root->directory, real_name(reading, 0, r->pool),
                   r->pool)) {
        *found = (iiif_real_t){ real, type };
        return IIIF_REAL_HERE;
    }
    return is_tile(reading)
                   && is_real(&real.path, &real.finfo, root->directory,
                              real_name(reading, 1, r->pool), r->pool)
               ? IIIF_REAL_ELSEWHERE
               : IIIF_REAL_NONE;
}
