/* SPDX-License-Identifier: MIT */
/* test_config.c - what is wrong with a config is said, by the field's name. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <upframe/conn.h>

#include "support/session.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef const char *const names[4];

/* `why` begins with `field`, a word, and has a sentence behind it. */
static void assert_names(const char *why, const char *field)
{
    const size_t len = strlen(field);

    if (why == NULL)
        fail_msg("%s: found nothing wrong", field);
    else if (strncmp(why, field, len) != 0 || why[len] != ' ' ||
             strlen(why) < len + 10)
        fail_msg("%s: \"%s\"", field, why);
}

static upf_status begin(const upf_config *config, int role)
{
    const upf_client_request request = {.url = "ws://example.com/"};
    upf_conn conn;
    upf_status status;

    if (role == 0)
        status = upf_conn_init_server(&conn, config);
    else if (role == 1)
        status = upf_conn_init_client(&conn, config, &request);
    else
        status = upf_conn_init_open(&conn, config, role == 2, NULL);
    upf_conn_free(&conn);
    return status;
}

static void the_defaults_are_sound(void **state)
{
    (void)state;
    const upf_config config = upf_config_default();

    assert_null(upf_config_check(&config));
    assert_null(upf_config_check(NULL));
}

/* Whatever no connection can begin with is said, and nothing else is. */
static void what_init_refuses_is_named(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "max_message", "max_frame", "max_fragments", "max_head",
        "max_head_line", "max_head_lines", "max_queued", "high_water",
        "alloc", "random", "pause_reading", "subprotocols",
    };
    static names no_token = {"chat", "chat v2", NULL};

    for (size_t i = 0; i < COUNT(fields); i++) {
        upf_config config = upf_config_default();

        switch (i) {
        case 0: config.max_message = 0; break;
        case 1: config.max_frame = 0; break;
        case 2: config.max_fragments = 0; break;
        case 3: config.max_head = 0; break;
        case 4: config.max_head_line = 0; break;
        case 5: config.max_head_lines = 0; break;
        case 6: config.max_queued = 0; break;
        case 7: config.high_water = 0; break;
        case 8: config.alloc = NULL; break;
        case 9: config.random = NULL; break;
        case 10: config.pause_reading = (upf_pause)(UPF_PAUSE_NEVER + 1); break;
        default: config.subprotocols = no_token; break;
        }
        assert_names(upf_config_check(&config), fields[i]);
        for (int role = 0; role < 4; role++)
            assert_status(begin(&config, role), UPF_ERR_ARGUMENT);
    }
}

static void what_may_be_zero_or_absent_is_sound(void **state)
{
    (void)state;
    static names none = {NULL};
    upf_config config = upf_config_default();

    config.handshake_timeout = config.ping_interval = 0;
    config.pong_timeout = config.close_timeout = 0;
    config.max_body = 0;
    config.subprotocols = config.origins = none;
    assert_null(upf_config_check(&config));
    for (int role = 0; role < 4; role++)
        assert_status(begin(&config, role), UPF_OK);
}

static void every_subprotocol_is_looked_at(void **state)
{
    (void)state;
    static const struct { names list; bool sound; } cases[] = {
        {{"a", "b", "c", NULL}, true},
        {{"chat.v1", "CHAT.V1", NULL}, true}, /* two names: case counts */
        {{"", NULL}, false},
        {{"a", "", NULL}, false},
        {{"a", "b", "c,d", NULL}, false},
        {{"a\r\nb", NULL}, false},
        {{"gr\xC3\xBC\xC3\x9F", NULL}, false},
        {{"a", "a", NULL}, false},
        {{"a", "b", "a", NULL}, false},
        {{"a", "b", "b", NULL}, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        upf_config config = upf_config_default();

        config.subprotocols = cases[i].list;
        if (cases[i].sound)
            assert_null(upf_config_check(&config));
        else
            assert_names(upf_config_check(&config), "subprotocols");
        /* A server can do with a name twice, a client's offer cannot. */
        assert_status(begin(&config, 1),
                      cases[i].sound ? UPF_OK : UPF_ERR_ARGUMENT);
    }
}

static void an_origin_that_no_browser_sends_is_named(void **state)
{
    (void)state;
    static const char *const sent[] = {
        "https://app.example.com", "http://localhost:8080", "http://[::1]:9001",
        "*", "null", "file://", "capacitor://localhost",
        "chrome-extension://abc",
    };
    static const struct { const char *text, *why; } never_sent[] = {
        {"", "scheme"}, {"example.com", "scheme"}, {"example.com:443", "scheme"},
        {"//example.com", "scheme"}, {"https:/example.com", "scheme"},
        {"://example.com", "scheme"}, {"NULL", "scheme"}, {"1http://a", "scheme"},
        {"https://example.com/", "path"}, {"https://example.com/app", "path"},
        {"https://example.com?", "path"}, {"https://example.com#a", "path"},
        {"https://a https://b", "path"},
        {"*.example.com", "wildcard"}, {"https://*.example.com", "wildcard"},
        {"https://*", "wildcard"}, {"*://a.example", "wildcard"},
        {"https://a.example:*", "wildcard"},
        {"https://a.example:99999", "port"}, {"https://a.example:0", "port"},
        {"https://a.example:x", "port"}, {"https://[::1]:65536", "port"},
        {"https://b\xC3\xBC" "cher.example", "ASCII"},
        {"https://b\xFC" "cher.example:8", "ASCII"},
        {"https://example.com ", "host"}, {" https://example.com", "scheme"},
        {"https://", "host"}, {"https://u@a.example", "host"},
        {"https://[::1", "host"}, {"https://::1", "host"},
        {"https://:443", "host"},
    };
    upf_config config = upf_config_default();

    for (size_t i = 0; i < COUNT(sent); i++) {
        names list = {"https://a.example", sent[i], NULL};

        config.origins = list;
        if (upf_config_check(&config) != NULL)
            fail_msg("\"%s\"", sent[i]);
    }
    for (size_t i = 0; i < COUNT(never_sent); i++) {
        names list = {"https://a.example", never_sent[i].text, "*", NULL};

        config.origins = list;
        const char *why = upf_config_check(&config);
        if (why == NULL || strstr(why, never_sent[i].why) == NULL)
            fail_msg("\"%s\": %s", never_sent[i].text, why ? why : "sound");
        assert_names(why, "origins");
        assert_status(begin(&config, 0), UPF_OK); /* it only never matches */
    }
}

static void settings_that_cannot_be_meant_are_named(void **state)
{
    (void)state;
    upf_config config = upf_config_default();

    config.max_queued = config.high_water;
    assert_null(upf_config_check(&config));
    config.high_water++;
    assert_names(upf_config_check(&config), "high_water");
    assert_status(begin(&config, 0), UPF_OK);

    config = upf_config_default();
    config.max_head = 110;
    config.max_head_line = 43;
    config.max_head_lines = 3;
    assert_null(upf_config_check(&config));
    config.max_head_lines = 2;
    assert_names(upf_config_check(&config), "max_head_lines");
    config.max_head_line = 42;
    assert_names(upf_config_check(&config), "max_head_line");
    config.max_head = 109;
    assert_names(upf_config_check(&config), "max_head");
    assert_status(begin(&config, 0), UPF_OK);
}

/* The first is said; what no connection can begin with, before the rest. */
static void one_thing_is_said_at_a_time(void **state)
{
    (void)state;
    static names origins = {"example.com", NULL};
    upf_config config = upf_config_default();

    config.origins = origins;
    config.random = NULL;
    assert_names(upf_config_check(&config), "random");
    config.max_frame = 0;
    assert_names(upf_config_check(&config), "max_frame");
}

/* ---- No connection begins ----------------------------------------------- */

static void assert_dead(upf_conn *conn)
{
    uint8_t   byte  = 0x81;
    upf_input input = {&byte, 1};
    upf_event event;

    assert_status(upf_conn_next(conn, &input, &event), UPF_DONE);
    assert_int_equal(input.len, 1);
    assert_status(upf_send(conn, UPF_OP_TEXT, "x", 1), UPF_ERR_STATE);
    assert_int_equal(upf_conn_wants(conn), UPF_WANTS_CLOSE);
    assert_int_equal(upf_conn_queued(conn), 0);
    assert_true(upf_conn_deadline(conn) == UINT64_MAX);
    upf_conn_tick(conn, 1);
    upf_conn_lost(conn);
    upf_conn_free(conn);
    assert_status(upf_conn_next(conn, &input, &event), UPF_DONE);
}

static void check_refused(const upf_config *config)
{
    const upf_client_request request = {.url = "ws://example.com/"};
    upf_conn conn;

    memset(&conn, 0xA5, sizeof conn);
    assert_status(upf_conn_init_server(&conn, config), UPF_ERR_ARGUMENT);
    assert_dead(&conn);
    memset(&conn, 0xA5, sizeof conn);
    assert_status(upf_conn_init_client(&conn, config, &request),
                  UPF_ERR_ARGUMENT);
    assert_dead(&conn);
    for (int client = 0; client < 2; client++) {
        memset(&conn, 0xA5, sizeof conn);
        assert_status(upf_conn_init_open(&conn, config, client != 0, NULL),
                      UPF_ERR_ARGUMENT);
        assert_dead(&conn);
    }
}

static void no_allocator_or_no_random_source_is_refused(void **state)
{
    (void)state;
    upf_config config = upf_config_default();

    config.alloc = NULL;
    check_refused(&config);
    config = upf_config_default();
    config.random = NULL;
    check_refused(&config);
}

static void a_malformed_subprotocol_of_ours_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "two words", "a\r\nb: c", "chat,v2",
                                      "caf\xC3\xA9"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (size_t at = 0; at < 2; at++) {
            const char *list[] = {"chat", "v2.chat", NULL};
            upf_config  config = upf_config_default();

            list[at] = bad[i];
            config.subprotocols = list;
            check_refused(&config);
        }
}

/* Every way for an init to fail: the struct's old content is not looked at,
 * and what is left is safe in every call. */
static void after_any_init_that_failed_all_calls_are_safe(void **state)
{
    (void)state;
    static const char *const bad_tokens[] = {"", "two words", "a,b", "\r\n"};
    static const char *const bad_urls[]   = {"", "http://h/", "ws://", "ws:///",
                                             "ws://h/#f", "ws://h:0x/"};
    const upf_header bad_header = {"X-A", "b\r\nX-C: d"};
    upf_conn conn;

    for (size_t i = 0; i < sizeof bad_tokens / sizeof *bad_tokens; i++)
        for (int client = 0; client < 2; client++) {
            memset(&conn, 0xA5, sizeof conn);
            assert_status(upf_conn_init_open(&conn, NULL, client != 0,
                                             bad_tokens[i]),
                          UPF_ERR_ARGUMENT);
            assert_dead(&conn);
        }
    for (size_t i = 0; i < sizeof bad_urls / sizeof *bad_urls; i++) {
        memset(&conn, 0xA5, sizeof conn);
        assert_status(upf_conn_init_client(&conn, NULL,
                          &(upf_client_request){.url = bad_urls[i]}),
                      UPF_ERR_URL);
        assert_dead(&conn);
    }
    memset(&conn, 0xA5, sizeof conn);
    assert_status(upf_conn_init_client(&conn, NULL,
                      &(upf_client_request){.url = "ws://h/",
                                            .headers = &bad_header,
                                            .header_count = 1}),
                  UPF_ERR_ARGUMENT);
    assert_dead(&conn);
    for (int random = 0; random < 2; random++) {
        struct session session;

        session_prepare(&session);
        *(random ? &session.random.fault : &session.alloc.fault) =
            (struct fault){1, true};
        assert_status(session_try(&session, CLIENT),
                      random ? UPF_ERR_RANDOM : UPF_ERR_NO_MEMORY);
        assert_dead(&session.conn);
        session_free(&session);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_sound),
        cmocka_unit_test(what_init_refuses_is_named),
        cmocka_unit_test(what_may_be_zero_or_absent_is_sound),
        cmocka_unit_test(every_subprotocol_is_looked_at),
        cmocka_unit_test(an_origin_that_no_browser_sends_is_named),
        cmocka_unit_test(settings_that_cannot_be_meant_are_named),
        cmocka_unit_test(one_thing_is_said_at_a_time),
        cmocka_unit_test(no_allocator_or_no_random_source_is_refused),
        cmocka_unit_test(a_malformed_subprotocol_of_ours_is_refused),
        cmocka_unit_test(after_any_init_that_failed_all_calls_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
