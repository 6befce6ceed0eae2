/* SPDX-License-Identifier: MIT */
/* heads.c - HTTP heads for a test: requests, responses, and a look at them. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>

#include <upframe/handshake.h>

#include "heads.h"

size_t head_len(const struct blob *bytes)
{
    const char *end = strstr(blob_str(bytes), "\r\n\r\n");

    return end == NULL ? 0 : (size_t)(end - blob_str(bytes)) + 4;
}

size_t head_field(const struct blob *bytes, const char *name, char *value)
{
    const char  *line = strstr(blob_str(bytes), "\r\n");
    const char  *end  = blob_str(bytes) + head_len(bytes);
    const size_t len  = strlen(name);
    size_t found = 0;

    while (line != NULL && line + 4 < end) {
        line += 2;
        const char *next = strstr(line, "\r\n");

        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            const char  *from = line + len + 1 + strspn(line + len + 1, " \t");
            const size_t size = (size_t)(next - from);

            if (found++ == 0 && value != NULL) {
                assert_in_range(size, 0, 255);
                memcpy(value, from, size);
                value[size] = '\0';
            }
        }
        line = next;
    }
    return found;
}

void assert_field(const struct blob *bytes, const char *name,
                  const char *value)
{
    char got[256] = "";

    if (head_field(bytes, name, got) != 1)
        fail_msg("%zu lines of %s in\n%s", head_field(bytes, name, NULL), name,
                 blob_str(bytes));
    assert_string_equal(got, value);
}

void assert_status_line(const struct blob *bytes, const char *line)
{
    if (strncmp(blob_str(bytes), line, strlen(line)) != 0 ||
        strncmp(blob_str(bytes) + strlen(line), "\r\n", 2) != 0)
        fail_msg("not \"%s\" but\n%s", line, blob_str(bytes));
}

void put_101(struct blob *to, const struct blob *request, const char *more)
{
    char key[256] = "", accept[UPF_ACCEPT_LEN + 1];

    assert_int_equal(head_field(request, "Sec-WebSocket-Key", key), 1);
    assert_int_equal(upf_accept_key(key, strlen(key), accept), UPF_OK);
    blob_printf(to, "HTTP/1.1 101 Switching Protocols\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Accept: %s\r\n%s\r\n", accept, more);
}
