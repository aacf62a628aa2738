/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One identifier is looked for, in this order: in the memory of the process; in that which all
 * children share; in the database. Each of the last two has threads that ask it (base/inquiry.h),
 * as either may be another host. What is found is remembered with the time it was asked, so that
 * times do not add up; what is too old is kept, for when the database does not answer.
 */
#include "httpd/resolutions.h"

#include <apr_hash.h>
#include <apr_sha1.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <http_log.h>
#include <string.h>
#include <unistd.h>

#include "base/inquiry.h"
#include "base/memo.h"
#include "httpd/config.h"
#include "httpd/dbd.h"
#include "httpd/log.h"
#include "httpd/process.h"
#include "httpd/shared_answers.h"
#include "httpd/warned.h"

#include "base/banned.h"

#define MOMENT apr_time_from_sec(1) /* that the end of a child waits for a database */

/* One database and the queries put to it. Made when it is first needed; one for each combination
 * that the configuration has. */
typedef struct site_t {
    const void *id[2]; /* server and queries: read once in the life of a process */
    iiif_database_t database;
    iiif_inquiries_t *inquiries;
    apr_sha1_ctx_t digest; /* of what tells them from others */
} site_t;

struct iiif_resolutions_t {
    apr_pool_t *pool; /* never destroyed */
    apr_thread_mutex_t *mutex;
    apr_hash_t *sites; /* of site_t, behind the mutex */
    iiif_memo_t *memory;
    iiif_shared_answers_t *shared; /* NULL: there is none */
    iiif_inquiries_t *of_shared;
    apr_interval_time_t fresh; /* how long an answer is as good as new */
    server_rec *server;
};

/* One question, for a thread that may outlive the request. */
typedef struct question_t {
    iiif_resolutions_t *all;
    const site_t *site;
    const char *identifier, *prefix;
    apr_interval_time_t grace;
    apr_pool_t *pool; /* of the request; NULL in a thread */
    unsigned char key[IIIF_MEMO_KEY];
} question_t;

static void add_text(apr_sha1_ctx_t *digest, const char *text)
{
    if (text)
        apr_sha1_update_binary(digest, (const unsigned char *)text, (unsigned)strlen(text));
    apr_sha1_update_binary(digest, (const unsigned char *)"", 1);
}

/* Names of values count beside the text, where each is a mark like any other. */
static void add_query(apr_sha1_ctx_t *digest, const iiif_query_t *query)
{
    unsigned i;

    add_text(digest, query->statement);
    add_text(digest, query->condition);
    for (i = 0; i < query->count; ++i) {
        const unsigned char value = (unsigned char)query->values[i];

        apr_sha1_update_binary(digest, &value, 1);
    }
}

static site_t *make_site(iiif_resolutions_t *all, server_rec *s, const apr_array_header_t *queries)
{
    site_t *site = apr_pcalloc(all->pool, sizeof(*site));
    int i;

    site->id[0] = s;
    site->id[1] = queries;
    site->database = (iiif_database_t){
        s, queries, apr_pcalloc(all->pool, (apr_size_t)queries->nelts * sizeof(apr_uint64_t))
    };
    if (iiif_inquiries_create(&site->inquiries, all->pool) != APR_SUCCESS)
        return NULL;
    apr_sha1_init(&site->digest);
    add_text(&site->digest, iiif_dbd_name(s, all->pool));
    for (i = 0; i < queries->nelts; ++i)
        add_query(&site->digest, &APR_ARRAY_IDX(queries, i, iiif_query_t));
    apr_hash_set(all->sites, site->id, sizeof(site->id), site);
    return site;
}

static site_t *site_of(iiif_resolutions_t *all, server_rec *s, const apr_array_header_t *queries)
{
    const void *const id[2] = { s, queries };
    site_t *site;

    apr_thread_mutex_lock(all->mutex);
    site = apr_hash_get(all->sites, id, sizeof(id));
    if (!site)
        site = make_site(all, s, queries);
    apr_thread_mutex_unlock(all->mutex);
    return site;
}

static void make_key(question_t *q)
{
    apr_sha1_ctx_t digest = q->site->digest;

    add_text(&digest, q->prefix);
    add_text(&digest, q->identifier);
    apr_sha1_final(q->key, &digest);
}

static int is_within(const iiif_answer_t *answer, apr_interval_time_t limit)
{
    const apr_interval_time_t age = apr_time_now() - answer->asked;

    return age > -limit && age < limit;
}

/* In threads of the inquiries: of what all children remember. */
static apr_status_t ask_shared(iiif_finding_t *finding, void *baton, iiif_err_t *err,
                               apr_pool_t *pool)
{
    const question_t *q = baton;

    (void)err;
    finding->from = "shared";
    finding->bytes = iiif_shared_answer_get(&finding->len, q->all->shared, q->key, pool);
    if (!finding->bytes)
        finding->len = 0;
    return APR_SUCCESS;
}

static int is_remembered(iiif_finding_t *finding, iiif_answer_t *answer, const question_t *q,
                         apr_pool_t *pool)
{
    finding->from = "memory";
    finding->bytes = iiif_memo_get(&finding->len, q->all->memory, q->key, pool);
    return finding->bytes && iiif_answer_decode(answer, finding->bytes, finding->len, pool)
           && is_within(answer, q->all->fresh);
}

/* Likewise: of the database. Not what another has asked since the request looked. */
static apr_status_t ask_database(iiif_finding_t *finding, void *baton, iiif_err_t *err,
                                 apr_pool_t *pool)
{
    const question_t *q = baton;
    iiif_resolutions_t *all = q->all;
    iiif_answer_t answer;
    apr_status_t rv;

    if (is_remembered(finding, &answer, q, pool))
        return APR_SUCCESS;
    answer = (iiif_answer_t){ .asked = apr_time_now() };
    rv = iiif_dbd_ask(&answer.record, &q->site->database, q->identifier, q->prefix, err, pool);
    if (rv != APR_SUCCESS && rv != IIIF_ENOTFOUND)
        return rv;
    answer.found = rv == APR_SUCCESS;
    finding->from = "query";
    finding->bytes = iiif_answer_encode(&finding->len, &answer, pool);
    iiif_memo_put(all->memory, q->key, finding->bytes, finding->len);
    if (all->shared && iiif_inquiries_are_well(all->of_shared))
        iiif_shared_answer_put(all->shared, q->key, finding->bytes, finding->len,
                               answer.asked + all->fresh + q->grace, pool);
    return APR_SUCCESS;
}

/* NULL: there is no answer; rv says why. */
static const char *inquire(iiif_answer_t *answer, apr_status_t *rv, const question_t *question,
                           int of_shared, apr_interval_time_t patience, iiif_err_t *err)
{
    apr_pool_t *own = iiif_lru_pool(), *pool = question->pool;
    question_t *q = own ? apr_pmemdup(own, question, sizeof(*question)) : NULL;
    iiif_inquiry_t inquiry = { .key_len = IIIF_MEMO_KEY, .baton = q, .pool = own };
    iiif_finding_t finding = { NULL };

    *rv = APR_ENOMEM;
    if (!q)
        return NULL;
    q->pool = NULL;
    q->identifier = apr_pstrdup(own, question->identifier);
    q->prefix = apr_pstrdup(own, question->prefix);
    inquiry.key = q->key;
    inquiry.ask = of_shared ? ask_shared : ask_database;
    *rv = iiif_inquire(&finding, of_shared ? q->all->of_shared : q->site->inquiries, &inquiry,
                       patience, err, pool);
    if (*rv != APR_SUCCESS || !iiif_answer_decode(answer, finding.bytes, finding.len, pool))
        return NULL;
    return finding.joined ? "memory" : finding.from; /* so that each query is noted once */
}

/* Once a minute and child: what is wrong with the database is for its operator. */
static void report(request_rec *r, const iiif_err_t *err)
{
    if (iiif_is_due(err->text))
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      IIIF_LOGNO(0022) "IIIFResolver dbd: the database cannot be asked: %s",
                      err->text);
}

/* For who looks for what is missing. Clients are told the same, whichever it is. */
static void note(request_rec *r, const char *identifier, const iiif_answer_t *answer,
                 const char *from)
{
    const iiif_record_t *record = &answer->record;
    const char *said = !answer->found       ? "no record"
                       : !record->is_public ? "not public"
                       : !record->path      ? "no file"
                                            : record->path;

    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                  IIIF_LOGNO(0032) "the database says of '%s' (%s): %s", identifier, from, said);
}

static apr_status_t tell(iiif_record_t *record, const iiif_answer_t *answer, iiif_err_t *err)
{
    if (!answer->found)
        return iiif_fail(err, IIIF_ENOTFOUND, "no record has this identifier");
    *record = answer->record;
    return APR_SUCCESS;
}

static void remember(const question_t *q, const iiif_answer_t *answer)
{
    apr_size_t len;
    const unsigned char *bytes = iiif_answer_encode(&len, answer, q->pool);

    iiif_memo_put(q->all->memory, q->key, bytes, len);
}

/* Where the answer is from; NULL: there is none, and what is in @a answer, if it was ever asked, is
 * old. */
static const char *recall(iiif_answer_t *answer, const question_t *q, apr_interval_time_t patience)
{
    iiif_finding_t finding;
    iiif_answer_t other;
    const char *from;
    apr_status_t rv;

    if (is_remembered(&finding, answer, q, q->pool))
        return finding.from;
    if (!finding.bytes)
        answer->asked = 0;
    from = q->all->shared ? inquire(&other, &rv, q, 1, patience, NULL) : NULL;
    if (!from || other.asked <= answer->asked)
        return NULL;
    *answer = other;
    remember(q, answer);
    return is_within(answer, q->all->fresh) ? from : NULL;
}

static const char *find(iiif_answer_t *answer, const question_t *q, request_rec *r,
                        apr_interval_time_t patience)
{
    const apr_time_t deadline = apr_time_now() + patience;
    const char *from = recall(answer, q, patience / 4);
    iiif_answer_t asked;
    iiif_err_t err = { "" };
    apr_status_t rv;

    if (from)
        return from;
    from = inquire(&asked, &rv, q, 0, deadline - apr_time_now(), &err);
    if (from) {
        *answer = asked;
        return from;
    }
    if (rv != APR_EAGAIN)
        report(r, &err);
    return answer->asked && is_within(answer, q->all->fresh + q->grace) ? "grace" : NULL;
}

static int may_yield(const apr_array_header_t *queries, const char *identifier)
{
    int i;

    for (i = 0; i < queries->nelts; ++i) {
        if (iiif_query_may_yield(&APR_ARRAY_IDX(queries, i, iiif_query_t), identifier))
            return 1;
    }
    return 0;
}

apr_status_t iiif_resolutions_ask(iiif_record_t *record, const char *identifier, void *baton,
                                  iiif_err_t *err, apr_pool_t *pool)
{
    const iiif_asker_t *asker = baton;
    const iiif_dir_conf_t *settings = asker->settings;
    request_rec *r = asker->r;
    question_t q = { .all = iiif_process()->resolutions,
                     .identifier = identifier,
                     .prefix = settings->identifier_prefix,
                     .grace = apr_time_from_sec(settings->resolver_grace),
                     .pool = pool };
    iiif_answer_t answer = { .asked = 0 };
    const char *from = NULL;

    if (!settings->queries || !may_yield(settings->queries, identifier))
        return iiif_fail(err, IIIF_ENOTFOUND, "no IIIFQuery can find this identifier");
    q.site = site_of(q.all, r->server, settings->queries);
    if (q.site) {
        make_key(&q);
        from = find(&answer, &q, r, apr_time_from_msec(settings->resolver_timeout));
    }
    apr_table_setn(r->notes, "iiif-resolve", from ? from : "down");
    if (!from)
        return iiif_fail(err, IIIF_EDOWN, "it is not known now what this identifier means");
    note(r, identifier, &answer, from);
    return tell(record, &answer, err);
}

static int end_all(iiif_resolutions_t *all)
{
    const apr_time_t deadline = apr_time_now() + MOMENT;
    int ended = iiif_inquiries_end(all->of_shared, MOMENT);
    apr_hash_index_t *i;

    for (i = apr_hash_first(NULL, all->sites); i; i = apr_hash_next(i)) {
        site_t *site = apr_hash_this_val(i);

        ended &= iiif_inquiries_end(site->inquiries, deadline - apr_time_now());
    }
    return ended;
}

/* A thread that waits for a database uses a connection that goes with the child's pool. Nobody can
 * take it away from there, so where it does not come back the child ends here and now. */
static apr_status_t end(void *p)
{
    iiif_resolutions_t *all = p;

    if (end_all(all))
        return APR_SUCCESS;
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, all->server,
                 IIIF_LOGNO(0023) "IIIFResolver dbd: a database still does not answer; the child "
                                  "ends without waiting for it");
    _exit(0);
}

apr_status_t iiif_resolutions_open(iiif_resolutions_t **resolutions, server_rec *s,
                                   apr_pool_t *pchild)
{
    const iiif_server_conf_t *conf = iiif_server_settings(s);
    iiif_resolutions_t *all;
    apr_pool_t *pool;
    apr_status_t rv = apr_pool_create_unmanaged_ex(&pool, NULL, NULL);

    if (rv != APR_SUCCESS)
        return rv;
    all = apr_pcalloc(pool, sizeof(*all));
    *all = (iiif_resolutions_t){ .pool = pool,
                                 .sites = apr_hash_make(pool),
                                 .shared = conf->shared_answers,
                                 .fresh = apr_time_from_sec(conf->answers.seconds),
                                 .server = s };
    rv = apr_thread_mutex_create(&all->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (rv == APR_SUCCESS)
        rv = iiif_memo_create(&all->memory, (unsigned)conf->answers.entries, pool);
    if (rv == APR_SUCCESS)
        rv = iiif_inquiries_create(&all->of_shared, pool);
    if (rv == APR_SUCCESS)
        rv = iiif_shared_answers_open(all->shared, pchild);
    if (rv == APR_SUCCESS)
        apr_pool_pre_cleanup_register(pchild, all, end);
    *resolutions = all;
    return rv;
}
