/* SPDX-License-Identifier: MIT */
/* test_message.c - messages out of frames, whole (RFC 6455, 5.4, 5.6, 8.1). */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/split.h"

static struct scene server_reads(void)
{
    return (struct scene){.role = OPEN_SERVER};
}

static struct scene client_reads(void)
{
    return (struct scene){.role = OPEN_CLIENT};
}

/* ---- The examples of section 5.7 -------------------------------------- */

static void a_client_reads_the_unmasked_example(void **state)
{
    (void)state;
    struct scene scene = client_reads();

    blob_add(&scene.bytes, "\x81\x05Hello", 7);
    assert_scene(&scene, "OPEN\nMESSAGE text 5 \"Hello\"\n", "");
}

static void a_server_reads_the_masked_example(void **state)
{
    (void)state;
    struct scene scene = server_reads();

    blob_add(&scene.bytes, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
    assert_scene(&scene, "OPEN\nMESSAGE text 5 \"Hello\"\n", "");
}

static void a_client_reads_the_fragmented_example(void **state)
{
    (void)state;
    struct scene scene = client_reads();

    blob_add(&scene.bytes, "\x01\x03Hel\x80\x02lo", 9);
    assert_scene(&scene, "OPEN\nMESSAGE text 5 \"Hello\"\n", "");
}

static void a_client_reads_the_long_examples(void **state)
{
    (void)state;
    struct scene scene = client_reads();
    struct blob  log = {0};

    blob_add(&scene.bytes, "\x82\x7E\x01\x00", 4);
    blob_fill(&scene.bytes, 'x', 256);
    blob_add(&scene.bytes, "\x82\x7F\0\0\0\0\0\x01\0\0", 10);
    blob_fill(&scene.bytes, 'y', 65536);

    blob_text(&log, "OPEN\nMESSAGE binary 256 ");
    blob_show(&log, scene.bytes.data + 4, 256);
    blob_text(&log, "\nMESSAGE binary 65536 ");
    blob_show(&log, scene.bytes.data + 4 + 256 + 10, 65536);
    blob_text(&log, "\n");
    assert_scene(&scene, blob_str(&log), "");
    blob_free(&log);
}

/* ---- Fragments -------------------------------------------------------- */

static void control_frames_come_between_fragments_at_once(void **state)
{
    (void)state;
    struct scene scene = server_reads();

    put_text(&scene.bytes, FROM_CLIENT, TEXT, "one ");
    put_text(&scene.bytes, FROM_CLIENT, FIN | PING, "p");
    put_text(&scene.bytes, FROM_CLIENT, CONT, "two ");
    put_text(&scene.bytes, FROM_CLIENT, FIN | PONG, "q");
    put_text(&scene.bytes, FROM_CLIENT, FIN | CONT, "three");
    assert_scene(&scene,
                 "OPEN\nPING 1 \"p\"\nPONG 1 \"q\"\n"
                 "MESSAGE text 13 \"one two three\"\n",
                 "fin PONG 1 \"p\"\n");
}

static void empty_frames_are_messages_and_parts_of_messages(void **state)
{
    (void)state;
    struct scene scene = server_reads();

    put_text(&scene.bytes, FROM_CLIENT, FIN | TEXT, "");
    put_text(&scene.bytes, FROM_CLIENT, FIN | BINARY, "");
    put_text(&scene.bytes, FROM_CLIENT, TEXT, "");
    put_text(&scene.bytes, FROM_CLIENT, CONT, "");
    put_text(&scene.bytes, FROM_CLIENT, FIN | CONT, "");
    put_text(&scene.bytes, FROM_CLIENT, BINARY, "");
    put_text(&scene.bytes, FROM_CLIENT, CONT, "x");
    put_text(&scene.bytes, FROM_CLIENT, FIN | CONT, "");
    put_text(&scene.bytes, FROM_CLIENT, FIN | PING, "");
    put_text(&scene.bytes, FROM_CLIENT, FIN | PONG, "");
    assert_scene(&scene,
                 "OPEN\nMESSAGE text 0 \"\"\nMESSAGE binary 0 \"\"\n"
                 "MESSAGE text 0 \"\"\nMESSAGE binary 1 \"x\"\n"
                 "PING 0 \"\"\nPONG 0 \"\"\n",
                 "fin PONG 0 \"\"\n");
}

static void the_first_opcode_is_the_type_of_the_message(void **state)
{
    (void)state;
    struct scene scene = server_reads();

    put_text(&scene.bytes, FROM_CLIENT, BINARY, "\xFF");
    put_text(&scene.bytes, FROM_CLIENT, FIN | CONT, "\xFE");
    put_text(&scene.bytes, FROM_CLIENT, TEXT, "a");
    put_text(&scene.bytes, FROM_CLIENT, FIN | CONT, "b");
    assert_scene(&scene,
                 "OPEN\nMESSAGE binary 2 fffe\nMESSAGE text 2 \"ab\"\n", "");
}

static void a_continuation_of_nothing_fails(void **state)
{
    (void)state;
    struct scene scene = server_reads();

    put_text(&scene.bytes, FROM_CLIENT, FIN | TEXT, "ok");
    put_text(&scene.bytes, FROM_CLIENT, FIN | CONT, "what?");

    struct outcome outcome;
    scene_run(&scene, &outcome);
    assert_non_null(strstr(blob_str(&outcome.log),
                           "OPEN\nMESSAGE text 2 \"ok\"\n"
                           "CLOSE 1006 sent=1002 clean=0 "
                           "status=UPF_ERR_CONTINUATION"));
    outcome_free(&outcome);
    blob_free(&scene.bytes);
}

static void a_message_inside_a_message_fails(void **state)
{
    (void)state;
    for (unsigned opcode = TEXT; opcode <= BINARY; opcode++) {
        struct scene   scene = server_reads();
        struct outcome outcome;

        put_text(&scene.bytes, FROM_CLIENT, TEXT, "part");
        put_text(&scene.bytes, FROM_CLIENT, FIN | opcode, "whole");
        scene_run(&scene, &outcome);
        assert_non_null(strstr(blob_str(&outcome.log),
                               "OPEN\nCLOSE 1006 sent=1002 clean=0 "
                               "status=UPF_ERR_INTERLEAVED"));
        outcome_free(&outcome);
        blob_free(&scene.bytes);
    }
}

/* FG7: any fragments make the same message as one frame. */
static void a_message_is_the_same_in_any_fragments(void **state)
{
    (void)state;
    struct fake_random random = {.state = 7};
    struct blob text = {0};

    for (int i = 0; i < 40; i++)
        blob_text(&text, i % 3 ? "\xE2\x82\xAC" : "z\xF0\x9F\x98\x80");
    for (int i = 0; i < 300; i++) {
        struct session session;
        struct blob    bytes = {0}, log = {0};
        const uint8_t *p = text.data;
        size_t         left = text.len;

        while (left > 0) {
            const size_t len = 1 + fake_choice(&random, left);
            uint8_t key[4];

            fake_random(&random, key, 4);
            put_keyed(&bytes, (left == text.len ? TEXT : CONT) |
                              (left == len ? (unsigned)FIN : 0),
                      key, p, len);
            p += len;
            left -= len;
        }
        session_start(&session, OPEN_SERVER);
        for (size_t at = 0; at < bytes.len;) {
            size_t len = 1 + fake_choice(&random, 50);

            len = len < bytes.len - at ? len : bytes.len - at;
            session_give(&session, bytes.data + at, len);
            at += len;
        }
        blob_printf(&log, "OPEN\nMESSAGE text %zu ", text.len);
        blob_show(&log, text.data, text.len);
        blob_text(&log, "\n");
        assert_log(&session, blob_str(&log));
        session_free(&session);
        blob_free(&bytes);
        blob_free(&log);
    }
    blob_free(&text);
}

/* ---- Text ------------------------------------------------------------- */

/*
 * Text in frames, "|" between them, and the index of the first byte that
 * cannot be, over all frames; -1: none.
 */
static const struct {
    const char *frames;
    int         bad;
} texts[] = {
    {"plain", -1},
    {"\xC3|\xA9", -1},
    {"\xE2|\x82|\xAC", -1},
    {"\xF0\x9F|\x98\x80", -1},
    {"\xF4\x8F\xBF\xBF", -1},
    {"\xED\x9F\xBF\xEE\x80\x80", -1},
    {"\xEF\xBF\xBE\xEF\xBF\xBF", -1}, /* noncharacters are characters */
    {"ok\x80", 2},
    {"\xC0\xAF", 0},
    {"\xC1\xBF", 0},
    {"\xE0\x80\x80", 1},
    {"\xE0|\x80\x80", 1},
    {"\xED\xA0\x80", 1},
    {"\xED|\xBF|\xBF", 1},
    {"\xF0\x8F\xBF\xBF", 1},
    {"\xF4\x90\x80\x80", 1},
    {"\xF5\x80\x80\x80", 0},
    {"\xFE", 0},
    {"\xFF", 0},
    {"aaaa\xC3|bbbb", 5},
    {"\xE2\x82|\xE2\x82\xAC", 2},
    {"\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5|\xF4\x90\x80\x80|edited",
     12},
};

/* The offset in the stream of payload byte `bad`. */
static void put_texts(struct blob *to, const char *frames, int bad,
                      uint64_t *offset)
{
    int seen = 0;

    for (bool first = true;; first = false) {
        const size_t len  = strcspn(frames, "|");
        const bool   last = frames[len] == '\0';

        put_frame(to, FROM_CLIENT, (first ? TEXT : CONT) | (last ? FIN : 0u),
                  frames, len);
        if (bad >= seen && bad < seen + (int)len)
            *offset = to->len - len + (size_t)(bad - seen);
        seen += (int)len;
        if (last)
            return;
        frames += len + 1;
    }
}

static void text_fails_at_its_first_impossible_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct scene scene = server_reads();
        struct outcome outcome;
        uint64_t offset = 0;
        char     expected[128];

        put_texts(&scene.bytes, texts[i].frames, texts[i].bad, &offset);
        scene_run(&scene, &outcome);
        snprintf(expected, sizeof expected,
                 "OPEN\nCLOSE 1006 sent=1007 clean=0 status=UPF_ERR_UTF8 "
                 "offset=%d reason=\"\"\n", (int)offset);
        if (texts[i].bad >= 0)
            assert_text(blob_str(&outcome.log), expected);
        else
            assert_non_null(strstr(blob_str(&outcome.log), "MESSAGE text"));
        outcome_free(&outcome);
        blob_free(&scene.bytes);
    }
}

static void text_fails_before_its_frame_has_arrived(void **state)
{
    (void)state;
    for (int masked = 0; masked < 2; masked++) {
        struct session session;
        struct blob    bytes = {0};
        const enum role role = masked ? OPEN_SERVER : OPEN_CLIENT;

        put_header(&bytes, FIN | TEXT, 127, 1000000,
                   masked ? frame_key : NULL);
        blob_add(&bytes, "Hel\xFFo", 5);
        for (size_t i = 0; masked && i < 5; i++)
            bytes.data[bytes.len - 5 + i] ^= frame_key[i % 4];

        session_start(&session, role);
        session_give(&session, bytes.data, bytes.len - 2);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
        session_give(&session, bytes.data + bytes.len - 2, 1);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
        assert_status(session.log.status, UPF_ERR_UTF8);
        assert_int_equal(session.log.close.offset, bytes.len - 2);
        session_free(&session);
        blob_free(&bytes);
    }
}

static void text_that_ends_inside_a_code_point_fails(void **state)
{
    (void)state;
    static const char *const cut[] = {
        "\xC3", "\xE2\x82", "\xF0", "\xF0\x9F", "\xF0\x9F\x98",
    };

    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++)
        for (int fragments = 0; fragments < 2; fragments++) {
            struct scene   scene = server_reads();
            struct outcome outcome;

            put_text(&scene.bytes, FROM_CLIENT, TEXT | (fragments ? 0u : FIN),
                     cut[i]);
            if (fragments)
                put_text(&scene.bytes, FROM_CLIENT, FIN | CONT, "");
            scene_run(&scene, &outcome);
            assert_non_null(strstr(blob_str(&outcome.log),
                                   "OPEN\nCLOSE 1006 sent=1007 clean=0 "
                                   "status=UPF_ERR_UTF8"));
            outcome_free(&outcome);
            blob_free(&scene.bytes);
        }
}

static void every_two_byte_text_is_judged_by_the_definition(void **state)
{
    (void)state;
    for (unsigned pair = 0; pair < 0x10000; pair += 7) {
        const uint8_t text[2] = {(uint8_t)(pair >> 8), (uint8_t)pair};
        const bool    valid = (text[0] < 0x80 && text[1] < 0x80) ||
                              (text[0] >= 0xC2 && text[0] <= 0xDF &&
                               text[1] >= 0x80 && text[1] <= 0xBF);
        struct session session;
        struct blob    bytes = {0};

        put_frame(&bytes, FROM_CLIENT, FIN | TEXT, text, 2);
        session_start(&session, OPEN_SERVER);
        session_give_blob(&session, &bytes);
        assert_int_equal(session.log.count[UPF_EVENT_MESSAGE], valid);
        assert_int_equal(session.log.count[UPF_EVENT_CLOSE], !valid);
        session_free(&session);
        blob_free(&bytes);
    }
}

static void binary_is_not_looked_at(void **state)
{
    (void)state;
    struct scene scene = client_reads();

    put_text(&scene.bytes, FROM_SERVER, FIN | BINARY, "\xFF\xC0\x80\xED\xA0");
    put_text(&scene.bytes, FROM_SERVER, FIN | PING, "\xFF\xFE");
    assert_scene(&scene, "OPEN\nMESSAGE binary 5 ffc080eda0\nPING 2 fffe\n",
                 "fin PONG 2 fffe\n");
}

/* ---- Masks ------------------------------------------------------------ */

static void a_key_of_zeros_is_a_key(void **state)
{
    (void)state;
    struct scene scene = server_reads();

    put_keyed(&scene.bytes, FIN | TEXT, (const uint8_t[4]){0}, "Hello", 5);
    assert_scene(&scene, "OPEN\nMESSAGE text 5 \"Hello\"\n", "");
}

static void a_server_refuses_a_frame_without_a_mask(void **state)
{
    (void)state;
    static const unsigned firsts[] = {FIN | TEXT, FIN | BINARY, TEXT,
                                      FIN | PING, FIN | PONG, FIN | CLOSE};

    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        struct scene   scene = server_reads();
        struct outcome outcome;

        put_text(&scene.bytes, FROM_SERVER, firsts[i], "");
        scene_run(&scene, &outcome);
        assert_non_null(strstr(blob_str(&outcome.log),
                               "OPEN\nCLOSE 1006 sent=1002 clean=0 "
                               "status=UPF_ERR_MASK"));
        outcome_free(&outcome);
        blob_free(&scene.bytes);
    }
}

static void a_client_refuses_a_frame_with_a_mask(void **state)
{
    (void)state;
    struct scene   scene = client_reads();
    struct outcome outcome;

    put_text(&scene.bytes, FROM_CLIENT, FIN | TEXT, "Hello");
    scene_run(&scene, &outcome);
    assert_non_null(strstr(blob_str(&outcome.log),
                           "OPEN\nCLOSE 1006 sent=1002 clean=0 "
                           "status=UPF_ERR_MASK"));
    outcome_free(&outcome);
    blob_free(&scene.bytes);
}

static void allow_unmasked(upf_config *config)
{
    config->allow_unmasked = true;
}

static void a_lenient_server_reads_both_kinds(void **state)
{
    (void)state;
    struct scene scene = server_reads();

    scene.configure = allow_unmasked;
    put_text(&scene.bytes, FROM_SERVER, FIN | TEXT, "bare");
    put_text(&scene.bytes, FROM_CLIENT, TEXT, "ma");
    put_text(&scene.bytes, FROM_SERVER, FIN | CONT, "sk");
    put_text(&scene.bytes, FROM_SERVER, FIN | PING, "");
    assert_scene(&scene, "OPEN\nMESSAGE text 4 \"bare\"\n"
                 "MESSAGE text 4 \"mask\"\nPING 0 \"\"\n",
                 "fin PONG 0 \"\"\n");
}

static void a_client_is_not_made_lenient(void **state)
{
    (void)state;
    struct scene   scene = client_reads();
    struct outcome outcome;

    scene.configure = allow_unmasked;
    put_text(&scene.bytes, FROM_CLIENT, FIN | TEXT, "Hello");
    scene_run(&scene, &outcome);
    assert_non_null(strstr(blob_str(&outcome.log), "status=UPF_ERR_MASK"));
    outcome_free(&outcome);
    blob_free(&scene.bytes);
}

/* ---- Failing ---------------------------------------------------------- */

static void what_came_before_an_error_is_answered_first(void **state)
{
    (void)state;
    struct scene   scene = server_reads();
    struct outcome outcome;
    struct blob    sent = {0};

    scene.app = app_echo;
    put_text(&scene.bytes, FROM_CLIENT, FIN | TEXT, "good");
    put_text(&scene.bytes, FROM_CLIENT, FIN | PING, "p");
    blob_add(&scene.bytes, "\x83\x80????", 6);
    scene_run(&scene, &outcome);
    show_frames(&sent, outcome.output.data, outcome.output.len, FROM_SERVER,
                0);
    assert_ptr_equal(strstr(blob_str(&sent), "fin TEXT 4 \"good\"\n"
                            "fin PONG 1 \"p\"\nfin CLOSE 1002"),
                     blob_str(&sent));
    outcome_free(&outcome);
    blob_free(&sent);
    blob_free(&scene.bytes);
}

static void nothing_is_read_after_a_failure(void **state)
{
    (void)state;
    struct session session;
    struct fake_random random = {.state = 3};
    uint8_t garbage[64];

    session_start(&session, OPEN_SERVER);
    session_give(&session, "\x83\x80????", 6);
    assert_status(session.last, UPF_DONE);

    const size_t sent = session.output.len;
    for (int i = 0; i < 1000; i++) {
        fake_random(&random, garbage, sizeof garbage);
        session_give(&session, garbage, sizeof garbage);
        assert_status(session.last, UPF_DONE);
    }
    session_give(&session, "\x81\x80????", 6);
    assert_int_equal(session.output.len, sent);
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 1);
    assert_int_equal(session.log.count[UPF_EVENT_MESSAGE], 0);
    session_free(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_reads_the_unmasked_example),
        cmocka_unit_test(a_server_reads_the_masked_example),
        cmocka_unit_test(a_client_reads_the_fragmented_example),
        cmocka_unit_test(a_client_reads_the_long_examples),
        cmocka_unit_test(control_frames_come_between_fragments_at_once),
        cmocka_unit_test(empty_frames_are_messages_and_parts_of_messages),
        cmocka_unit_test(the_first_opcode_is_the_type_of_the_message),
        cmocka_unit_test(a_continuation_of_nothing_fails),
        cmocka_unit_test(a_message_inside_a_message_fails),
        cmocka_unit_test(a_message_is_the_same_in_any_fragments),
        cmocka_unit_test(text_fails_at_its_first_impossible_byte),
        cmocka_unit_test(text_fails_before_its_frame_has_arrived),
        cmocka_unit_test(text_that_ends_inside_a_code_point_fails),
        cmocka_unit_test(every_two_byte_text_is_judged_by_the_definition),
        cmocka_unit_test(binary_is_not_looked_at),
        cmocka_unit_test(a_key_of_zeros_is_a_key),
        cmocka_unit_test(a_server_refuses_a_frame_without_a_mask),
        cmocka_unit_test(a_client_refuses_a_frame_with_a_mask),
        cmocka_unit_test(a_lenient_server_reads_both_kinds),
        cmocka_unit_test(a_client_is_not_made_lenient),
        cmocka_unit_test(what_came_before_an_error_is_answered_first),
        cmocka_unit_test(nothing_is_read_after_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
