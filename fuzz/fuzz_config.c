/* SPDX-License-Identifier: MIT */
/* fuzz_config.c - a config, field by field: what begins, and what is said. */

#include <string.h>

#include <upframe/conn.h>

#include "../src/sha1.h"
#include "check.h"
#include "script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const lists[8][3] = {
    {NULL},          {"chat", NULL},           {"chat", "chat", NULL},
    {"a b", NULL},   {"http://a.example", NULL}, {"a.example", NULL},
    {"null", NULL},  {"https://a.example/", NULL}};

static upf_config read_config(struct script *script)
{
    upf_config config = upf_config_default();

    config.max_message    = script_size(script);
    config.max_frame      = script_size(script);
    config.max_fragments  = (uint32_t)script_size(script);
    config.max_head       = (uint32_t)script_size(script);
    config.max_head_line  = (uint32_t)script_size(script);
    config.max_head_lines = (uint16_t)script_size(script);
    config.max_queued     = script_size(script);
    config.high_water     = script_size(script);
    config.pause_reading  = (upf_pause)(script_byte(script) % 5);
    config.subprotocols   = lists[script_byte(script) % 8];
    config.origins        = lists[script_byte(script) % 8];
    const uint8_t seams   = script_byte(script);
    if (seams & 1)
        config.alloc = NULL;
    if (seams & 2)
        config.random = NULL;
    return config;
}

/* What must hold, read by hand. */
static bool is_sound(const upf_config *config)
{
    bool are_tokens = true;

    for (const char *const *s = config->subprotocols; *s != NULL; s++)
        are_tokens = are_tokens && strpbrk(*s, " :/") == NULL;
    return are_tokens && config->max_message > 0 && config->max_frame > 0 &&
           config->max_fragments > 0 && config->max_head > 0 &&
           config->max_head_line > 0 && config->max_head_lines > 0 &&
           config->max_queued > 0 && config->high_water > 0 &&
           config->pause_reading <= UPF_PAUSE_NEVER && config->alloc != NULL &&
           config->random != NULL;
}

/* What is said begins with the field's name, and what begins works. */
static void check_config(const upf_config *config)
{
    const char *wrong = upf_config_check(config);
    upf_conn    conn;

    const upf_status status = upf_conn_init_open(&conn, config, false, NULL);
    CHECK(status == (is_sound(config) ? UPF_OK : UPF_ERR_ARGUMENT), "%s",
          upf_status_name(status));
    CHECK(status == UPF_OK || wrong != NULL, "refused, but nothing is wrong");
    CHECK(wrong == NULL || (strchr(wrong, ' ') != NULL && strlen(wrong) > 12),
          "%s", wrong);
    if (status == UPF_OK) {
        upf_input input = {NULL, 0};
        upf_event event;
        CHECK(upf_conn_next(&conn, &input, &event) == UPF_OK &&
                  event.type == UPF_EVENT_OPEN,
              "no OPEN");
    }
    upf_conn_free(&conn);
}

/* With the default allocator, and the defaults. */
static void check_defaults(const uint8_t *data, size_t len)
{
    upf_conn    conn;
    upf_input   input = {NULL, 0};
    upf_event   event;
    upf_shared *shared = upf_shared_new(NULL, UPF_OP_BINARY, data, len);

    CHECK(upf_conn_init_open(&conn, NULL, true, NULL) == UPF_OK, "defaults");
    CHECK(upf_conn_next(&conn, &input, &event) == UPF_OK, "no OPEN");
    for (int i = 0; i < 3; i++)
        CHECK(upf_send(&conn, UPF_OP_BINARY, data, len) == UPF_OK, "send");
    CHECK(shared != NULL && upf_send_shared(&conn, shared) == UPF_ERR_STATE,
          "shared by a client");
    CHECK(upf_shared_new(NULL, UPF_OP_PING, data, len) == NULL, "a ping");
    upf_shared_free(shared);
    upf_shared_free(NULL);
    upf_conn_free(&conn);
}

/* A digest does not depend on what is not hashed. */
static void check_sha1(const uint8_t *data, size_t len)
{
    uint8_t  one[UPF_SHA1_SIZE], two[UPF_SHA1_SIZE];
    uint8_t *copy = exact_copy(data, len);

    upf_sha1(data, len, one);
    upf_sha1(copy, len, two);
    CHECK(memcmp(one, two, sizeof one) == 0, "two digests");
    free(copy);
}

static void check_statuses(void)
{
    for (int i = -128; i < 128; i++)
        CHECK(upf_status_name((upf_status)i)[0] != '\0' &&
                  upf_status_text((upf_status)i)[0] != '\0',
              "status %d says nothing", i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct script    script = {data, len, 0};
    const upf_config config = read_config(&script);

    check_config(&config);
    check_defaults(data, len);
    check_sha1(data, len);
    check_statuses();
    CHECK(upf_config_check(NULL) == NULL, "the defaults");
    return 0;
}
