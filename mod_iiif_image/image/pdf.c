/* SPDX-License-Identifier: Apache-2.0 */
/* A JPEG on a PDF page. Cairo embeds the JPEG's bytes as they are (DCTDecode), nothing is encoded
 * twice. */
#include <cairo-pdf.h>

#include "image/private.h"

#include "base/banned.h"

#define PAGE_MAX 14400.0 /* points a side: PDF 1.7, annex C.2 */

static cairo_status_t append(void *buffer, const unsigned char *data, unsigned length)
{
    g_byte_array_append(buffer, data, length);
    return CAIRO_STATUS_SUCCESS;
}

/* An opaque surface of the right size whose pixels are never touched: the JPEG stands for them. */
static cairo_surface_t *picture_of(const iiif_bytes_t *jpeg, iiif_dims_t dims)
{
    cairo_surface_t *picture =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)dims.width, (int)dims.height);

    if (cairo_surface_set_mime_data(picture, CAIRO_MIME_TYPE_JPEG, jpeg->data, jpeg->len, NULL,
                                    NULL)
        != CAIRO_STATUS_SUCCESS)
        cairo_surface_finish(picture); /* drawing a finished surface fails, an empty one is black */
    return picture;
}

static cairo_status_t draw(cairo_surface_t *page, cairo_surface_t *picture, double scale)
{
    cairo_t *cr = cairo_create(page);
    cairo_status_t status;

    cairo_scale(cr, scale, scale);
    cairo_set_source_surface(cr, picture, 0, 0);
    cairo_paint(cr);
    cairo_show_page(cr);
    status = cairo_status(cr);
    cairo_destroy(cr);
    return status;
}

apr_status_t iiif_pdf_from_jpeg(iiif_bytes_t *pdf, const iiif_bytes_t *jpeg, iiif_dims_t dims,
                                iiif_err_t *err)
{
    unsigned longer = dims.width > dims.height ? dims.width : dims.height;
    double scale = longer > PAGE_MAX ? PAGE_MAX / longer : 1;
    GByteArray *buffer = g_byte_array_new();
    cairo_surface_t *page = cairo_pdf_surface_create_for_stream(append, buffer, dims.width * scale,
                                                                dims.height * scale);
    cairo_surface_t *picture = picture_of(jpeg, dims);
    cairo_status_t status;

    cairo_pdf_surface_set_metadata(page, CAIRO_PDF_METADATA_CREATE_DATE,
                                   "1970-01-01T00:00:00Z"); /* same bytes each time */
    status = draw(page, picture, scale);
    cairo_surface_finish(page);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(page);
    cairo_surface_destroy(picture);
    cairo_surface_destroy(page);
    if (status != CAIRO_STATUS_SUCCESS) {
        g_byte_array_free(buffer, TRUE);
        return iiif_fail(err, APR_EGENERAL, "PDF: %s", cairo_status_to_string(status));
    }
    pdf->len = buffer->len;
    pdf->data = g_byte_array_free(buffer, FALSE);
    return APR_SUCCESS;
}
