/* SPDX-License-Identifier: MIT */
/* test_conn_oracle.c - a connection against an independent judge of frames. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/fakes.h"
#include "support/frames.h"
#include "support/guard.h"
#include "support/oracle.h"

/* One run: what is fed, what must come of it, what came. */
struct trial {
    upf_config          config;
    struct fake_alloc   alloc;
    struct fake_random  random;
    struct oracle_rules rules;
    struct oracle       oracle;
    struct blob         bytes;
    struct blob         sent;
    upf_conn            conn;
    size_t              events; /* without OPEN */
    upf_status          status; /* of CLOSE */
    bool                eof;
};

static void fail_trial(const struct trial *trial, const char *wrong)
{
    struct blob text = {0};

    for (size_t i = 0; i < trial->bytes.len && i < 200; i++)
        blob_printf(&text, "%02x ", trial->bytes.data[i]);
    blob_text(&text, "\nmust come to:\n");
    oracle_show(&trial->oracle, &text);
    fail_msg("event %zu (%s) to a %s: %s\ninput: %s", trial->events,
             upf_status_name(trial->status),
             trial->rules.is_client ? "client" : "server", wrong,
             blob_str(&text));
}

static void write_all(struct trial *trial)
{
    upf_slice slices[16];
    size_t    count;

    while ((count = upf_conn_output(&trial->conn, slices, 16)) > 0) {
        size_t len = 0;

        for (size_t i = 0; i < count; i++) {
            blob_add(&trial->sent, slices[i].data, slices[i].len);
            len += slices[i].len;
        }
        upf_conn_output_done(&trial->conn, (ptrdiff_t)len);
    }
}

static void feed(struct trial *trial, uint8_t *data, size_t len)
{
    upf_input input = {data, len};
    upf_event event;

    while (upf_conn_next(&trial->conn, &input, &event) == UPF_OK) {
        if (event.type == UPF_EVENT_OPEN)
            continue;
        if (event.type == UPF_EVENT_CLOSE)
            trial->status = event.status;

        const char *wrong = oracle_check(&trial->oracle, trial->events, &event);
        if (wrong != NULL)
            fail_trial(trial, wrong);
        trial->events++;
    }
    write_all(trial);
}

static void begin(struct trial *trial)
{
    trial->config.alloc       = fake_alloc;
    trial->config.alloc_user  = &trial->alloc;
    trial->config.random      = fake_random;
    trial->config.random_user = &trial->random;
    trial->rules.allow_unmasked = trial->config.allow_unmasked;
    trial->rules.max_message    = trial->config.max_message;
    trial->rules.max_frame      = trial->config.max_frame;
    trial->rules.max_fragments  = trial->config.max_fragments;
    oracle_judge(&trial->oracle, &trial->rules, trial->bytes.data,
                 trial->bytes.len, trial->eof);
    upf_conn_init_open(&trial->conn, &trial->config, trial->rules.is_client,
                       NULL);
}

static void end(struct trial *trial)
{
    uint8_t none;

    if (trial->eof) {
        upf_conn_eof(&trial->conn);
        feed(trial, &none, 0);
    }
    if (trial->events != trial->oracle.event_count)
        fail_trial(trial, "events are missing");

    const char *wrong = oracle_check_sent(&trial->oracle, &trial->rules,
                                          trial->sent.data, trial->sent.len,
                                          trial->status);
    if (wrong != NULL)
        fail_trial(trial, wrong);
    upf_conn_free(&trial->conn);
    assert_int_equal(trial->alloc.live, 0);
    oracle_free(&trial->oracle);
    blob_free(&trial->sent);
    blob_free(&trial->bytes);
}

/* ---- Every pair of first bytes ---------------------------------------- */

enum open_message { NONE_OPEN, TEXT_OPEN, BINARY_OPEN };

/* The frame that begins with the pair, with payload if it is short. */
static void put_pair(struct blob *to, unsigned pair)
{
    const unsigned form = pair & 0x7F;
    const bool     mask = (pair & 0x80) != 0;
    const uint64_t len  = form == 126 ? 300 : form == 127 ? 70000 : form;

    put_header(to, pair >> 8, form, len, mask ? frame_key : NULL);
    for (size_t i = 0; i < len && len <= 300; i++)
        blob_byte(to, mask ? (unsigned)'a' ^ frame_key[i % 4] : 'a');
}

static void try_pair(unsigned pair, bool is_client, enum open_message open)
{
    const enum sender peer = is_client ? FROM_SERVER : FROM_CLIENT;
    struct trial trial = {.config = upf_config_default(), .eof = true};

    trial.rules.is_client = is_client;
    if (open == TEXT_OPEN)
        put_text(&trial.bytes, peer, TEXT, "begin");
    if (open == BINARY_OPEN)
        put_text(&trial.bytes, peer, BINARY, "\xFF\xFE");
    put_pair(&trial.bytes, pair);
    put_text(&trial.bytes, peer, FIN | PING, "after");
    begin(&trial);
    feed(&trial, trial.bytes.data, trial.bytes.len);
    end(&trial);
}

static void try_all_pairs(bool is_client, enum open_message open)
{
    for (unsigned pair = 0; pair < 0x10000; pair++)
        try_pair(pair, is_client, open);
}

static void a_server_judges_every_pair_of_first_bytes(void **state)
{
    (void)state;
    try_all_pairs(false, NONE_OPEN);
}

static void a_server_judges_every_pair_inside_a_text(void **state)
{
    (void)state;
    try_all_pairs(false, TEXT_OPEN);
}

static void a_server_judges_every_pair_inside_a_binary(void **state)
{
    (void)state;
    try_all_pairs(false, BINARY_OPEN);
}

static void a_client_judges_every_pair_of_first_bytes(void **state)
{
    (void)state;
    try_all_pairs(true, NONE_OPEN);
}

static void a_client_judges_every_pair_inside_a_text(void **state)
{
    (void)state;
    try_all_pairs(true, TEXT_OPEN);
}

static void a_client_judges_every_pair_inside_a_binary(void **state)
{
    (void)state;
    try_all_pairs(true, BINARY_OPEN);
}

/* ---- Random conversations --------------------------------------------- */

static const char *const texts[] = {
    "", "a", "Hello", "\xC3\xA9", "\xE2\x82\xAC uro", "\xF0\x9F\x98\x80",
    "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5",
    "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC0\xAF", "\xE2\x82", "ab\xFF--",
};

/* Text that is whole, or cut into fragments with control frames between. */
static void put_random_message(struct blob *to, enum sender peer,
                               struct fake_random *random)
{
    const char *text = texts[fake_choice(random, sizeof texts / sizeof *texts)];
    size_t      left = strlen(text);
    unsigned    opcode = fake_choice(random, 3) ? TEXT : BINARY;

    for (;;) {
        const size_t some = fake_choice(random, left + 1);
        const size_t len  = fake_choice(random, 3) ? left : some;

        if (len == left && fake_choice(random, 4)) {
            put_frame(to, peer, FIN | opcode, text, len);
            return;
        }
        put_frame(to, peer, opcode, text, len);
        text += len;
        left -= len;
        opcode = CONT;
        if (fake_choice(random, 4) == 0)
            put_text(to, peer, FIN | (fake_choice(random, 2) ? PING : PONG),
                     "ctl");
    }
}

static void put_random_control(struct blob *to, enum sender peer,
                               struct fake_random *random)
{
    static const int codes[] = {0, 999, 1000, 1004, 1005, 1010, 1014, 1015,
                                3000, 4999, 5000};

    if (fake_choice(random, 3) == 0)
        put_close(to, peer, codes[fake_choice(random, 11)],
                  fake_choice(random, 3) ? NULL : "bye \xC3");
    else
        put_run(to, peer, FIN | (fake_choice(random, 2) ? PING : PONG), 'p',
                fake_choice(random, 126));
}

static void put_random_conversation(struct trial *trial,
                                    struct fake_random *random)
{
    const enum sender peer = trial->rules.is_client ? FROM_SERVER
                                                    : FROM_CLIENT;

    for (size_t i = fake_choice(random, 8) + 1; i > 0; i--) {
        if (fake_choice(random, 8) == 0)
            put_random_control(&trial->bytes, peer, random);
        else if (fake_choice(random, 12) == 0)
            put_run(&trial->bytes, peer, FIN | BINARY, 'b',
                    fake_choice(random, 400));
        else
            put_random_message(&trial->bytes, peer, random);
    }
    if (fake_choice(random, 3) == 0)
        trial->bytes.data[fake_choice(random, trial->bytes.len)] ^=
            (uint8_t)(1u << fake_choice(random, 8));
}

/* Half a header at the end is not judged: leave it away. */
static void cut_half_a_header(struct trial *trial)
{
    struct oracle oracle = {0};

    oracle_judge(&oracle, &trial->rules, trial->bytes.data, trial->bytes.len,
                 false);
    trial->bytes.len = oracle.judged;
    oracle_free(&oracle);
}

static void feed_in_random_pieces(struct trial *trial,
                                  struct fake_random *random)
{
    const size_t step = 1 + fake_choice(random, 40);

    for (size_t at = 0; at < trial->bytes.len;) {
        const size_t left   = trial->bytes.len - at;
        const size_t choice = 1 + fake_choice(random, step);
        size_t   len  = choice < left ? choice : left;
        size_t   room_len;
        uint8_t *room = upf_conn_room(&trial->conn, &room_len);
        uint8_t *memory = malloc(len);

        assert_non_null(memory);
        memcpy(memory, trial->bytes.data + at, len);
        if (room != NULL && fake_choice(random, 2)) {
            len = room_len < len ? room_len : len;
            memcpy(room, memory, len);
            feed(trial, room, len);
        } else {
            feed(trial, memory, len);
        }
        free(memory);
        at += len;
    }
}

static void converse(bool is_client, uint64_t seed)
{
    struct fake_random random = {.state = seed};

    for (int i = 0; i < 30000; i++) {
        struct trial trial = {.config = upf_config_default()};

        trial.rules.is_client = is_client;
        trial.eof = fake_choice(&random, 2);
        if (fake_choice(&random, 2)) {
            trial.config.max_message   = 1 + fake_choice(&random, 20);
            trial.config.max_frame     = 1 + fake_choice(&random, 20);
            trial.config.max_fragments = 1 + (uint32_t)fake_choice(&random, 4);
        }
        trial.config.allow_unmasked = fake_choice(&random, 2);
        put_random_conversation(&trial, &random);

        trial.rules.allow_unmasked = trial.config.allow_unmasked;
        trial.rules.max_message    = trial.config.max_message;
        trial.rules.max_frame      = trial.config.max_frame;
        trial.rules.max_fragments  = trial.config.max_fragments;
        cut_half_a_header(&trial);
        begin(&trial);
        feed_in_random_pieces(&trial, &random);
        end(&trial);
    }
}

static void a_server_agrees_with_the_judge_on_random_frames(void **state)
{
    (void)state;
    converse(false, 1);
}

static void a_client_agrees_with_the_judge_on_random_frames(void **state)
{
    (void)state;
    converse(true, 2);
}

/* ---- The judge himself ------------------------------------------------ */

static void the_judge_knows_utf8(void **state)
{
    (void)state;
    static const struct { const char *text; size_t good, ended; } table[] = {
        {"abc", 3, 3}, {"\xC3\xA9", 2, 2}, {"\xC3", 1, 0},
        {"\xE2\x82", 2, 0}, {"\xE2\x82\xAC", 3, 3}, {"a\x80", 1, 1},
        {"\xC0\xAF", 0, 0}, {"\xC1", 0, 0}, {"\xE0\x80", 1, 1},
        {"\xE0\x9F", 1, 1}, {"\xE0\xA0\x80", 3, 3}, {"\xED\x9F\xBF", 3, 3},
        {"\xED\xA0", 1, 1}, {"\xF0\x8F", 1, 1}, {"\xF0\x90\x80\x80", 4, 4},
        {"\xF4\x8F\xBF\xBF", 4, 4}, {"\xF4\x90", 1, 1}, {"\xF5", 0, 0},
        {"\xFF", 0, 0}, {"\xE2\x28", 1, 1}, {"\xEE\x80\x80", 3, 3},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const uint8_t *text = (const uint8_t *)table[i].text;
        const size_t   len  = strlen(table[i].text);

        assert_int_equal(oracle_utf8(text, len, false), table[i].good);
        assert_int_equal(oracle_utf8(text, len, true), table[i].ended);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_judge_knows_utf8),
        cmocka_unit_test(a_server_judges_every_pair_of_first_bytes),
        cmocka_unit_test(a_server_judges_every_pair_inside_a_text),
        cmocka_unit_test(a_server_judges_every_pair_inside_a_binary),
        cmocka_unit_test(a_client_judges_every_pair_of_first_bytes),
        cmocka_unit_test(a_client_judges_every_pair_inside_a_text),
        cmocka_unit_test(a_client_judges_every_pair_inside_a_binary),
        cmocka_unit_test(a_server_agrees_with_the_judge_on_random_frames),
        cmocka_unit_test(a_client_agrees_with_the_judge_on_random_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
