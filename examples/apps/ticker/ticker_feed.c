/* SPDX-License-Identifier: MIT */
/* ticker_feed.c - prices from a file or a pipe: see ticker_feed.h. Read
 * on_feed() first. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "show.h"
#include "ticker_feed.h"

enum { SHOWN = 60 /* bytes of a bad line */ };

static const double LARGEST = 1e15; /* beyond that a double is too coarse */

static void complain(feed *f, const char *line, size_t len, const char *why)
{
    if (!complaints_add(&f->bad))
        return;
    fprintf(stderr, "feed: line %lu, '", f->lines);
    if (show_text(stderr, line, len, SHOWN) < len)
        fputs("...", stderr);
    fprintf(stderr, "', %s (%lu bad so far)\n", why, f->bad.count);
}

/* ---- A line ------------------------------------------------------------- */

/* The next word from `*at` on; NULL if there is none. */
static const char *next_word(const char **at, size_t *len)
{
    const char *word = *at + strspn(*at, " \t\r");

    *len = strcspn(word, " \t\r");
    *at  = word + *len;
    return *len > 0 ? word : NULL;
}

/* strtod() alone would take "nan", "inf" and hexadecimal, too. */
static bool is_number(const char *word, size_t len, double *number)
{
    char *end;

    if (strspn(word, "0123456789+-.eE") < len)
        return false;
    *number = strtod(word, &end);
    return end == word + len && *number <= LARGEST && *number >= -LARGEST;
}

/* `line` ends with a NUL. */
static void take_line(feed *f, const char *line, size_t len)
{
    static const char form[] = "is not SYMBOL PRICE [SIZE]: left out";
    const char *at = line;
    size_t symbol_len, word_len;
    double price, size = 0;

    const char *name = next_word(&at, &symbol_len);
    if (name == NULL || *name == '#')
        return;
    const char *word = next_word(&at, &word_len);
    if (strlen(line) < len || word == NULL ||
        !is_number(word, word_len, &price)) {
        complain(f, line, len, form);
        return;
    }
    word = next_word(&at, &word_len);
    if (word != NULL && (!is_number(word, word_len, &size) || size < 0 ||
                         next_word(&at, &word_len) != NULL))
        complain(f, line, len, form);
    else if (!market_update(f->market, name, symbol_len, price, size))
        complain(f, line, len,
                 f->market->count == SYMBOLS_MAX
                     ? "one symbol more than a market holds: left out"
                     : "a symbol is 1 to 15 letters, digits or .-_/:=^: left "
                       "out");
}

/* ---- The stream --------------------------------------------------------- */

/* All whole lines of the buffer; what is left of the last one moves to the
 * front. */
static void take_lines(feed *f)
{
    char *line = f->buffer;
    char *const end = f->buffer + f->len;
    char *newline;

    while ((newline = memchr(line, '\n', (size_t)(end - line))) != NULL) {
        *newline = '\0';
        const size_t len = (size_t)(newline - line);
        f->lines++;
        if (len > FEED_LINE_MAX && !f->skips)
            complain(f, line, len, "is too long: left out");
        else if (!f->skips)
            take_line(f, line, len);
        f->skips = false;
        line     = newline + 1;
    }
    f->len = (size_t)(end - line);
    if (f->len > FEED_LINE_MAX) { /* its end can be far off: do not keep it */
        if (!f->skips) {
            f->lines++;
            complain(f, line, f->len, "is too long: left out");
            f->lines--; /* counted where it ends */
        }
        f->skips = true;
        f->len   = 0;
    }
    memmove(f->buffer, line, f->len);
}

static void on_feed(source *from, unsigned events)
{
    feed *f = OWNER_OF(feed, source, from);

    (void)events;
    const ssize_t n = read(from->fd, f->buffer + f->len,
                           sizeof f->buffer - 1 - f->len);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        f->len += (size_t)n;
        take_lines(f);
        return;
    }
    if (n < 0)
        fprintf(stderr, "feed: cannot read %s: %s\n", f->name,
                strerror(errno));
    if (f->len > 0) { /* a last line without its end */
        f->buffer[f->len++] = '\n';
        take_lines(f);
    }
    fprintf(stderr, "feed: %s has ended after %lu lines, %lu of them bad; the "
                    "last prices stay. For more, start again with a feed.\n",
            f->name, f->lines, f->bad.count);
    f->market->live = false;
    poller_forget(f->poller, &f->source);
    close(f->source.fd);
    f->source.fd = -1;
}

/* It can be opened and watched, and nothing ever comes from it. */
static bool is_directory(int fd)
{
    struct stat info;

    if (fstat(fd, &info) != 0 || !S_ISDIR(info.st_mode))
        return false;
    errno = EISDIR;
    return true;
}

bool feed_begin(feed *f, const char *file, market *m, poller *p)
{
    const bool is_stdin = strcmp(file, "-") == 0;

    f->market = m;
    f->poller = p;
    f->name   = is_stdin ? "standard input" : file;
    /* O_NONBLOCK: a named pipe is opened before somebody writes to it. Standard
     * input is others' too, and stays as it is: a read that was announced does
     * not wait, unless somebody else takes what it was announced for. */
    f->source = (source){
        .fd    = is_stdin ? STDIN_FILENO
                          : open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC),
        .ready = on_feed};
    if (f->source.fd < 0 || is_directory(f->source.fd) ||
        !poller_watch(p, &f->source, POLLER_READ)) {
        fprintf(stderr, "feed: cannot read %s: %s\n", f->name,
                strerror(errno));
        return false;
    }
    m->live = true;
    return true;
}
