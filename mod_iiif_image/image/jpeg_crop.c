/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of MCUs is a run of bits. Those that stay are copied as they are, those that go are only
 * walked over. A DC coefficient is stored as the difference from the one before of its component
 * (T.81, F.1.1.5.1): behind a gap, that of the first block of each component is written anew.
 *
 * Bits are counted from the first of the scan, after the stuffed zeros (B.1.1.5) are taken out.
 */
#include "image/jpeg_crop.h"

#include <glib.h>
#include <string.h>

#include "image/jpeg_segment.h"

#include "base/banned.h"

/* bits that one look into a table decides about */
#define LOOK  9
#define LOOKS (1 << LOOK)
/* looks at one word of 57 bits: two take at most 2 * (LOOK + AC_MAX), the last sees 16 more */
#define WORD_LOOKS 3
/* blocks in an MCU: B.2.3 */
#define BLOCKS_MAX 10
/* bits of a DC difference and of an AC coefficient, of 8-bit samples: tables F.1 and F.2 */
#define DC_MAX 11
#define AC_MAX 10
/* bytes: a block has 64 codes of 16 bits with a value each, and a word is read at its end */
#define BLOCK_MAX 256
/* step_t.run of an end-of-block code: more coefficients than a block has */
#define END 128

enum { MARKER = 0xFF, EOI = 0xD9, SOS = 0xDA, DHT = 0xC4 };

/* What a code takes of the stream. */
typedef struct step_t {
    unsigned char code; /* bits of the code; 0: there is none */
    unsigned char bits; /* of the code and its value */
    unsigned char run;  /* AC: coefficients it stands for, or END */
} step_t;

/* Several AC codes at once, as many as LOOK bits show to their end. */
typedef struct chain_t {
    unsigned char bits; /* 0: look at the single code */
    unsigned char run;  /* their sum; with END, if the last is one */
} chain_t;

/* A Huffman table. Codes of one length are consecutive, and left-aligned they ascend (annex C). */
typedef struct table_t {
    int ac, filled;
    apr_uint32_t limit[17]; /* by length: the first 16 bits above its codes */
    int offset[17];         /* by length: from a code to the place of its symbol */
    unsigned char symbols[256];
    struct {
        apr_uint32_t code;
        unsigned length; /* 0: there is none */
    } dc[DC_MAX + 1];    /* DC: by bits of the difference, to write one */
    step_t single[LOOKS];
    chain_t chain[LOOKS];
} table_t;

typedef struct block_t {
    const table_t *dc, *ac;
    int component;
    int first; /* of its component in the MCU */
} block_t;

/* The scan and where in it we are. */
typedef struct walk_t {
    const unsigned char *bits; /* BLOCK_MAX zeros follow */
    apr_uint64_t at, end;
    apr_int64_t dc[4]; /* the last of each component */
    block_t blocks[BLOCKS_MAX];
    int block_count;
} walk_t;

/* Bits being written. */
typedef struct pen_t {
    unsigned char *bytes;
    apr_size_t len;
    apr_uint64_t pending;
    unsigned count; /* of the pending bits, below 32 */
} pen_t;

/* What is kept, in MCUs. */
typedef struct grid_t {
    apr_uint32_t columns, kept_columns, kept_rows;
} grid_t;

/* All that one crop needs, in one piece of memory. */
typedef struct bench_t {
    table_t tables[2][4]; /* [ac][slot] */
    walk_t walk;
    pen_t pen;
    grid_t grid;
    apr_size_t frame; /* where the frame's height stands in the stream */
} bench_t;

/* -- tables ----------------------------------------------------------------------------------- */

static step_t step_of_symbol(const table_t *table, unsigned symbol, unsigned length)
{
    unsigned size = table->ac ? symbol & 15 : symbol, run = table->ac ? symbol >> 4 : 0;
    step_t none = { 0, 0, 0 };

    if (size > (table->ac ? AC_MAX : DC_MAX) || (table->ac && !size && run != 0 && run != 15))
        return none;
    return (step_t){ .code = (unsigned char)length,
                     .bits = (unsigned char)(length + size),
                     .run = (unsigned char)(table->ac && !symbol ? END : run + 1) };
}

/* The code that begins with the 16 bits of @a look, by its length. */
static step_t long_step(const table_t *table, apr_uint32_t look)
{
    step_t none = { 0, 0, 0 };
    unsigned length = 1;

    while (length <= 16 && look >= table->limit[length])
        ++length;
    if (length > 16)
        return none;
    return step_of_symbol(
        table, table->symbols[(int)(look >> (16 - length)) + table->offset[length]], length);
}

/* The same, faster: most codes are seen in LOOK bits. */
static inline step_t step_of(const table_t *table, apr_uint32_t look)
{
    step_t step = table->single[look >> (16 - LOOK)];

    return step.code ? step : long_step(table, look);
}

/* Several AC codes that are seen whole are one step; their values may lie beyond what is seen. */
static void chain_steps(table_t *table)
{
    unsigned i;

    for (i = 0; i < LOOKS; ++i) {
        step_t next = table->single[i];
        unsigned bits = 0, run = 0;

        while (next.code && bits + next.code <= LOOK && run + next.run % END <= 64) {
            bits += next.bits;
            run += next.run;
            if (bits >= LOOK || next.run == END)
                break;
            next = table->single[(i << bits) & (LOOKS - 1)];
        }
        table->chain[i] = (chain_t){ (unsigned char)bits, (unsigned char)run };
    }
}

/* Write down the codes of one length, and where a look finds them. */
static void add_codes(table_t *table, const iiif_jpeg_code_t *code, unsigned length, int from)
{
    apr_uint32_t value = (apr_uint32_t)(from - table->offset[length]);
    int i;

    for (i = from; i < from + code->counts[length - 1]; ++i, ++value) {
        unsigned symbol = code->symbols[i];
        step_t step = step_of_symbol(table, symbol, length);
        unsigned k;

        if (!table->ac && symbol <= DC_MAX) {
            table->dc[symbol].code = value;
            table->dc[symbol].length = length;
        }
        for (k = 0; length <= LOOK && k < 1u << (LOOK - length); ++k)
            table->single[(value << (LOOK - length)) + k] = step;
    }
}

/* Annex C. 0: more codes of a length than there are. */
static int fill_table(table_t *table, const iiif_jpeg_code_t *code)
{
    apr_uint32_t next = 0;
    unsigned length;
    int from = 0;

    memset(table, 0, sizeof(*table));
    table->ac = code->ac;
    memcpy(table->symbols, code->symbols, (size_t)code->count);
    for (length = 1; length <= 16; ++length) {
        table->offset[length] = from - (int)next;
        next += code->counts[length - 1];
        if (next > 1u << length)
            return 0;
        add_codes(table, code, length, from);
        from += code->counts[length - 1];
        table->limit[length] = next << (16 - length);
        next <<= 1;
    }
    if (table->ac)
        chain_steps(table);
    table->filled = 1;
    return 1;
}

/* -- the walk --------------------------------------------------------------------------------- */

/* The next 64 bits; all but the last 7 are right. */
static inline apr_uint64_t look_at(const unsigned char *bits, apr_uint64_t at)
{
    apr_uint64_t word;

    memcpy(&word, bits + (at >> 3), sizeof(word));
    return GUINT64_FROM_BE(word) << (at & 7);
}

/* F.2.2.1; 0: no such code. */
static int read_dc(walk_t *walk, const block_t *block)
{
    apr_uint64_t look = look_at(walk->bits, walk->at);
    step_t step = step_of(block->dc, (apr_uint32_t)(look >> 48));
    unsigned size = step.bits - step.code;
    apr_int64_t value;

    if (!step.code)
        return 0;
    if (size) {
        value = (apr_int64_t)(look << step.code >> (64 - size));
        if (value < 1 << (size - 1))
            value -= (1 << size) - 1;
        walk->dc[block->component] += value;
    }
    walk->at += step.bits;
    return 1;
}

/* Is a block that ends here, or goes on at coefficient @a k, one of 64? */
static inline int ends_well(unsigned k)
{
    return k <= 64 || (k > END && k < END + 64);
}

/* F.2.2.2, the values unread; 0: no such code, or more than 63 coefficients. */
static int skip_ac(walk_t *walk, const table_t *ac)
{
    apr_uint64_t at = walk->at, look = 0;
    unsigned k = 1; /* the coefficient that comes next */
    int looks = 0;  /* that the word is still good for */

    while (k < 64) {
        chain_t chain;
        step_t step;

        if (looks-- == 0) {
            look = look_at(walk->bits, at);
            looks = WORD_LOOKS - 1;
        }
        chain = ac->chain[look >> (64 - LOOK)];
        if (chain.bits && ends_well(k + chain.run)) {
            k += chain.run;
            at += chain.bits;
            look <<= chain.bits;
            continue;
        }
        step = step_of(ac, (apr_uint32_t)(look >> 48)); /* a long code, or the block ends within */
        k += step.run;
        at += step.bits;
        looks = 0;
        if (!step.code || !ends_well(k))
            return 0;
    }
    walk->at = at;
    return 1;
}

static int skip_mcus(walk_t *walk, apr_uint32_t count)
{
    for (; count; --count) {
        int i;

        for (i = 0; i < walk->block_count; ++i) {
            if (!read_dc(walk, &walk->blocks[i]) || !skip_ac(walk, walk->blocks[i].ac)
                || walk->at > walk->end)
                return 0;
        }
    }
    return 1;
}

/* -- writing ---------------------------------------------------------------------------------- */

/* At most 32 bits. */
static void put(pen_t *pen, apr_uint64_t bits, unsigned count)
{
    apr_uint32_t word;

    pen->pending = pen->pending << count | bits;
    pen->count += count;
    if (pen->count < 32)
        return;
    pen->count -= 32;
    word = GUINT32_TO_BE((apr_uint32_t)(pen->pending >> pen->count));
    memcpy(pen->bytes + pen->len, &word, sizeof(word));
    pen->len += sizeof(word);
}

static void copy_bits(pen_t *pen, const unsigned char *bits, apr_uint64_t from, apr_uint64_t to)
{
    for (; to - from >= 32; from += 32)
        put(pen, look_at(bits, from) >> 32, 32);
    if (to > from)
        put(pen, look_at(bits, from) >> (64 - (to - from)), (unsigned)(to - from));
}

/* F.1.2.1; 0: the table has no code for it. */
static int put_dc(pen_t *pen, const table_t *table, apr_int64_t difference)
{
    apr_int64_t magnitude = difference < 0 ? -difference : difference;
    unsigned size = 0;

    while (size <= DC_MAX && magnitude >> size)
        ++size;
    if (size > DC_MAX || !table->dc[size].length)
        return 0;
    put(pen, table->dc[size].code, table->dc[size].length);
    if (size)
        put(pen, (apr_uint64_t)(difference < 0 ? difference + (1 << size) - 1 : difference), size);
    return 1;
}

/* F.1.2.3: the last byte is filled with ones. */
static void close_pen(pen_t *pen)
{
    unsigned fill = (8 - pen->count % 8) % 8;

    put(pen, (1u << fill) - 1, fill);
    for (; pen->count; pen->count -= 8)
        pen->bytes[pen->len++] = (unsigned char)(pen->pending >> (pen->count - 8));
}

/* -- the cut ---------------------------------------------------------------------------------- */

/* The first MCU behind a gap; @a dc is what stands in front of it now. The bits up to the last new
 * difference are written. @return where the bits that can be copied begin; 0: it cannot be */
static apr_uint64_t put_mcu(bench_t *bench, const apr_int64_t dc[4])
{
    walk_t *walk = &bench->walk;
    apr_uint64_t from = walk->at;
    int i;

    for (i = 0; i < walk->block_count; ++i) {
        const block_t *block = &walk->blocks[i];
        apr_uint64_t start = walk->at;

        if (!read_dc(walk, block))
            return 0;
        if (block->first) {
            copy_bits(&bench->pen, walk->bits, from, start);
            if (!put_dc(&bench->pen, block->dc, walk->dc[block->component] - dc[block->component]))
                return 0;
            from = walk->at;
        }
        if (!skip_ac(walk, block->ac) || walk->at > walk->end)
            return 0;
    }
    return from;
}

static int crop_scan(bench_t *bench)
{
    const grid_t *grid = &bench->grid;
    walk_t *walk = &bench->walk;
    apr_uint32_t row, gap = grid->columns - grid->kept_columns;
    apr_uint64_t from = 0;
    apr_int64_t dc[4];

    for (row = 0; row < grid->kept_rows; ++row) {
        int behind_gap = row > 0 && gap;

        if (behind_gap && (!skip_mcus(walk, gap) || !(from = put_mcu(bench, dc))))
            return 0;
        if (!skip_mcus(walk, grid->kept_columns - (behind_gap ? 1 : 0)))
            return 0;
        copy_bits(&bench->pen, walk->bits, from, walk->at);
        from = walk->at;
        memcpy(dc, walk->dc, sizeof(dc));
    }
    close_pen(&bench->pen);
    return 1;
}

/* -- the stream ------------------------------------------------------------------------------- */

static int add_blocks(bench_t *bench, const iiif_jpeg_header_t *header, int component, int tables)
{
    /* a scan of one component is not interleaved, whatever its sampling: A.2.2 */
    int count =
        header->components == 1 ? 1 : header->horizontal[component] * header->vertical[component];
    const table_t *dc = &bench->tables[0][tables >> 4], *ac = &bench->tables[1][tables & 15];
    int i;

    if (bench->walk.block_count + count > BLOCKS_MAX || !dc->filled || !ac->filled)
        return 0;
    for (i = 0; i < count; ++i)
        bench->walk.blocks[bench->walk.block_count++] = (block_t){ dc, ac, component, i == 0 };
    return 1;
}

/* The segments in front of the scan are known to be well formed: there is a header of them. */
static int read_segments(bench_t *bench, const unsigned char *data,
                         const iiif_jpeg_header_t *header)
{
    iiif_jpeg_segment_t segment = { .marker = 0 };
    iiif_jpeg_code_t code;
    apr_size_t cursor = 2;
    int i;

    while (segment.marker != SOS
           && iiif_jpeg_segment_next(&segment, data, header->length, &cursor) == IIIF_JPEG_IS) {
        if (segment.marker == 0xC0 + header->process)
            bench->frame = (apr_size_t)(segment.body + 1 - data);
        while (segment.marker == DHT && iiif_jpeg_code_next(&code, &segment) > 0) {
            if (!fill_table(&bench->tables[code.ac][code.slot], &code))
                return 0;
        }
    }
    for (i = 0; i < header->components; ++i) {
        if (segment.body[1 + 2 * i] != header->ids[i]
            || !add_blocks(bench, header, i, segment.body[2 + 2 * i]))
            return 0;
    }
    return 1;
}

/* Take the stuffed zeros out of the scan. @return bytes written; 0: it does not end with EOI */
static apr_size_t unstuff(unsigned char *bytes, const unsigned char *scan, apr_size_t len)
{
    const unsigned char *end = scan + len, *stop;
    apr_size_t count = 0;

    while ((stop = memchr(scan, MARKER, (size_t)(end - scan))) && stop + 1 < end) {
        memcpy(bytes + count, scan, (size_t)(stop - scan));
        count += (apr_size_t)(stop - scan);
        if (stop[1] != 0) {
            while (stop < end && *stop == MARKER)
                ++stop;
            return stop < end && *stop == EOI ? count : 0;
        }
        bytes[count++] = MARKER;
        scan = stop + 2;
    }
    return 0;
}

static unsigned char *stuff(unsigned char *to, const unsigned char *bytes, apr_size_t len)
{
    const unsigned char *end = bytes + len, *stop;

    while ((stop = memchr(bytes, MARKER, (size_t)(end - bytes)))) {
        memcpy(to, bytes, (size_t)(stop - bytes) + 1);
        to += stop - bytes + 1;
        *to++ = 0;
        bytes = stop + 1;
    }
    memcpy(to, bytes, (size_t)(end - bytes));
    return to + (end - bytes);
}

static int write_stream(iiif_bytes_t *out, const bench_t *bench, const unsigned char *data,
                        apr_size_t head, iiif_dims_t dims)
{
    const pen_t *pen = &bench->pen;
    const unsigned char frame[4] = { (unsigned char)(dims.height >> 8), (unsigned char)dims.height,
                                     (unsigned char)(dims.width >> 8), (unsigned char)dims.width };
    unsigned char *made = g_try_malloc(head + 2 * pen->len + 2), *to;

    if (!made)
        return 0;
    memcpy(made, data, head);
    memcpy(made + bench->frame, frame, sizeof(frame));
    to = stuff(made + head, pen->bytes, pen->len);
    *to++ = MARKER;
    *to++ = EOI;
    *out = (iiif_bytes_t){ made, (apr_size_t)(to - made) };
    return 1;
}

static grid_t grid_of(const iiif_jpeg_header_t *header, iiif_dims_t dims)
{
    apr_uint32_t width = 8, height = 8;
    int i;

    for (i = 0; header->components > 1 && i < header->components; ++i) {
        width = MAX(width, 8 * (apr_uint32_t)header->horizontal[i]);
        height = MAX(height, 8 * (apr_uint32_t)header->vertical[i]);
    }
    return (grid_t){ .columns = (header->dims.width + width - 1) / width,
                     .kept_columns = (dims.width + width - 1) / width,
                     .kept_rows = (dims.height + height - 1) / height };
}

int iiif_jpeg_crop(iiif_bytes_t *out, const unsigned char *data, apr_size_t len,
                   const iiif_jpeg_header_t *header, iiif_dims_t dims)
{
    grid_t grid = grid_of(header, dims);
    apr_size_t scan = len - header->length;
    /* a new difference is at most 27 bits for 2 or more */
    apr_size_t grown = scan + 4 * (apr_size_t)header->components * grid.kept_rows + 8;
    unsigned char *bytes;
    bench_t *bench;
    int made = 0;

    if (!header->baseline || !header->interleaved || header->restart)
        return 0;
    bench = g_try_malloc0(sizeof(*bench));
    bytes = g_try_malloc(scan + BLOCK_MAX + grown);
    if (bench && bytes && read_segments(bench, data, header)) {
        apr_size_t count = unstuff(bytes, data + header->length, scan);

        memset(bytes + count, 0, BLOCK_MAX);
        bench->grid = grid;
        bench->walk.bits = bytes;
        bench->walk.end = (apr_uint64_t)count * 8;
        bench->pen.bytes = bytes + scan + BLOCK_MAX;
        made = crop_scan(bench) && write_stream(out, bench, data, header->length, dims);
    }
    g_free(bytes);
    g_free(bench);
    return made;
}
