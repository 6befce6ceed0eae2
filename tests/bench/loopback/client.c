/* SPDX-License-Identifier: MIT */
/* client.c - connect, shake hands, frame, unframe; what the kernel accounts. */

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

void client_die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

unsigned long client_number(const char *option, const char *text,
                            unsigned long least, unsigned long most)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || value < least ||
        value > most)
        client_die("%s takes a number from %lu to %lu", option, least, most);
    return value;
}

const char *client_value(int argc, char **argv, int at)
{
    if (at + 1 >= argc)
        client_die("no option '%s', or no value for it: see --help", argv[at]);
    return argv[at + 1];
}

uint64_t client_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- Connecting --------------------------------------------------------- */

static void send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        const ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

        if (n < 0)
            client_die("handshake: send: %s", strerror(errno));
        data += n;
        len  -= (size_t)n;
    }
}

/* The response must accept the key of the RFC's example (section 1.3). */
static void shake_hands(int fd, unsigned port)
{
    char   text[2048];
    size_t len = 0;

    snprintf(text, sizeof text,
             "GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", port);
    send_all(fd, text, strlen(text));
    memset(text, 0, sizeof text);
    while (strstr(text, "\r\n\r\n") == NULL) {
        /* To the end of the head and not beyond: one byte at a time. */
        const ssize_t n = recv(fd, text + len, 1, 0);

        if (n <= 0 || ++len == sizeof text - 1)
            client_die("handshake: no response (%s)",
                       n < 0 ? strerror(errno) : "end");
    }
    if (strncmp(text, "HTTP/1.1 101", 12) != 0 ||
        strstr(text, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == NULL)
        client_die("handshake: %.60s", text);
}

int client_connect(unsigned port, unsigned index)
{
    const struct timeval limit = {.tv_sec = 10};
    const int            one   = 1;
    struct sockaddr_in   from  = {.sin_family = AF_INET};
    struct sockaddr_in   to    = {.sin_family = AF_INET};

    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + index / 1000);
    to.sin_addr.s_addr   = htonl(INADDR_LOOPBACK);
    to.sin_port          = htons((uint16_t)port);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) != 0)
        client_die("socket %u: %s", index, strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        client_die("connection %u: %s", index, strerror(errno));
    shake_hands(fd, port);
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        client_die("fcntl: %s", strerror(errno));
    return fd;
}

/* ---- Frames ------------------------------------------------------------- */

size_t client_frame(uint8_t *out, const uint8_t *payload, size_t size)
{
    static const uint8_t key[4] = {0x37, 0xFA, 0x21, 0x3D};
    const unsigned more = size < 126 ? 0 : size < 65536 ? 2 : 8;
    size_t n = 2;

    out[0] = 0x82; /* fin, binary */
    out[1] = (uint8_t)(0x80 | (more == 0 ? size : more == 2 ? 126 : 127));
    for (unsigned i = more; i-- > 0;)
        out[n++] = (uint8_t)((uint64_t)size >> 8 * i);
    memcpy(out + n, key, 4);
    n += 4;
    for (size_t i = 0; i < size; i++)
        out[n++] = payload[i] ^ key[i % 4];
    return n;
}

/* A whole header is in reader->head. */
static void begin_payload(struct client_reader *r, size_t size)
{
    const unsigned opcode = r->head[0] & 0x0F;

    if ((r->head[0] & 0x70) || (r->head[1] & 0x80) || opcode > 2 ||
        (opcode == 0) != (r->at > 0))
        client_die("a frame that begins with %02x %02x", r->head[0],
                   r->head[1]);
    r->left = r->head[1];
    if (r->left >= 126) {
        r->left = 0;
        for (unsigned i = 2; i < r->head_len; i++)
            r->left = r->left << 8 | r->head[i];
    }
    if (r->left > size - r->at)
        client_die("a message that is too long");
    r->in_payload = true;
}

static unsigned head_len(const struct client_reader *r)
{
    if (r->head_len < 2)
        return 2;
    const unsigned len = r->head[1] & 0x7F;
    return len < 126 ? 2 : len == 126 ? 4 : 10;
}

size_t client_read(struct client_reader *r, const uint8_t *data, size_t len,
                   const uint8_t *payload, size_t size)
{
    size_t messages = 0;

    while (len > 0) {
        if (!r->in_payload) {
            r->head[r->head_len++] = *data++;
            len--;
            if (r->head_len < head_len(r))
                continue;
            begin_payload(r, size);
        }
        const size_t n = r->left < len ? (size_t)r->left : len;
        if (n > 0 && memcmp(data, payload + r->at, n) != 0)
            client_die("another message than was sent");
        data    += n;
        len     -= n;
        r->at   += n;
        r->left -= n;
        if (r->left > 0)
            continue;
        r->in_payload = false;
        r->head_len   = 0;
        if (r->head[0] & 0x80) {
            if (r->at != size)
                client_die("a message of %llu bytes",
                           (unsigned long long)r->at);
            r->at = 0;
            messages++;
        }
    }
    return messages;
}

/* ---- The kernel's accounts ---------------------------------------------- */

static bool read_file(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");

    if (file == NULL)
        return false;
    const size_t n = fread(out, 1, size - 1, file);
    out[n] = '\0';
    fclose(file);
    return n > 0;
}

uint64_t client_cpu_time(pid_t pid)
{
    char     path[512], text[128];
    uint64_t total = 0;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (tasks == NULL)
        client_die("%s: %s", path, strerror(errno));
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        if (task->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid,
                 task->d_name);
        if (read_file(path, text, sizeof text))
            total += strtoull(text, NULL, 10);
    }
    closedir(tasks);
    return total;
}

uint64_t client_resident(pid_t pid)
{
    char path[64], text[8192];

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    if (!read_file(path, text, sizeof text))
        client_die("%s: %s", path, strerror(errno));
    const char *line = strstr(text, "VmRSS:");
    return line ? 1024 * strtoull(line + 6, NULL, 10) : 0;
}
