/* SPDX-License-Identifier: MIT */
/* test_stream.c - messages in chunks, as they come, without memory. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/oracle.h"
#include "support/split.h"

enum { MIB = 1024 * 1024 };

static void streaming(upf_config *config)
{
    config->stream = true;
}

static void chunks_are_whole_code_points(struct session *session,
                                         const upf_event *event)
{
    (void)session;
    if (event->type == UPF_EVENT_CHUNK && event->opcode == UPF_OP_TEXT)
        assert_int_equal(oracle_utf8(event->data, event->len, true),
                         event->len);
}

static struct scene streamed(enum role role)
{
    return (struct scene){
        .role = role, .configure = streaming,
        .app = chunks_are_whole_code_points,
    };
}

static void a_message_in_one_frame_comes_in_chunks(void **state)
{
    (void)state;
    struct scene scene = streamed(OPEN_SERVER);

    put_text(&scene.bytes, FROM_CLIENT, FIN | TEXT, "Hello");
    put_text(&scene.bytes, FROM_CLIENT, FIN | BINARY, "\xFF\xFE");
    assert_scene(&scene, "OPEN\nCHUNK text first last 5 \"Hello\"\n"
                 "CHUNK binary first last 2 fffe\n", "");
}

static void fragments_are_chunks_of_one_message(void **state)
{
    (void)state;
    struct scene scene = streamed(OPEN_CLIENT);

    put_text(&scene.bytes, FROM_SERVER, TEXT, "one ");
    put_text(&scene.bytes, FROM_SERVER, CONT, "two ");
    put_text(&scene.bytes, FROM_SERVER, FIN | CONT, "three");
    assert_scene(&scene, "OPEN\nCHUNK text first last 13 \"one two three\"\n",
                 "");
}

static void an_empty_final_fragment_is_an_empty_last_chunk(void **state)
{
    (void)state;
    struct scene scene = streamed(OPEN_CLIENT);

    put_text(&scene.bytes, FROM_SERVER, TEXT, "all");
    put_text(&scene.bytes, FROM_SERVER, FIN | PING, "");
    put_text(&scene.bytes, FROM_SERVER, FIN | CONT, "");
    put_text(&scene.bytes, FROM_SERVER, FIN | TEXT, "");
    assert_scene(&scene,
                 "OPEN\nCHUNK text first 3 \"all\"\nPING 0 \"\"\n"
                 "CHUNK text last 0 \"\"\nCHUNK text first last 0 \"\"\n",
                 "fin PONG 0 \"\"\n");
}

static void control_frames_come_between_chunks(void **state)
{
    (void)state;
    struct scene scene = streamed(OPEN_SERVER);

    put_text(&scene.bytes, FROM_CLIENT, BINARY, "one");
    put_text(&scene.bytes, FROM_CLIENT, FIN | PING, "p");
    put_text(&scene.bytes, FROM_CLIENT, CONT, "two");
    put_text(&scene.bytes, FROM_CLIENT, FIN | PONG, "q");
    put_text(&scene.bytes, FROM_CLIENT, FIN | CONT, "three");
    assert_scene(&scene,
                 "OPEN\nCHUNK binary first 3 \"one\"\nPING 1 \"p\"\n"
                 "CHUNK binary 3 \"two\"\nPONG 1 \"q\"\n"
                 "CHUNK binary last 5 \"three\"\n",
                 "fin PONG 1 \"p\"\n");
}

static void a_chunk_of_text_never_ends_inside_a_code_point(void **state)
{
    (void)state;
    struct scene scene = streamed(OPEN_SERVER);
    struct blob  log = {0}, text = {0};

    for (int i = 0; i < 6; i++)
        blob_text(&text, i % 2 ? "\xE2\x82\xAC" : "a\xC3\xA9\xF0\x9F\x98\x80");
    for (size_t at = 0; at < text.len; at += 5)
        put_frame(&scene.bytes, FROM_CLIENT,
                  (at == 0 ? TEXT : CONT) |
                  (at + 5 >= text.len ? FIN : 0u),
                  text.data + at, text.len - at < 5 ? text.len - at : 5);
    blob_printf(&log, "OPEN\nCHUNK text first last %zu ", text.len);
    blob_show(&log, text.data, text.len);
    blob_text(&log, "\n");
    assert_scene(&scene, blob_str(&log), "");
    blob_free(&log);
    blob_free(&text);
}

/* The first and the last code point of every length, and of every lead byte
 * with bounds of its own (RFC 3629, section 4): cut behind each byte. */
static void any_code_point_may_be_cut_anywhere(void **state)
{
    (void)state;
    static const char *const points[] = {
        "\x01", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80",
        "\xE0\xBF\xBF", "\xE1\x80\x80", "\xEC\xBF\xBF", "\xED\x80\x80",
        "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF",
        "\xF0\x90\x80\x80", "\xF0\xBF\xBF\xBF", "\xF1\x80\x80\x80",
        "\xF3\xBF\xBF\xBF", "\xF4\x80\x80\x80", "\xF4\x8F\xBF\xBF"};
    struct scene scene = streamed(OPEN_SERVER);
    struct blob  log = {0}, text = {0};

    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        blob_text(&text, points[i]);
    put_frame(&scene.bytes, FROM_CLIENT, FIN | TEXT, text.data, text.len);
    blob_printf(&log, "OPEN\nCHUNK text first last %zu ", text.len);
    blob_show(&log, text.data, text.len);
    blob_text(&log, "\n");
    assert_scene(&scene, blob_str(&log), "");
    blob_free(&log);
    blob_free(&text);
}

/* Nothing is delivered before it is whole, and then at once. */
static void a_cut_code_point_waits_for_its_last_byte(void **state)
{
    (void)state;
    static const char *const points[] = {"\xC2\x80", "\xDF\xBF",
                                         "\xE0\xA0\x80", "\xEF\xBF\xBF",
                                         "\xF0\x90\x80\x80",
                                         "\xF4\x8F\xBF\xBF"};

    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        const size_t   len = strlen(points[i]);
        struct session session;
        struct blob    bytes = {0};

        put_text(&bytes, FROM_CLIENT, TEXT, points[i]);
        session_prepare(&session);
        session.config.stream = true;
        session_begin(&session, OPEN_SERVER);
        session_give(&session, bytes.data, 6);
        for (size_t at = 0; at < len; at++) {
            assert_int_equal(session.log.count[UPF_EVENT_CHUNK], 0);
            session_give(&session, bytes.data + 6 + at, 1);
        }
        assert_int_equal(session.log.count[UPF_EVENT_CHUNK], 1);
        assert_int_equal(session.log.payload, len);
        session_free(&session);
        blob_free(&bytes);
    }
}

static void a_code_point_may_be_one_byte_a_fragment(void **state)
{
    (void)state;
    struct scene scene = streamed(OPEN_CLIENT);

    put_text(&scene.bytes, FROM_SERVER, TEXT, "\xF0");
    put_text(&scene.bytes, FROM_SERVER, CONT, "\x9F");
    put_text(&scene.bytes, FROM_SERVER, CONT, "\x98");
    put_text(&scene.bytes, FROM_SERVER, CONT, "\x80\xC3");
    put_text(&scene.bytes, FROM_SERVER, FIN | CONT, "\xA9!");
    assert_scene(&scene,
                 "OPEN\nCHUNK text first last 7 f09f9880c3a921\n", "");
}

/* What could be delivered is, whatever the cut; then the failure. */
static void text_before_an_impossible_byte_is_delivered(void **state)
{
    (void)state;
    struct scene   scene = streamed(OPEN_SERVER);
    struct outcome outcome;

    put_text(&scene.bytes, FROM_CLIENT, TEXT, "good \xC3\xA9\xE2\x82");
    put_text(&scene.bytes, FROM_CLIENT, FIN | CONT, "bad");
    scene_run(&scene, &outcome);
    assert_text(blob_str(&outcome.log),
                "OPEN\nCHUNK text first 7 676f6f6420c3a9\n"
                "CLOSE 1006 sent=1007 clean=0 status=UPF_ERR_UTF8 offset=21 "
                "reason=\"\"\n");
    outcome_free(&outcome);
    blob_free(&scene.bytes);
}

static void text_that_is_cut_at_its_end_fails(void **state)
{
    (void)state;
    struct scene   scene = streamed(OPEN_SERVER);
    struct outcome outcome;

    put_text(&scene.bytes, FROM_CLIENT, FIN | TEXT, "ab\xE2\x82");
    scene_run(&scene, &outcome);
    assert_non_null(strstr(blob_str(&outcome.log), "status=UPF_ERR_UTF8"));
    assert_null(strstr(blob_str(&outcome.log), "last"));
    outcome_free(&outcome);
    blob_free(&scene.bytes);
}

static void streaming_a_long_message_takes_no_memory(void **state)
{
    (void)state;
    static const size_t pieces[] = {16 * MIB, 65536, 1000, 13};

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        for (unsigned opcode = TEXT; opcode <= BINARY; opcode++) {
            struct session session;
            struct blob    bytes = {0};

            put_run(&bytes, FROM_CLIENT, FIN | opcode, 's', MIB);
            session_prepare(&session);
            session.config.stream = true;
            session_begin(&session, OPEN_SERVER);
            for (size_t at = 0; at < bytes.len;) {
                const size_t left = bytes.len - at;
                const size_t len  = pieces[i] < left ? pieces[i] : left;
                upf_input    input = {bytes.data + at, len};

                session_input(&session, &input);
                at += len;
            }
            assert_int_equal(session.log.payload, MIB);
            assert_int_equal(session.alloc.calls, 0);
            assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
            session_free(&session);
            blob_free(&bytes);
        }
}

static void a_chunk_lies_in_the_callers_input(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};
    upf_event      event;

    put_text(&bytes, FROM_CLIENT, FIN | BINARY, "where it lies");
    upf_input input = {bytes.data, bytes.len};

    session_prepare(&session);
    session.config.stream = true;
    session_begin(&session, OPEN_SERVER);
    assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
    assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_CHUNK);
    assert_ptr_equal(event.data, bytes.data + 6);
    session_free(&session);
    blob_free(&bytes);
}

static void a_message_in_one_input_lies_there_too(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};
    upf_event      event;

    put_text(&bytes, FROM_CLIENT, FIN | TEXT, "where it lies");
    upf_input input = {bytes.data, bytes.len};

    session_start(&session, OPEN_SERVER);
    assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
    assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
    assert_int_equal(event.type, UPF_EVENT_MESSAGE);
    assert_ptr_equal(event.data, bytes.data + 6);
    assert_memory_equal(event.data, "where it lies", 13);
    assert_int_equal(session.alloc.calls, 0);
    session_free(&session);
    blob_free(&bytes);
}

static void chunks_can_be_echoed_as_parts(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0}, text = {0};

    put_text(&bytes, FROM_CLIENT, TEXT, "one \xE2\x82");
    put_text(&bytes, FROM_CLIENT, FIN | PING, "p");
    put_text(&bytes, FROM_CLIENT, FIN | CONT, "\xAC two");
    session_prepare(&session);
    session.config.stream = true;
    session.app = app_echo_parts;
    session_begin(&session, OPEN_SERVER);
    for (size_t i = 0; i < bytes.len; i++)
        session_give(&session, bytes.data + i, 1);
    show_frames(&text, session.output.data, session.output.len, FROM_SERVER,
                0);
    assert_non_null(strstr(blob_str(&text), "fin PONG 1 \"p\""));
    assert_non_null(strstr(blob_str(&text), "fin CONT"));
    session_free(&session);
    blob_free(&bytes);
    blob_free(&text);
}

/* docs/guide.md, "Streaming", has this config and this upload. */
static void a_gibibyte_in_small_parts_is_one_message(void **state)
{
    (void)state;
    enum { PART = 3000, PARTS = 357914 };
    struct session session;
    struct blob    first = {0}, next = {0}, last = {0};

    session_prepare(&session);
    session.config.stream        = true;
    session.config.max_frame     = UINT64_C(1) << 40;
    session.config.max_message   = UINT64_C(1) << 40;
    session.config.max_fragments = UINT32_MAX;
    session_begin(&session, OPEN_SERVER);
    put_run(&first, FROM_CLIENT, BINARY, 'b', PART);
    put_run(&next, FROM_CLIENT, CONT, 'b', PART);
    put_run(&last, FROM_CLIENT, FIN | CONT, 'b', PART);
    uint8_t *frame = malloc(next.len);
    assert_non_null(frame);

    session_give_blob(&session, &first);
    for (int i = 0; i < PARTS - 2; i++) {
        upf_input input = {frame, next.len};
        upf_event event;

        memcpy(frame, next.data, next.len);
        assert_status(upf_conn_next(&session.conn, &input, &event), UPF_OK);
        assert_int_equal(event.type, UPF_EVENT_CHUNK);
        assert_int_equal(event.len, PART);
        assert_false(event.first || event.last);
        assert_status(upf_conn_next(&session.conn, &input, &event),
                      UPF_WANT_READ);
    }
    session_give_blob(&session, &last);
    assert_non_null(strstr(eventlog_text(&session.log), /* both in one line */
                           "CHUNK binary first last 6000"));
    assert_int_equal(session.log.count[UPF_EVENT_CLOSE], 0);
    assert_int_equal(session.alloc.peak, 0);
    free(frame);
    session_free(&session);
    blob_free(&first);
    blob_free(&next);
    blob_free(&last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_in_one_frame_comes_in_chunks),
        cmocka_unit_test(fragments_are_chunks_of_one_message),
        cmocka_unit_test(an_empty_final_fragment_is_an_empty_last_chunk),
        cmocka_unit_test(control_frames_come_between_chunks),
        cmocka_unit_test(a_chunk_of_text_never_ends_inside_a_code_point),
        cmocka_unit_test(a_code_point_may_be_one_byte_a_fragment),
        cmocka_unit_test(any_code_point_may_be_cut_anywhere),
        cmocka_unit_test(a_cut_code_point_waits_for_its_last_byte),
        cmocka_unit_test(text_before_an_impossible_byte_is_delivered),
        cmocka_unit_test(text_that_is_cut_at_its_end_fails),
        cmocka_unit_test(streaming_a_long_message_takes_no_memory),
        cmocka_unit_test(a_chunk_lies_in_the_callers_input),
        cmocka_unit_test(a_message_in_one_input_lies_there_too),
        cmocka_unit_test(chunks_can_be_echoed_as_parts),
        cmocka_unit_test(a_gibibyte_in_small_parts_is_one_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
