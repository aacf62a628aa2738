/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/derivatives.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>

#include "httpd/client.h"
#include "httpd/log.h"
#include "httpd/process.h"
#include "httpd/respond.h"
#include "httpd/shared_memory.h"
#include "httpd/warned.h"
#include "plan/announced.h"
#include "store/lease.h"
#include "store/marks.h"

#include "base/banned.h"

#define PATIENCE    apr_time_from_sec(30) /* with another maker */
#define FIRST_PAUSE apr_time_from_msec(5)
#define LAST_PAUSE  apr_time_from_msec(50)

/* Shared by all children, atomic; NULL: no shared memory, and all is kept at once. Set before they
 * are forked. */
static iiif_marks_t *marks;

struct iiif_derived_t {
    iiif_derivative_store_t store;
    iiif_derivative_t derivative;
    apr_time_t mtime;    /* of what its pixels are read from */
    int admitted;        /* to be kept, whoever asks for it again */
    iiif_lease_t *lease; /* NULL: nobody is kept waiting */
    apr_int32_t flags;   /* to open it with */
    iiif_derivative_file_t found;
};

apr_status_t iiif_derivatives_create(apr_pool_t *pconf)
{
    void *memory;
    apr_status_t rv = iiif_shared_memory_create(&memory, sizeof(*marks), pconf);

    marks = memory;
    return rv;
}

/* What is kept is found by the stamps: these are of one content, for good. */
static int has_lasting_stamps(const iiif_plan_t *plan)
{
    return !iiif_stamp_may_repeat(&plan->source->stamp)
           && !iiif_stamp_may_repeat(&plan->pixels->stamp);
}

iiif_derived_t *iiif_derived(request_rec *r, const iiif_context_t *context,
                             const iiif_dir_conf_t *settings, const iiif_fingerprint_t *fingerprint)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    const iiif_derivative_query_t query = { context->ref.name, fingerprint->text,
                                            context->plan->key };
    iiif_derived_t *derived;

    if (!settings->derivative_store || !*settings->derivative_store
        || !has_lasting_stamps(context->plan))
        return NULL;
    derived = apr_pcalloc(r->pool, sizeof(*derived));
    derived->store =
        (iiif_derivative_store_t){ settings->derivative_store, settings->derivative_bound, 1 };
    derived->mtime = context->plan->pixels->stamp.mtime;
    derived->admitted = iiif_plan_is_announced(context->plan, context->request.kind);
    derived->flags = AP_SENDFILE_ENABLED(core->enable_sendfile);
    iiif_derivative_name(&derived->derivative, &derived->store, &query, r->pool);
    return derived;
}

int iiif_derived_is_found(const iiif_derived_t *derived)
{
    return derived && derived->found.file;
}

static int look(iiif_derived_t *derived, request_rec *r)
{
    return iiif_derivative_open(&derived->found, &derived->derivative, derived->flags, r->pool)
           == APR_SUCCESS;
}

static void note(request_rec *r, const char *what)
{
    apr_table_setn(r->notes, "iiif-store", what);
}

/* Whoever made it could not keep it: nobody waits for another try. */
static int is_given_up(const iiif_derived_t *derived)
{
    return marks && iiif_marks_given_up(marks, derived->derivative.hash);
}

/* Until it is there, or the lease is ours, or there is nothing to wait for. A maker that hangs, as
 * one whose disk does not answer, is given up for one successor at a time. */
static apr_status_t wait_for_maker(iiif_derived_t *derived, request_rec *r, iiif_err_t *err)
{
    apr_time_t until = apr_time_now() + PATIENCE;
    apr_interval_time_t pause = FIRST_PAUSE;
    apr_status_t rv = APR_EBUSY;

    while (rv == APR_EBUSY && !look(derived, r) && !is_given_up(derived)) {
        if (iiif_client_has_gone(r))
            return iiif_fail(err, IIIF_EGONE, "nobody waits for this image any more");
        if (apr_time_now() > until) {
            rv = iiif_lease_succeed(derived->lease);
            return rv == APR_EBUSY ? iiif_fail(err, IIIF_EBUSY,
                                               "this image is being made; try again in a moment")
                                   : rv;
        }
        apr_sleep(pause);
        pause = pause * 3 / 2 < LAST_PAUSE ? pause * 3 / 2 : LAST_PAUSE;
        rv = iiif_lease_take(derived->lease);
    }
    return rv == APR_EBUSY ? APR_SUCCESS : rv;
}

static apr_status_t wait_with_others(iiif_derived_t *derived, request_rec *r, iiif_err_t *err)
{
    iiif_lanes_t *lanes = iiif_process()->lanes;
    apr_status_t rv;

    if (!iiif_lanes_wait_begin(lanes))
        return iiif_fail(err, IIIF_EBUSY, "too many wait for images that are being made");
    rv = wait_for_maker(derived, r, err);
    iiif_lanes_wait_end(lanes);
    return rv;
}

static void release(iiif_derived_t *derived)
{
    if (derived->lease)
        iiif_lease_release(derived->lease);
    derived->lease = NULL;
}

/* Whatever is wrong with the store, requests are answered; it is said once a minute. */
static void complain(const iiif_derived_t *derived, request_rec *r, apr_status_t rv,
                     const char *sentence)
{
    if (iiif_is_due(apr_pstrcat(r->pool, "IIIF0010 ", derived->store.directory, NULL)))
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, rv < APR_OS_START_USERERR ? rv : 0, r,
                      IIIF_LOGNO(0010) "IIIFDerivativeStore: %s", sentence);
}

/* Found, or the lease is ours, or there is no way to have one. */
static apr_status_t find_or_lease(iiif_derived_t *derived, request_rec *r, iiif_err_t *err)
{
    const char *found = "hit";
    apr_status_t rv = iiif_lease_open(&derived->lease, derived->store.directory,
                                      derived->derivative.hash, r->pool);

    if (rv == APR_SUCCESS)
        rv = iiif_lease_take(derived->lease);
    if (rv == APR_EBUSY) {
        found = "waited";
        rv = wait_with_others(derived, r, err);
    }
    if (rv == IIIF_EBUSY || rv == IIIF_EGONE) {
        release(derived);
        return rv;
    }
    if (rv != APR_SUCCESS) {
        iiif_fail(err, rv, "no lease in %s", derived->store.directory);
        complain(derived, r, rv, err->text);
        note(r, "failed");
        release(derived);
        return APR_SUCCESS;
    }
    if (iiif_derived_is_found(derived) || look(derived, r)) { /* made since it was looked for */
        release(derived);
        note(r, found);
    }
    return APR_SUCCESS;
}

apr_status_t iiif_derived_find(iiif_derived_t *derived, request_rec *r, iiif_err_t *err)
{
    if (!derived)
        return APR_SUCCESS;
    if (look(derived, r)) {
        note(r, "hit");
        return APR_SUCCESS;
    }
    if (r->header_only)
        return APR_SUCCESS;
    if (!marks || iiif_marks_ask(marks, derived->derivative.hash))
        derived->admitted = 1;
    return is_given_up(derived) ? APR_SUCCESS : find_or_lease(derived, r, err);
}

int iiif_derived_send(iiif_derived_t *derived, request_rec *r)
{
    return iiif_send_file(r, derived->found.file, derived->found.length);
}

static void evict(iiif_derived_t *derived, request_rec *r)
{
    iiif_err_t err;
    apr_status_t rv = iiif_evictor_start(iiif_process()->evictor, derived->store.directory,
                                         derived->store.bound, &err);

    if (rv != APR_SUCCESS)
        complain(derived, r, rv, err.text);
}

/* Is it kept? */
static int write_it(iiif_derived_t *derived, request_rec *r, const iiif_bytes_t *bytes)
{
    const iiif_derivative_content_t content = { bytes->data, bytes->len, derived->mtime };
    iiif_err_t err = { "" };
    int full = 0;
    apr_status_t rv = iiif_derivative_write(&full, &derived->derivative, &content, &err);

    note(r, rv == APR_SUCCESS ? "stored" : rv == IIIF_EFULL ? "passed" : "failed");
    if (rv == APR_SUCCESS && is_given_up(derived))
        iiif_marks_hope(marks, derived->derivative.hash);
    if (rv != APR_SUCCESS && rv != IIIF_EFULL)
        complain(derived, r, rv, err.text);
    if (full)
        evict(derived, r);
    return rv == APR_SUCCESS;
}

static void give_up(apr_uint64_t hash)
{
    if (marks)
        iiif_marks_give_up(marks, hash);
}

void iiif_derived_keep(iiif_derived_t *derived, request_rec *r, apr_status_t rv,
                       const iiif_bytes_t *bytes)
{
    apr_uint64_t hash;

    if (!derived)
        return;
    hash = derived->derivative.hash;
    if (rv == APR_SUCCESS && !derived->admitted && !iiif_marks_asked_again(marks, hash))
        note(r, "passed");
    else if (rv == APR_SUCCESS ? !write_it(derived, r, bytes)
                               : rv != IIIF_EBUSY && rv != IIIF_EGONE && rv != IIIF_ECHANGED)
        give_up(hash);
    release(derived);
}
