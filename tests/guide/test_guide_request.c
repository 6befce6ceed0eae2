/* SPDX-License-Identifier: MIT */
/* test_guide_request.c - docs/guide.md's on_request.c, visitor.c and
 * streaming.c. */

#include "guide/fragments.c"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include "guide/on_request.c"
#include "guide/streaming.c"
#include "guide/visitor.c"

#define UPGRADE "Upgrade: websocket\r\n"
#define TOKEN   "Authorization: Bearer s3cret\r\n"

static char head[1024];

static size_t write_head(const char *target, const char *more)
{
    const int len = snprintf(
        head, sizeof head,
        "GET %s HTTP/1.1\r\nHost: server.example.com\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n%s"
        "%s\r\n",
        target,
        strstr(more, UPGRADE) != NULL
            ? "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" : "",
        more);

    assert_in_range(len, 1, sizeof head - 1);
    return (size_t)len;
}

/* The HTTP status that a request gets. */
static int answer(const char *target, const char *more)
{
    const upf_config config = server_config();
    upf_input in = {(uint8_t *)head, write_head(target, more)};
    upf_conn  ws;
    upf_event ev;
    upf_slice out;
    int       http_status = 0;

    assert_int_equal(upf_conn_init_server(&ws, &config), UPF_OK);
    while (upf_conn_next(&ws, &in, &ev) == UPF_OK)
        if (ev.type == UPF_EVENT_REQUEST)
            on_request(&ws, &ev, "s3cret");
    assert_int_equal(upf_conn_output(&ws, &out, 1), 1);
    assert_true(out.len > 12);
    assert_int_equal(sscanf(out.data, "HTTP/1.1 %3d", &http_status), 1);
    upf_conn_free(&ws);
    return http_status;
}

static void who_has_the_token_is_let_in(void **state)
{
    (void)state;
    static const struct {
        const char *target, *more;
        int         http_status;
    } cases[] = {
        {"/chat", UPGRADE TOKEN, 101},
        {"/chat?room=1", UPGRADE TOKEN, 101},
        {"/chat", UPGRADE "Authorization: bearer s3cret\r\n", 101},
        {"/chat", UPGRADE TOKEN "Origin: https://app.example.com\r\n", 101},
        {"/chat", UPGRADE, 401},
        {"/chat", UPGRADE "Authorization: Bearer S3cret\r\n", 401},
        {"/chat", UPGRADE "Authorization: Bearer s3cre\r\n", 401},
        {"/chat", UPGRADE "Authorization: Bearer s3cret3\r\n", 401},
        {"/chat", UPGRADE "Authorization: s3cret\r\n", 401},
        {"/chat", UPGRADE TOKEN TOKEN, 401},
        {"/chats", UPGRADE TOKEN, 404},
        {"/chat", UPGRADE TOKEN "Origin: https://foe.example\r\n", 403},
        {"/chat", "", 200},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(answer(cases[i].target, cases[i].more),
                         cases[i].http_status);
}

static void what_is_kept_of_a_request_is_decoded(void **state)
{
    (void)state;
#define TEN "0123456789"
#define SIXTY TEN TEN TEN TEN TEN TEN
    static const struct {
        const char *target, *cookie;
        int         http_status;
        const char *room, *session;
    } cases[] = {
        {"/?room=a+%26b", "Cookie: x=y; session=abc\r\n", 0, "a &b", "abc"},
        {"/?room=" TEN TEN TEN "1", "Cookie: session=" SIXTY "1234\r\n", 0,
         TEN TEN TEN "1", SIXTY "1234"},
        {"/?room=" TEN TEN TEN "12", "Cookie: session=a\r\n", 400, "", ""},
        {"/?room=%zz", "Cookie: session=a\r\n", 400, "", ""},
        {"/?rooms=a", "Cookie: session=a\r\n", 400, "", ""},
        {"/?room=a", "Cookie: session=" SIXTY "12345\r\n", 403, "", ""},
        {"/?room=a", "Cookie: sessions=a\r\n", 403, "", ""},
    };
    struct visitor v;
    upf_request    request;
    char           more[256];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(more, sizeof more, UPGRADE "%s", cases[i].cookie);
        assert_int_equal(upf_request_parse(
                             head, write_head(cases[i].target, more), &request),
                         UPF_OK);
        assert_int_equal(keep_of_request(&v, &request), cases[i].http_status);
        if (cases[i].http_status == 0) {
            assert_string_equal(v.room, cases[i].room);
            assert_string_equal(v.session, cases[i].session);
        }
    }
}

/* More fragments than a gibibyte in parts of 3,000 bytes has, and then one that
 * is half of what is allowed. */
static void a_stream_has_any_number_of_fragments(void **state)
{
    (void)state;
    enum { FRAGMENTS = 400000, FRAME = 6 };
    const upf_config config = streaming();
    uint8_t   frame[14];
    upf_conn  ws;
    upf_event ev;
    upf_input in = {0};

    assert_null(upf_config_check(&config));
    assert_int_equal(upf_conn_init_open(&ws, &config, false, NULL), UPF_OK);
    assert_int_equal(upf_conn_next(&ws, &in, &ev), UPF_OK);
    for (int i = 0; i < FRAGMENTS; i++) {
        memcpy(frame, i == 0 ? "\x02\x80mask" : "\x00\x80mask", FRAME);
        in = (upf_input){frame, FRAME};
        assert_int_equal(upf_conn_next(&ws, &in, &ev), UPF_WANT_READ);
    }
    memcpy(frame, "\x80\xFF\x00\x00\x00\x80\x00\x00\x00\x00mask", 14);
    in = (upf_input){frame, 14};
    assert_int_equal(upf_conn_next(&ws, &in, &ev), UPF_WANT_READ);
    upf_conn_free(&ws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_the_token_is_let_in),
        cmocka_unit_test(what_is_kept_of_a_request_is_decoded),
        cmocka_unit_test(a_stream_has_any_number_of_fragments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
