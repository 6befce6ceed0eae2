/* SPDX-License-Identifier: MIT */
/* naive.c - lines, words and regular expressions. */

#include <arpa/inet.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "naive.h"

#define TOKEN    "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
#define OWS      "[ \t]*"
#define LIST(of) "^(" of ")?(" OWS "," OWS "(" of ")?)*$" /* or empty */
#define PARAM    OWS ";" OWS TOKEN "(" OWS "=" OWS "(" TOKEN "|\"" TOKEN "\"))?"

enum pattern { IS_REQUEST_LINE, IS_FIELD, IS_HOST, IS_TARGET, IS_KEY,
               IS_PROTOCOLS, IS_EXTENSIONS, PATTERNS };

static const char *const patterns[PATTERNS] = {
    "^" TOKEN " [^ ]+ HTTP/1\\.[0-9]$",
    "^" TOKEN ":",
    "^(\\[[0-9A-Fa-f:.]+\\]|([A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)"
    "(:[0-9]*)?$",
    "^(/|(http|https|ws|wss)://)",
    "^[A-Za-z0-9+/]{22}==$",
    LIST(TOKEN),
    LIST(TOKEN "(" PARAM ")*"),
};

static regex_t compiled[PATTERNS];

int naive_setup(void **state)
{
    (void)state;
    for (int i = 0; i < PATTERNS; i++)
        if (regcomp(&compiled[i], patterns[i], REG_EXTENDED | REG_NOSUB |
                    (i == IS_TARGET ? REG_ICASE : 0)) != 0)
            return -1;
    return 0;
}

int naive_teardown(void **state)
{
    (void)state;
    for (int i = 0; i < PATTERNS; i++)
        regfree(&compiled[i]);
    return 0;
}

static bool matches(enum pattern pattern, const char *text)
{
    return regexec(&compiled[pattern], text, 0, NULL, 0) == 0;
}

enum { LINES_MAX = 64, TEXT_MAX = 2048 };

struct naive {
    char  text[TEXT_MAX];
    char *line[LINES_MAX]; /* the request line, then header lines */
    int   lines;
    char  joined[TEXT_MAX];
};

/* Cut the head into NUL-terminated lines. */
static bool cut(struct naive *n, const char *head, size_t len)
{
    if (memchr(head, 0, len) != NULL || len >= TEXT_MAX)
        return false;
    memcpy(n->text, head, len);
    n->text[len] = '\0';

    char *at = n->text + (strncmp(n->text, "\r\n", 2) == 0 ? 2 : 0);
    for (n->lines = 0;; n->lines++) {
        char *end = strstr(at, "\r\n");
        if (end == NULL || n->lines == LINES_MAX)
            return false;
        if (end == at)
            return end[2] == '\0' && n->lines > 0;
        *end = '\0';
        n->line[n->lines] = at;
        at = end + 2;
    }
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((*text > 0 && *text < ' ' && *text != '\t') || *text == 0x7F)
            return true;
    return false;
}

/* All fields called `name`, joined by commas; returns how many there are. */
static int join(struct naive *n, const char *name)
{
    int found = 0;

    n->joined[0] = '\0';
    for (int i = 1; i < n->lines; i++) {
        const size_t len = strlen(name);
        if (strncasecmp(n->line[i], name, len) || n->line[i][len] != ':')
            continue;
        const char *value = n->line[i] + len + 1;
        value += strspn(value, " \t");
        if (found++ > 0)
            strcat(n->joined, ",");
        strcat(n->joined, value);
        for (size_t l = strlen(n->joined);
             l > 0 && strchr(" \t", n->joined[l - 1]); l--)
            n->joined[l - 1] = '\0';
    }
    return found;
}

static bool has_token(const char *list, const char *token)
{
    char copy[TEXT_MAX];

    strcpy(copy, list);
    for (char *t = strtok(copy, ","); t != NULL; t = strtok(NULL, ",")) {
        t += strspn(t, " \t");
        if (strncasecmp(t, token, strlen(token)) == 0 &&
            strspn(t + strlen(token), " \t") == strlen(t + strlen(token)))
            return true;
    }
    return false;
}

static bool has_twice(const char *list)
{
    char copy[TEXT_MAX], *tokens[LINES_MAX];
    int count = 0;

    strcpy(copy, list);
    for (char *t = strtok(copy, ", \t"); t != NULL; t = strtok(NULL, ", \t")) {
        for (int i = 0; i < count; i++)
            if (strcmp(tokens[i], t) == 0)
                return true;
        tokens[count++] = t;
    }
    return false;
}

static bool is_host(const char *host)
{
    struct in6_addr address;
    char literal[TEXT_MAX];
    const char *port = strrchr(host, ':');

    if (!matches(IS_HOST, host))
        return false;
    if (host[0] == '[') {
        strcpy(literal, host + 1);
        *strchr(literal, ']') = '\0';
        if (inet_pton(AF_INET6, literal, &address) != 1)
            return false;
        if (port < strchr(host, ']'))
            port = NULL;
    }
    return port == NULL || port[1] == '\0' ||
           (strtod(port + 1, NULL) >= 1 && strtod(port + 1, NULL) <= 65535);
}

/* host[:port] with the port written out. */
static void put_whole(char *to, const char *authority, size_t len, int standard)
{
    size_t host = len;

    while (host > 0 && authority[host - 1] != ':' && authority[host - 1] != ']')
        host--;
    host = host > 0 && authority[host - 1] == ':' ? host - 1 : len;
    const int port = len > host ? atoi(authority + host + 1) : 0;
    sprintf(to, "%.*s:%d", (int)host, authority, port ? port : standard);
}

static bool is_target(const char *target, const char *host, bool is_options)
{
    char named[TEXT_MAX], whole[TEXT_MAX + 8], ours[TEXT_MAX + 8];

    for (const char *c = target; *c; c++)
        if (((unsigned char)*c <= ' ') || *c == 0x7F || *c == '#')
            return false;
    if (is_options && strcmp(target, "*") == 0)
        return true;
    if (!matches(IS_TARGET, target))
        return false;
    if (target[0] == '/')
        return true;

    const char *authority = strstr(target, "://") + 3;
    const size_t len = strcspn(authority, "/?");
    const int standard =
        strncasecmp(target, "https:", 6) && strncasecmp(target, "wss:", 4)
            ? 80 : 443;
    sprintf(named, "%.*s", (int)len, authority);
    if (!is_host(named) || !is_host(host))
        return false;
    put_whole(whole, named, len, standard);
    put_whole(ours, host, strlen(host), standard);
    return strcasecmp(whole, ours) == 0;
}

/* Host, request-target and body, which any request must have in order. */
static bool is_sound(struct naive *n, bool websocket, bool is_1_0)
{
    const char *target = strchr(n->line[0], ' ') + 1;
    char target_copy[TEXT_MAX] = "";

    strncat(target_copy, target, strcspn(target, " "));
    const int hosts = join(n, "Host");
    if (hosts > 1 || (hosts == 0 && !is_1_0))
        return false;
    if (hosts == 1 && (websocket || *n->joined) && !is_host(n->joined))
        return false;
    if (strncmp(n->line[0], "CONNECT ", 8) == 0)
        return false;
    const bool is_options =
        !websocket && strncmp(n->line[0], "OPTIONS ", 8) == 0;
    if (!is_target(target_copy, n->joined, is_options))
        return false;

    const int encodings = join(n, "Transfer-Encoding");
    const int lengths = join(n, "Content-Length");
    if (encodings > 0 && (websocket || is_1_0 || lengths > 0))
        return false;
    return lengths == 0 ||
           (lengths == 1 && *n->joined &&
            strspn(n->joined, websocket ? "0" : "0123456789") ==
                strlen(n->joined));
}

enum naive_verdict naive_judge(const char *head, size_t len)
{
    static struct naive n;

    if (!cut(&n, head, len) || !matches(IS_REQUEST_LINE, n.line[0]))
        return NAIVE_REFUSED;
    for (int i = 0; i < n.lines; i++)
        if (has_control(n.line[i]) || (i > 0 && !matches(IS_FIELD, n.line[i])))
            return NAIVE_REFUSED;

    const bool is_1_0 = n.line[0][strlen(n.line[0]) - 1] == '0';
    join(&n, "Upgrade");
    const bool websocket = has_token(n.joined, "websocket");
    if (!is_sound(&n, websocket, is_1_0))
        return NAIVE_REFUSED;
    if (!websocket)
        return NAIVE_PAGE;

    const bool handshake =
        !is_1_0 && strncmp(n.line[0], "GET ", 4) == 0 &&
        join(&n, "Connection") > 0 && has_token(n.joined, "upgrade") &&
        join(&n, "Sec-WebSocket-Version") == 1 && !strcmp(n.joined, "13") &&
        join(&n, "Sec-WebSocket-Key") == 1 && matches(IS_KEY, n.joined) &&
        (join(&n, "Sec-WebSocket-Protocol") == 0 ||
         (matches(IS_PROTOCOLS, n.joined) && !has_twice(n.joined))) &&
        (join(&n, "Sec-WebSocket-Extensions") == 0 ||
         matches(IS_EXTENSIONS, n.joined));
    return handshake ? NAIVE_WEBSOCKET : NAIVE_REFUSED;
}
