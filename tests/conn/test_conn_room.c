/* SPDX-License-Identifier: MIT */
/* test_conn_room.c - where the next bytes of a large payload belong, and what
 * lies next to that. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "buf.h"
#include "support/heads.h"
#include "support/session.h"
#include "support/testext.h"

static void start_open(struct session *session, enum role role)
{
    session_start(session, role);
    session_give(session, NULL, 0);
    assert_true(upf_conn_is_open(&session->conn));
}

static void fail_from_now_on(struct session *session)
{
    session->alloc.fault = (struct fault){session->alloc.calls + 1, true};
}

static void fail_no_more(struct session *session)
{
    session->alloc.fault = (struct fault){0, false};
}

/* The next event is of this type; nothing is written. */
static upf_event next_event(struct session *session, upf_input *input,
                            upf_event_type type)
{
    upf_event event;

    assert_status(upf_conn_next(&session->conn, input, &event), UPF_OK);
    assert_int_equal(event.type, type);
    return event;
}

/* ---- Where the next bytes belong ---------------------------------------- */

static void assert_no_room(struct session *session)
{
    const size_t calls = session->alloc.calls;
    size_t       len   = 77;

    assert_null(upf_conn_room(&session->conn, &len));
    assert_int_equal(len, 77);
    assert_int_equal(session->alloc.calls, calls);
}

static void assert_room(struct session *session, size_t least, size_t most)
{
    size_t   len  = 0;
    uint8_t *room = upf_conn_room(&session->conn, &len);

    assert_non_null(room);
    assert_in_range(len, least, most);
    memset(room, 0xEE, len);
}

static void there_is_no_room_before_open_and_after_close(void **state)
{
    (void)state;
    struct session session;
    uint8_t        request[] = HEAD_REQUEST;
    upf_input      input     = {request, sizeof request - 1};

    session_start(&session, SERVER);
    assert_no_room(&session);
    session_give(&session, HEAD_REQUEST, 30);
    assert_no_room(&session);
    session_free(&session);
    assert_no_room(&session);

    session_start(&session, SERVER);
    next_event(&session, &input, UPF_EVENT_REQUEST);
    assert_no_room(&session);
    assert_status(upf_defer(&session.conn), UPF_OK);
    assert_no_room(&session);
    assert_status(upf_accept(&session.conn, NULL, NULL, 0), UPF_OK);
    assert_no_room(&session);
    session_free(&session);

    session_start(&session, CLIENT);
    assert_no_room(&session);
    session_give(&session, "HTTP/1.1 ", 9);
    assert_no_room(&session);
    session_eof(&session);
    assert_status(session.last, UPF_DONE);
    assert_no_room(&session);
    session_free(&session);
}

/* A server that has read so much of a frame of 10,000 bytes. */
static void start_large(struct session *session, size_t some, bool stream)
{
    struct blob bytes = {0};

    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'l', 10000);
    session_prepare(session);
    session->config.stream = stream;
    session_begin(session, OPEN_SERVER);
    session_give(session, bytes.data, some);
    blob_free(&bytes);
}

static void there_is_room_inside_a_large_payload_only(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};

    start_large(&session, 0, false);
    assert_no_room(&session);
    session_free(&session);
    for (size_t some = 1; some < 8; some++) { /* inside the header */
        start_large(&session, some, false);
        assert_no_room(&session);
        session_free(&session);
    }
    start_large(&session, 8, false);
    assert_room(&session, 2048, 4096);
    session_free(&session);
    start_large(&session, 8 + 10000 - 2048, false);
    assert_room(&session, 2048, 2048);
    session_free(&session);
    start_large(&session, 8 + 10000 - 2047, false); /* not worth a read */
    assert_no_room(&session);
    session_free(&session);

    start_open(&session, OPEN_SERVER); /* the block is for more fragments */
    put_run(&bytes, FROM_CLIENT, BINARY, 'f', 10000);
    session_give(&session, bytes.data, 8 + 7000);
    assert_room(&session, 3000, 3000);
    session_free(&session);
    blob_clear(&bytes);

    start_large(&session, 100, true); /* chunks lie in the input */
    assert_no_room(&session);
    session_free(&session);

    start_open(&session, OPEN_SERVER);
    put_run(&bytes, FROM_CLIENT, FIN | PING, 'p', 125);
    session_give(&session, bytes.data, 20);
    assert_no_room(&session);
    session_free(&session);
    blob_free(&bytes);
}

static void a_failure_or_no_memory_leaves_no_room(void **state)
{
    (void)state;
    struct session session;
    size_t         len;

    start_large(&session, 8, false);
    fail_from_now_on(&session);
    assert_null(upf_conn_room(&session.conn, &len));
    fail_no_more(&session);
    assert_room(&session, 2048, 4096);
    upf_conn_lost(&session.conn);
    assert_no_room(&session);
    session_free(&session);
}

static void our_close_leaves_room_for_what_the_peer_still_sends(void **state)
{
    (void)state;
    struct session session;

    start_large(&session, 8, false);
    assert_status(upf_close(&session.conn, 1000, NULL), UPF_OK);
    assert_room(&session, 2048, 4096);
    session_free(&session);
}

static void an_encoded_payload_has_no_room(void **state)
{
    (void)state;
    static const char head[] =
        HEAD_START "Sec-WebSocket-Extensions: x-runs\r\n\r\n";
    struct session session;
    struct blob    bytes = {0};

    session_prepare(&session);
    session.config.ext = &test_ext;
    session_begin(&session, SERVER);
    session_give(&session, head, sizeof head - 1);
    assert_true(upf_conn_is_open(&session.conn));
    put_run(&bytes, FROM_CLIENT, FIN | RSV1 | BINARY, 1, 10000);
    session_give(&session, bytes.data, 100);
    assert_no_room(&session);
    session_free(&session);
    blob_free(&bytes);
}

/* The event lies where the room would be. */
static void there_is_no_room_while_an_event_is_in_it(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0};
    upf_input      input;

    put_run(&bytes, FROM_CLIENT, BINARY, 'a', 50);
    put_run(&bytes, FROM_CLIENT, FIN | PING, 'p', 5);
    start_open(&session, OPEN_SERVER);
    put_text(&bytes, FROM_CLIENT, FIN | CONT, "end");
    session_give(&session, bytes.data, 20);
    input = (upf_input){bytes.data + 20, bytes.len - 20};
    next_event(&session, &input, UPF_EVENT_PING);
    assert_no_room(&session);
    const upf_event event = next_event(&session, &input, UPF_EVENT_MESSAGE);
    assert_no_room(&session);
    assert_int_equal(event.len, 53);
    assert_memory_equal(event.data + 49, "aend", 4);
    session_free(&session);
    blob_free(&bytes);
}

/* ---- Memory that lies next to the library's ------------------------------
 *
 * An allocator over an array of the application's, which has its buffers in
 * front of each block and behind it, without a gap.
 */

enum { APART = 8192 };

static struct {
    _Alignas(max_align_t) uint8_t memory[8 * APART];
    size_t   used;
    uint8_t *first, *end; /* of the first block */
} array;

static void *array_alloc(void *user, void *ptr, size_t old_size,
                         size_t new_size)
{
    (void)user;
    if (new_size == 0)
        return NULL;
    if (array.used + APART + new_size + APART > sizeof array.memory)
        return NULL;
    uint8_t *block = array.memory + array.used + APART;
    array.used += (APART + new_size + 15) / 16 * 16;
    if (array.first == NULL) {
        array.first = block;
        array.end   = block + new_size;
    }
    if (ptr != NULL)
        memcpy(block, ptr, old_size < new_size ? old_size : new_size);
    return block;
}

static void start_array(struct session *session)
{
    memset(&array, 0, sizeof array);
    session_prepare(session);
    session->config.alloc = array_alloc;
    session_begin(session, OPEN_SERVER);
    session_give(session, NULL, 0);
}

/* Take what was sent without masking it, so that it lies as it was put. */
static void give_at(struct session *session, uint8_t *at, const uint8_t *bytes,
                    size_t len)
{
    upf_input input = {at, len};

    memmove(at, bytes, len);
    session_input(session, &input);
    memset(at, 0xDD, len);
}

static void input_behind_the_block_is_not_taken_for_room(void **state)
{
    (void)state;
    struct session session;
    struct blob    bytes = {0}, message = {0}, expected = {0};
    uint8_t        elsewhere[APART];

    start_array(&session);
    put_run(&bytes, FROM_CLIENT, BINARY, 'a', 10);
    give_at(&session, elsewhere, bytes.data, bytes.len);
    assert_non_null(array.first);

    /* Fill the block to its last byte. */
    const size_t capacity = upf_buf_capacity(&session.conn.assembly);
    assert_in_range(capacity, 11, APART / 2);
    assert_ptr_equal(session.conn.assembly.data + capacity, array.end);
    blob_clear(&bytes);
    put_run(&bytes, FROM_CLIENT, CONT, 'b', capacity - 10);
    give_at(&session, elsewhere, bytes.data, bytes.len);

    /* The rest of the message comes in from right behind it. */
    blob_clear(&bytes);
    put_run(&bytes, FROM_CLIENT, FIN | CONT, 'c', 100);
    give_at(&session, elsewhere, bytes.data, 6);
    give_at(&session, array.end, bytes.data + 6, 50);
    give_at(&session, elsewhere, bytes.data + 56, 50);
    blob_fill(&message, 'a', 10);
    blob_fill(&message, 'b', capacity - 10);
    blob_fill(&message, 'c', 100);
    blob_printf(&expected, "OPEN\nMESSAGE binary %zu ", message.len);
    blob_show(&expected, message.data, message.len);
    blob_text(&expected, "\n");
    assert_log(&session, blob_str(&expected));
    upf_conn_free(&session.conn);
    session_free(&session);
    blob_free(&bytes);
    blob_free(&message);
    blob_free(&expected);
}

/* A reply of 5,000 bytes, from next to a message that lies in the block. */
static void check_reply(ptrdiff_t from_first, ptrdiff_t from_end)
{
    struct session session;
    struct blob    bytes = {0}, expected = {0};
    upf_slice      slice;

    put_run(&bytes, FROM_CLIENT, FIN | BINARY, 'm', 100);
    put_run(&expected, FROM_SERVER, FIN | BINARY, 'r', 5000);
    start_array(&session);
    session_give(&session, bytes.data, 50);

    upf_input input = {bytes.data + 50, bytes.len - 50};
    const upf_event event = next_event(&session, &input, UPF_EVENT_MESSAGE);
    assert_in_range((uintptr_t)event.data, (uintptr_t)array.first,
                    (uintptr_t)array.end);
    uint8_t *reply = from_first != 0 ? array.first + from_first
                                     : array.end + from_end;
    memset(reply, 'r', 5000);
    assert_status(upf_send_in_place(&session.conn, UPF_OP_BINARY, reply, 5000),
                  UPF_OK);
    assert_int_equal(upf_conn_output(&session.conn, &slice, 1), 1);
    assert_ptr_equal(slice.data, reply - 4);

    /* It was borrowed, and was not the library's to keep. */
    assert_status(upf_conn_output_done(&session.conn, 0), UPF_OK);
    memset(reply, 0xDD, 5000);
    session_write(&session);
    assert_true(blob_equal(&session.output, &expected));
    upf_conn_free(&session.conn);
    session_free(&session);
    blob_free(&bytes);
    blob_free(&expected);
}

static void a_reply_next_to_the_block_is_borrowed(void **state)
{
    (void)state;
    check_reply(-5000, 0);
    check_reply(-6000, 0);
    check_reply(0, 0); /* its header is written to the end of the event */
    check_reply(0, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_no_room_before_open_and_after_close),
        cmocka_unit_test(there_is_room_inside_a_large_payload_only),
        cmocka_unit_test(a_failure_or_no_memory_leaves_no_room),
        cmocka_unit_test(
            our_close_leaves_room_for_what_the_peer_still_sends),
        cmocka_unit_test(an_encoded_payload_has_no_room),
        cmocka_unit_test(there_is_no_room_while_an_event_is_in_it),
        cmocka_unit_test(input_behind_the_block_is_not_taken_for_room),
        cmocka_unit_test(a_reply_next_to_the_block_is_borrowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
