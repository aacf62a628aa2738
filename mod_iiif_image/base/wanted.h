/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IIIF_BASE_WANTED_H
#define IIIF_BASE_WANTED_H
/**
 * @file wanted.h
 * @brief Does anybody still wait for the result of long work?
 */
#include <stddef.h>

/** Whom to ask. Borrowed by the work for as long as it takes. */
typedef struct iiif_wanted_t {
    int (*is_wanted)(void *data); /**< 0: nobody waits any more, and never will again. Asked by any
                                     thread, some 20 times a second: it returns at once. */
    void *data;
} iiif_wanted_t;

/** Is it? NULL: always. */
static inline int iiif_is_wanted(const iiif_wanted_t *wanted)
{
    return !wanted || wanted->is_wanted(wanted->data);
}
#endif
