/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directories of a TIFF: which are pages, which are smaller levels of a page.
 *
 * Levels are found where writers put them: SubIFDs (TIFF Technical Note 1), following directories
 * with the reduced-image bit of NewSubfileType (TIFF 6.0, page 36), or following directories
 * without it that halve again and again (ImageMagick's ptif, older writers). Their sizes are read,
 * never computed: libvips rounds down when it writes a pyramid, others up.
 *
 * A slide of Aperio's scanners (SVS) has its thumbnail in strips between the image and its levels,
 * none of them marked; by their own description of the format it is always the second directory.
 */
#include <apr_strings.h>
#include <apr_tables.h>
#include <math.h>
#include <string.h>

#include "image/private.h"
#include "image/tiff_file.h"

#include "base/banned.h"

#define DIRECTORIES_MAX 4096
#define SLIDE           "Aperio" /* how ImageDescription begins */

typedef struct directory_t {
    iiif_dims_t dims;
    iiif_dims_t tile; /* 0,0: strips */
    uint32_t strip;   /* rows of one; 0: tiles */
    uint32_t subfile; /* NewSubfileType */
    uint64_t offset;  /* of the directory in the file */
    int page;         /* index of the main directory */
    int subifd;       /* -1: the main directory itself */
    int slide;        /* it is of Aperio's */
} directory_t;

static int is_slide(TIFF *handle)
{
    const char *description; /* libtiff's own */

    return TIFFGetField(handle, TIFFTAG_IMAGEDESCRIPTION, &description)
           && !strncmp(description, SLIDE, sizeof(SLIDE) - 1);
}

static int read_directory(directory_t *directory, TIFF *handle, int page, int subifd)
{
    uint32_t width = 0, height = 0, tile_width = 0, tile_height = 0, subfile = 0, strip = 0;

    if (!TIFFGetField(handle, TIFFTAG_IMAGEWIDTH, &width)
        || !TIFFGetField(handle, TIFFTAG_IMAGELENGTH, &height) || !width || !height)
        return 0;
    TIFFGetFieldDefaulted(handle, TIFFTAG_SUBFILETYPE, &subfile);
    if (TIFFIsTiled(handle)) {
        TIFFGetField(handle, TIFFTAG_TILEWIDTH, &tile_width);
        TIFFGetField(handle, TIFFTAG_TILELENGTH, &tile_height);
    }
    else
        TIFFGetFieldDefaulted(handle, TIFFTAG_ROWSPERSTRIP, &strip);
    *directory = (directory_t){ .dims = { width, height },
                                .tile = { tile_width, tile_height },
                                .strip = MIN(strip, height),
                                .subfile = subfile,
                                .offset = TIFFCurrentDirOffset(handle),
                                .page = page,
                                .subifd = subifd,
                                .slide = is_slide(handle) };
    return 1;
}

/* Where the SubIFDs of the current directory are; libtiff frees its own list. */
static apr_array_header_t *subifd_offsets(TIFF *handle, apr_pool_t *pool)
{
    apr_array_header_t *kept = apr_array_make(pool, 1, sizeof(toff_t));
    uint16_t count = 0, i;
    toff_t *offsets = NULL;

    if (TIFFGetField(handle, TIFFTAG_SUBIFD, &count, &offsets)) {
        for (i = 0; i < count; ++i)
            APR_ARRAY_PUSH(kept, toff_t) = offsets[i];
    }
    return kept;
}

/* A main directory, and its SubIFDs: read when the chain is done, because going back to it from one
 * would mean walking it from its start. */
typedef struct chained_t {
    directory_t directory;
    apr_array_header_t *subifds;
} chained_t;

static apr_array_header_t *read_chain(TIFF *handle, apr_pool_t *pool)
{
    apr_array_header_t *chain = apr_array_make(pool, 16, sizeof(chained_t));
    chained_t next;

    do {
        if (!read_directory(&next.directory, handle, chain->nelts, -1))
            break;
        next.subifds = subifd_offsets(handle, pool);
        APR_ARRAY_PUSH(chain, chained_t) = next;
    } while (chain->nelts < DIRECTORIES_MAX && TIFFReadDirectory(handle));
    return chain;
}

/* Main directories in file order, each with its SubIFDs behind it. */
static apr_array_header_t *read_directories(TIFF *handle, apr_pool_t *pool)
{
    apr_array_header_t *chain = read_chain(handle, pool);
    apr_array_header_t *directories = apr_array_make(pool, 16, sizeof(directory_t));
    int page, i, tried = 0;

    for (page = 0; page < chain->nelts; ++page) {
        const chained_t *entry = &APR_ARRAY_IDX(chain, page, chained_t);

        APR_ARRAY_PUSH(directories, directory_t) = entry->directory;
        for (i = 0; i < entry->subifds->nelts && tried++ < DIRECTORIES_MAX; ++i) {
            directory_t directory;

            if (TIFFSetSubDirectory(handle, APR_ARRAY_IDX(entry->subifds, i, toff_t))
                && read_directory(&directory, handle, page, i))
                APR_ARRAY_PUSH(directories, directory_t) = directory;
        }
    }
    return directories;
}

/* The scale of a level along one side: an exact factor where the side is full/factor rounded up or
 * down, then pixel i covers [i*factor, (i+1)*factor); else the plain ratio. */
static double scale_of(apr_uint32_t full, apr_uint32_t side, double factor)
{
    double exact = full / factor;

    return side == floor(exact) || side == ceil(exact) ? factor : (double)full / side;
}

/* 2 for a half, 4 for a quarter…; from the longer side, which is told most exactly. */
static double nearest_factor(iiif_dims_t full, iiif_dims_t level)
{
    double ratio = full.width >= full.height ? (double)full.width / level.width
                                             : (double)full.height / level.height;

    return exp2(round(log2(ratio)));
}

static int halves(iiif_dims_t full, iiif_dims_t level)
{
    double factor = nearest_factor(full, level);

    return factor >= 2 && scale_of(full.width, level.width, factor) == factor
           && scale_of(full.height, level.height, factor) == factor;
}

static int is_smaller(iiif_dims_t a, iiif_dims_t b)
{
    return (apr_uint64_t)a.width * a.height < (apr_uint64_t)b.width * b.height;
}

/* One that does not say what it is has to be smaller than what it follows, @a above. */
static int is_level_of(const directory_t *level, const directory_t *base, iiif_dims_t above)
{
    if (level->subfile & FILETYPE_MASK)
        return 0;
    if (level->subifd >= 0)
        return level->page == base->page && halves(base->dims, level->dims);
    if (!(level->subfile & FILETYPE_REDUCEDIMAGE)
        && (level->subfile & FILETYPE_PAGE /* it says that it is a page of its own */
            || (level->dims.width >= above.width && level->dims.height >= above.height)))
        return 0;
    return halves(base->dims, level->dims);
}

static int is_thumbnail(const directory_t *directory, const directory_t *first)
{
    return first->slide && directory->page == 1 && directory->subifd < 0 && directory->strip
           && !halves(first->dims, directory->dims); /* as when another program wrote it anew */
}

/* Is this main directory an image of its own, not a level of the one before? */
static int starts_page(const directory_t *directory, const directory_t *page, iiif_dims_t above)
{
    if (directory->subifd >= 0 || (directory->subfile & (FILETYPE_MASK | FILETYPE_REDUCEDIMAGE)))
        return 0;
    return !page || !is_level_of(directory, page, above);
}

/* Where it belongs, largest first, in whatever order they are stored; one of each size. */
static void add_level(iiif_source_t *source, const directory_t *directory)
{
    double factor = nearest_factor(source->stored, directory->dims);
    iiif_level_t *levels = source->levels;
    int at = source->level_count;

    while (
        is_smaller(levels[at - 1].dims, directory->dims)) /* not the first, of which it is half */
        --at;
    if (source->level_count == IIIF_LEVELS_MAX
        || iiif_dims_equal(levels[at - 1].dims, directory->dims))
        return;
    memmove(levels + at + 1, levels + at, (size_t)(source->level_count++ - at) * sizeof(*levels));
    levels[at] =
        (iiif_level_t){ .dims = directory->dims,
                        .scale_x = scale_of(source->stored.width, directory->dims.width, factor),
                        .scale_y = scale_of(source->stored.height, directory->dims.height, factor),
                        .page = directory->page,
                        .subifd = directory->subifd,
                        .directory = directory->offset,
                        .shrink = 1 };
}

static void take_page(iiif_source_t *source, const directory_t *page)
{
    source->stored = page->dims;
    source->tile = page->tile;
    source->strip = page->strip;
    source->level_count = 1;
    source->levels[0] = (iiif_level_t){ .dims = page->dims,
                                        .scale_x = 1,
                                        .scale_y = 1,
                                        .page = page->page,
                                        .subifd = -1,
                                        .directory = page->offset,
                                        .shrink = 1 };
}

/* libvips does not tell these two of a TIFF. */
static void take_rights(iiif_source_t *source, TIFF *handle, apr_pool_t *pool)
{
    static const uint32_t tags[IIIF_RIGHTS] = {
        [IIIF_RIGHTS_ARTIST] = TIFFTAG_ARTIST, [IIIF_RIGHTS_COPYRIGHT] = TIFFTAG_COPYRIGHT
    };
    char *text;
    unsigned i;

    if (!TIFFSetSubDirectory(handle, source->levels[0].directory))
        return;
    for (i = 0; i < IIIF_RIGHTS; ++i) {
        if (TIFFGetField(handle, tags[i], &text))
            iiif_rights_take(source, (iiif_rights_e)i, text, pool);
    }
}

apr_status_t iiif_tiff_levels(iiif_source_t *source, unsigned page, iiif_err_t *err,
                              apr_pool_t *pool)
{
    iiif_tiff_t tiff;
    apr_array_header_t *directories;
    const directory_t *base = NULL;
    iiif_dims_t above = { 0, 0 };
    apr_pool_t *scratch;
    unsigned pages = 0;
    apr_status_t rv;
    int i;

    apr_pool_create(&scratch, pool);
    rv = iiif_tiff_open(&tiff, source->file, "r", err, scratch);
    if (rv != APR_SUCCESS)
        goto done;
    directories = read_directories(tiff.handle, scratch);
    for (i = 0; i < directories->nelts && pages <= page; ++i) {
        const directory_t *d = &APR_ARRAY_IDX(directories, i, directory_t);

        if (is_thumbnail(d, &APR_ARRAY_IDX(directories, 0, directory_t)))
            continue;
        if (starts_page(d, base, above)) {
            base = d;
            above = d->dims;
            if (++pages == page)
                take_page(source, d);
        }
        else if (!base || !is_level_of(d, base, above))
            continue;
        else if (pages == page)
            add_level(source, d);
        if (is_smaller(d->dims, above))
            above = d->dims;
    }
    if (!pages)
        rv = iiif_fail(err, IIIF_EBADSOURCE, "TIFF: no image in the file; %s", tiff.said.text);
    else if (pages < page)
        rv = iiif_fail(err, IIIF_ENOTFOUND, "the file has %u pages", pages);
    else
        take_rights(source, tiff.handle, pool);
done:
    apr_pool_destroy(scratch);
    return rv;
}
