/* SPDX-License-Identifier: MIT */
/* redis_address.c - where Redis is, and what it wants to hear first. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis_address.h"
#include "show.h"

static bool split(redis_address *a, const char *text)
{
    const char *colon = strrchr(text, ':');
    char       *end;

    if (colon == NULL || colon[1] < '0' || colon[1] > '9')
        return false;
    errno = 0;
    const long port = strtol(colon + 1, &end, 10);
    size_t     len  = (size_t)(colon - text);
    if (len > 2 && text[0] == '[' && colon[-1] == ']') {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof a->host || *end != '\0' || errno != 0 ||
        port < 1 || port > 65535)
        return false;
    memcpy(a->host, text, len);
    a->host[len] = '\0';
    a->port      = (int)port;
    return true;
}

bool redis_address_read(redis_address *a, const char *text)
{
    a->text    = text;
    a->host[0] = '\0';
    if (strstr(text, "://") == NULL &&
        (strchr(text, '/') != NULL || split(a, text)))
        return true;
    fputs("--redis: '", stderr);
    show_text(stderr, text, strlen(text), 80);
    fputs("' is no HOST:PORT, such as 127.0.0.1:6379\n", stderr);
    return false;
}

/* Redis takes any bytes, and so might a line end be one: by mistake. */
static bool take(redis_address *a, const char *from, const char *text)
{
    const size_t len = strcspn(text, "\r\n");

    if (len == 0 || len >= sizeof a->password) {
        fprintf(stderr, "%s: a password has 1 to %d bytes\n", from,
                REDIS_PASSWORD_MAX - 1);
        return false;
    }
    memcpy(a->password, text, len);
    a->password[len] = '\0';
    return true;
}

bool redis_password_read(redis_address *a, const char *file)
{
    char  line[REDIS_PASSWORD_MAX + 2] = "";
    FILE *in = fopen(file, "r");

    if (in == NULL) {
        fprintf(stderr, "--redis-password-file: %s: %s\n", file,
                strerror(errno));
        return false;
    }
    if (fgets(line, sizeof line, in) == NULL)
        line[0] = '\0';
    fclose(in);
    return take(a, "--redis-password-file", line);
}

bool redis_password_from_environment(redis_address *a)
{
    const char *password = getenv("REDIS_PASSWORD");

    return a->password[0] != '\0' || password == NULL ||
           take(a, "REDIS_PASSWORD", password);
}
