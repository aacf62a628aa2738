/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting a render that nobody waits for any more. Whatever computes pixels, libvips tells of its
 * progress in between, a few rows or a tile at a time.
 *
 * What libraries do in one call comes to its end: the first row of a progressive JPEG or of an
 * interlaced PNG, which means reading all of the file; decoding a WebP, GIF, HEIF or AVIF; one tile
 * of a JPEG 2000, or 4 megapixels of it (image/jp2.c); compressing a WebP, GIF, AVIF or JPEG XL
 * once all of its pixels are there. These are what the estimate of memory bounds, too.
 */
#include "image/private.h"

#include "base/banned.h"

#define LOOK_EVERY (50 * G_TIME_SPAN_MILLISECOND)

typedef struct watch_t {
    const iiif_wanted_t *wanted;
    gint64 looked; /* when; 0: not yet */
} watch_t;

/* Called by the thread that waits for the pixels. */
static void look(VipsImage *watched, VipsProgress *progress, watch_t *watch)
{
    const gint64 now = g_get_monotonic_time();

    if (now - watch->looked < LOOK_EVERY)
        return;
    watch->looked = now;
    if (iiif_is_wanted(watch->wanted))
        return;
    vips_image_set_kill(watched, TRUE);
    vips_image_set_kill(progress->im, TRUE);
}

static void free_watch(gpointer watch, GClosure *closure)
{
    (void)closure;
    g_free(watch);
}

void iiif_watch(VipsImage *image, const iiif_wanted_t *wanted)
{
    watch_t *watch;

    if (!wanted)
        return;
    watch = g_new(watch_t, 1);
    *watch = (watch_t){ wanted, 0 };
    vips_image_set_progress(image, TRUE);
    g_signal_connect_data(image, "eval", G_CALLBACK(look), watch, free_watch, 0);
}
