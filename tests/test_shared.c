/* SPDX-License-Identifier: MIT */
/* test_shared.c - one frame, encoded once, on many connections. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/session.h"

enum { CONNECTIONS = 100 };

static struct session sessions[CONNECTIONS];

/* Connections that all take their memory from the first one's allocator. */
static void start_all(void)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        session_prepare(&sessions[i]);
        sessions[i].config.alloc_user = &sessions[0].alloc;
        sessions[i].hold = true;
        session_begin(&sessions[i], OPEN_SERVER);
        session_give(&sessions[i], NULL, 0);
    }
}

static void end_all(void)
{
    for (size_t i = CONNECTIONS; i-- > 0;)
        session_free(&sessions[i]);
}

/* Write some of what is queued. */
static void write_some(struct session *session, size_t some)
{
    upf_slice    slices[8];
    const size_t count = upf_conn_output(&session->conn, slices, 8);
    size_t       done  = 0;

    for (size_t i = 0; i < count && done < some; i++) {
        const size_t left = some - done;
        const size_t len  = slices[i].len < left ? slices[i].len : left;

        blob_add(&session->output, slices[i].data, len);
        done += len;
    }
    assert_status(upf_conn_output_done(&session->conn, (ptrdiff_t)done),
                  UPF_OK);
}

static void write_rest(struct session *session)
{
    session->hold = false;
    session_write(session);
}

static upf_shared *share(const char *text)
{
    upf_shared *shared = upf_shared_new(&sessions[0].config, UPF_OP_TEXT, text,
                                        strlen(text));

    assert_non_null(shared);
    return shared;
}

static void a_broadcast_reaches_all_in_the_same_bytes(void **state)
{
    (void)state;
    start_all();
    upf_shared *shared = share("to all of you");

    for (size_t i = 0; i < CONNECTIONS; i++) {
        assert_status(upf_send(&sessions[i].conn, UPF_OP_TEXT, "own", i % 4),
                      UPF_OK);
        assert_status(upf_send_shared(&sessions[i].conn, shared), UPF_OK);
        if (i % 3 == 0)
            assert_status(upf_send(&sessions[i].conn, UPF_OP_TEXT, "tail", 4),
                          UPF_OK);
        assert_status(upf_send_shared(&sessions[i].conn, shared), UPF_OK);
    }
    upf_shared_free(shared);
    for (size_t step = 1; step < 8; step++)
        for (size_t i = 0; i < CONNECTIONS; i++)
            write_some(&sessions[i], (i * step) % 5);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct blob expected = {0};

        write_rest(&sessions[i]);
        put_frame(&expected, FROM_SERVER, FIN | TEXT, "own", i % 4);
        put_text(&expected, FROM_SERVER, FIN | TEXT, "to all of you");
        if (i % 3 == 0)
            put_text(&expected, FROM_SERVER, FIN | TEXT, "tail");
        put_text(&expected, FROM_SERVER, FIN | TEXT, "to all of you");
        assert_true(blob_equal(&sessions[i].output, &expected));
        blob_free(&expected);
    }
    assert_int_equal(sessions[0].alloc.live, 0);
    end_all();
}

static void a_broadcast_is_in_memory_once(void **state)
{
    (void)state;
    static char payload[100000];
    const void *where = NULL;

    start_all();
    upf_shared *shared = upf_shared_new(&sessions[0].config, UPF_OP_BINARY,
                                        payload, sizeof payload);
    assert_non_null(shared);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        upf_slice slices[4];

        assert_status(upf_send_shared(&sessions[i].conn, shared), UPF_OK);
        assert_int_equal(upf_conn_queued(&sessions[i].conn),
                         10 + sizeof payload);
        assert_int_equal(upf_conn_output(&sessions[i].conn, slices, 4), 1);
        if (where == NULL)
            where = slices[0].data;
        assert_ptr_equal(slices[0].data, where);
    }
    assert_in_range(sessions[0].alloc.live, sizeof payload,
                    sizeof payload + 1024 + CONNECTIONS * 1024);
    upf_shared_free(shared);
    end_all();
}

static void references_may_be_given_up_in_any_order(void **state)
{
    (void)state;
    struct fake_random random = {.state = 9};

    for (int round = 0; round < 50; round++) {
        start_all();
        upf_shared *shared = share("gone in any order");
        bool        held = true;

        for (size_t i = 0; i < CONNECTIONS; i++)
            assert_status(upf_send_shared(&sessions[i].conn, shared), UPF_OK);
        for (int i = 0; i < 300; i++) {
            struct session *session =
                &sessions[fake_choice(&random, CONNECTIONS)];

            switch (fake_choice(&random, 6)) {
            case 0:
                upf_conn_free(&session->conn);
                break;
            case 1:
                upf_conn_lost(&session->conn);
                break;
            case 2:
                if (held && fake_choice(&random, 20) == 0) {
                    upf_shared_free(shared);
                    held = false;
                }
                break;
            default:
                write_some(session, fake_choice(&random, 25));
                break;
            }
        }
        if (held)
            upf_shared_free(shared);
        end_all();
    }
}

static void the_creators_bytes_are_copied(void **state)
{
    (void)state;
    char text[] = "as it was";

    start_all();
    upf_shared *shared = upf_shared_new(NULL, UPF_OP_TEXT, text, 9);
    assert_non_null(shared);
    memset(text, '?', sizeof text);
    assert_status(upf_send_shared(&sessions[0].conn, shared), UPF_OK);
    write_rest(&sessions[0]);
    assert_sent(&sessions[0], "fin TEXT 9 \"as it was\"\n");
    upf_shared_free(shared);
    end_all();
}

static void what_cannot_be_a_message_cannot_be_shared(void **state)
{
    (void)state;
    assert_null(upf_shared_new(NULL, UPF_OP_TEXT, "\xFF", 1));
    assert_null(upf_shared_new(NULL, UPF_OP_TEXT, "cut \xC3", 5));
    assert_null(upf_shared_new(NULL, UPF_OP_PING, "x", 1));
    assert_null(upf_shared_new(NULL, UPF_OP_CONTINUATION, "x", 1));

    start_all();
    sessions[0].alloc.fault = (struct fault){1, true};
    assert_null(upf_shared_new(&sessions[0].config, UPF_OP_TEXT, "x", 1));
    sessions[0].alloc.fault = (struct fault){0};
    end_all();
}

static void binary_is_shared_as_it_is_and_may_be_empty(void **state)
{
    (void)state;
    start_all();
    upf_shared *binary = upf_shared_new(NULL, UPF_OP_BINARY, "\xFF\xC0", 2);
    upf_shared *empty  = upf_shared_new(NULL, UPF_OP_BINARY, NULL, 0);

    assert_non_null(binary);
    assert_non_null(empty);
    assert_status(upf_send_shared(&sessions[0].conn, binary), UPF_OK);
    assert_status(upf_send_shared(&sessions[0].conn, empty), UPF_OK);
    upf_shared_free(binary);
    upf_shared_free(empty);
    write_rest(&sessions[0]);
    assert_sent(&sessions[0], "fin BINARY 2 ffc0\nfin BINARY 0 \"\"\n");
    end_all();
}

static void a_client_cannot_share(void **state)
{
    (void)state;
    struct session session;

    session_start(&session, OPEN_CLIENT);
    session_give(&session, NULL, 0);
    upf_shared *shared = upf_shared_new(NULL, UPF_OP_TEXT, "x", 1);
    assert_non_null(shared);
    assert_status(upf_send_shared(&session.conn, shared), UPF_ERR_STATE);
    assert_int_equal(upf_conn_queued(&session.conn), 0);
    upf_shared_free(shared);
    session_free(&session);
}

static void a_shared_message_of_impossible_size_is_refused(void **state)
{
    (void)state;
    struct fake_alloc alloc  = {.calls = 0};
    upf_config        config = upf_config_default();

    config.alloc      = fake_alloc;
    config.alloc_user = &alloc;
    for (size_t less = 0; less < 16; less++)
        assert_null(upf_shared_new(&config, UPF_OP_BINARY, "x",
                                   SIZE_MAX - less));
    assert_int_equal(alloc.calls, 0);
    alloc.fault = (struct fault){1, true};
    assert_null(upf_shared_new(&config, UPF_OP_BINARY, "x", 1));
    upf_shared_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broadcast_reaches_all_in_the_same_bytes),
        cmocka_unit_test(a_broadcast_is_in_memory_once),
        cmocka_unit_test(references_may_be_given_up_in_any_order),
        cmocka_unit_test(the_creators_bytes_are_copied),
        cmocka_unit_test(what_cannot_be_a_message_cannot_be_shared),
        cmocka_unit_test(binary_is_shared_as_it_is_and_may_be_empty),
        cmocka_unit_test(a_client_cannot_share),
        cmocka_unit_test(a_shared_message_of_impossible_size_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
