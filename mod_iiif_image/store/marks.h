/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_STORE_MARKS_H
#define IIIF_STORE_MARKS_H
/**
 * @file marks.h
 * @brief What was asked for before, so that what is asked for once is not kept; and what cannot be.
 *
 * One word for each of IIIF_MARKS places, in memory that processes share; atomic, without lock.
 * Where two derivatives have one place, the later mark stands; so marks grow old by what comes
 * after them, and a lost one costs one render more.
 */
#include <apr.h>

#define IIIF_MARKS 65536

typedef struct iiif_marks_t {
    apr_uint32_t places[IIIF_MARKS]; /**< zeros, to begin with */
} iiif_marks_t;

/** Mark that @a hash is asked for. @return was it before? */
int iiif_marks_ask(iiif_marks_t *marks, apr_uint64_t hash);

/** Was @a hash asked for more than once, by its mark? */
int iiif_marks_asked_again(const iiif_marks_t *marks, apr_uint64_t hash);

/** Mark that @a hash was made and could not be kept: to wait for another maker would be for
 *  nothing. Holds until it is kept after all, or something else has its place. */
void iiif_marks_give_up(iiif_marks_t *marks, apr_uint64_t hash);

/** Mark that it was kept after all: the store was full, or broken, and is not any more. */
void iiif_marks_hope(iiif_marks_t *marks, apr_uint64_t hash);

/** Was it given up? */
int iiif_marks_given_up(const iiif_marks_t *marks, apr_uint64_t hash);
#endif
