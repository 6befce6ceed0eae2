/* SPDX-License-Identifier: MIT */
/* notify_view.c - events on a terminal: see notify_view.h. */

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "notify_view.h"
#include "output.h"
#include "show.h"

static void write_time(char text[16], int64_t ms)
{
    const time_t seconds = (time_t)(ms / 1000);
    struct tm    local;

    if (localtime_r(&seconds, &local) == NULL ||
        strftime(text, 16, "%H:%M:%S", &local) == 0)
        strcpy(text, "--:--:--");
}

static struct row *row_of(view *v, upf_str name)
{
    for (size_t i = 0; i < v->count; i++)
        if (upf_str_equals(name, v->rows[i].topic))
            return &v->rows[i];
    if (v->count == ROWS_MAX)
        return NULL;
    struct row *row = &v->rows[v->count++];
    *row = (struct row){.news = 0};
    memcpy(row->topic, name.data, name.len);
    return row;
}

static size_t terminal_height(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 4
               ? size.ws_row : 24;
}

/* Over the last one: up, and each line anew, cut off where the terminal ends
 * (?7l). What has no room is counted. */
static void draw(view *v)
{
    const size_t room  = terminal_height() - 3;
    const size_t shown = v->count < room ? v->count : room;

    if (v->drawn > 0)
        printf("\x1b[%zuA", v->drawn);
    printf("\x1b[?7l\x1b[2K%-20s %6s %-8s  %s\n", "topic", "new", "last",
           "text");
    for (size_t i = 0; i < shown; i++) {
        const struct row *row = &v->rows[i];
        printf("\x1b[2K%-20.20s %6lu %-8s  %s\n", row->topic, row->news,
               row->time, row->text);
    }
    if (v->count > shown)
        printf("\x1b[2Kand %zu more topics\n", v->count - shown);
    printf("\x1b[?7h");
    v->drawn = 1 + shown + (v->count > shown);
}

static void put_in_table(view *v, const seen_event *e)
{
    struct row *row = row_of(v, e->topic);

    if (row == NULL)
        return;
    row->news += e->is_news;
    write_time(row->time, e->ms);
    memset(row->text, 0, sizeof row->text);
    FILE *text = fmemopen(row->text, sizeof row->text - 1, "w");
    if (text != NULL) {
        setvbuf(text, NULL, _IONBF, 0); /* what is too long is cut off */
        show_text(text, e->text.data, e->text.len, sizeof row->text / 4 - 1);
        fclose(text);
    }
    draw(v);
}

void view_event(view *v, const seen_event *e)
{
    char time[16];

    if (v->is_table) {
        put_in_table(v, e);
    } else {
        write_time(time, e->ms);
        printf("%s ", e->is_news ? "event" : "state");
        if (v->with_ids)
            printf("%.*s ", (int)e->id.len, e->id.data);
        printf("%s %.*s ", time, (int)e->topic.len, e->topic.data);
        show_text(stdout, e->text.data, e->text.len, e->text.len);
        putchar('\n');
    }
    (void)output_flush(); /* the loop looks, too */
}

void view_note(view *v, const char *word, upf_str text)
{
    FILE *out = v->is_table ? stderr : stdout;

    fprintf(out, "%s ", word);
    show_text(out, text.data, text.len, text.len);
    fputc('\n', out);
    (void)output_flush();
    v->drawn = 0; /* the table begins anew below that */
}
