/* SPDX-License-Identifier: MIT */
/* plot.c - cost against payload size as SVG: a panel a series, log-log. */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

enum {
    ACROSS  = 3, /* panels in a line */
    PANELS  = 12,
    NAMES   = BENCH_COLUMNS + 4,
    WIDTH   = 300, /* of a panel's frame */
    HEIGHT  = 210,
    LEFT    = 62,
    TOP     = 78,
    STEP_X  = WIDTH + 72,
    STEP_Y  = HEIGHT + 78,
    ZERO_AT = 2 /* the logarithm where a payload of 0 bytes is drawn */
};

static const double x_first = 1, x_last = 21; /* log2 of bytes */

struct plot {
    FILE               *file;
    const struct bench *bench;
    const char         *panels[PANELS];
    size_t              panel_count;
    const char         *names[NAMES]; /* columns, in order of appearance */
    size_t              name_count;
    double              y_first, y_last; /* log10 of nanoseconds */
};

static const char style[] =
    "<style>\n"
    "text{font:12px system-ui,sans-serif;fill:#24292f}\n"
    ".title{font-weight:600;font-size:13px}\n"
    ".back{fill:#fff}.grid{stroke:#d8dee4;stroke-width:1}\n"
    ".frame{fill:none;stroke:#8c959f}\n"
    "polyline{fill:none;stroke-width:2;stroke-linejoin:round}\n"
    ".c0{stroke:#0969da}.c1{stroke:#6e7781}\n"
    ".c2{stroke:#bc4c00}.c3{stroke:#1a7f37}\n"
    ".c4{stroke:#8250df}.c5{stroke:#bf3989}\n"
    ".c6{stroke:#9a6700}.c7{stroke:#1b7c83}\n"
    "polyline.c1{stroke-dasharray:5 3}\n"
    "@media (prefers-color-scheme:dark){\n"
    "text{fill:#e6edf3}.back{fill:#0d1117}.grid{stroke:#30363d}\n"
    ".frame{stroke:#6e7681}\n"
    ".c0{stroke:#58a6ff}.c1{stroke:#9da7b1}\n"
    ".c2{stroke:#f0883e}.c3{stroke:#3fb950}\n"
    ".c4{stroke:#bc8cff}.c5{stroke:#f778ba}\n"
    ".c6{stroke:#d29922}.c7{stroke:#39c5cf}\n"
    "}\n"
    "</style>\n";

/* ---- What there is to draw ---------------------------------------------- */

static size_t add_once(const char **list, size_t count, size_t most,
                       const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], name) == 0)
            return count;
    if (count < most)
        list[count++] = name;
    return count;
}

static void survey(struct plot *p)
{
    double least = 1e300, most = 0;

    /* The fixed colours come first: subject, floor, peers. */
    static const char *const usual[] = {"upframe", "floor", "wslay", "Beast"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        p->names[p->name_count++] = usual[i];

    for (size_t r = 0; r < p->bench->row_count; r++) {
        const struct bench_row *row = &p->bench->rows[r];

        if (row->series == NULL)
            continue;
        p->panel_count =
            add_once(p->panels, p->panel_count, PANELS, row->series);
        for (size_t i = 0; i < row->column_count; i++) {
            p->name_count = add_once(p->names, p->name_count, NAMES,
                                     row->columns[i].name);
            least = fmin(least, row->columns[i].min);
            most  = fmax(most, row->columns[i].min);
        }
    }
    p->y_first = floor(log10(fmax(least, 0.1)));
    p->y_last  = ceil(log10(fmax(most, 1)));
}

static bool is_drawn(const struct plot *p, const char *name)
{
    for (size_t r = 0; r < p->bench->row_count; r++)
        if (p->bench->rows[r].series != NULL &&
            bench_find(&p->bench->rows[r], name) != NULL)
            return true;
    return false;
}

/* ---- Drawing ------------------------------------------------------------ */

static double x_of(size_t payload)
{
    const double log = payload ? log2((double)payload) : ZERO_AT;

    return (log - x_first) / (x_last - x_first) * WIDTH;
}

static double y_of(const struct plot *p, double ns)
{
    const double log = fmax(log10(fmax(ns, 1e-9)), p->y_first);

    return HEIGHT - (log - p->y_first) / (p->y_last - p->y_first) * HEIGHT;
}

static void draw_legend(const struct plot *p)
{
    int at = 0;

    for (size_t i = 0; i < p->name_count; i++) {
        if (!is_drawn(p, p->names[i]))
            continue;
        fprintf(p->file,
                "<polyline class=\"c%zu\" points=\"%d,46 %d,46\"/>"
                "<text x=\"%d\" y=\"50\">%s</text>\n",
                i % 8, LEFT + at, LEFT + at + 24, LEFT + at + 30, p->names[i]);
        at += 52 + 8 * (int)strlen(p->names[i]);
    }
}

static void draw_axes(const struct plot *p)
{
    static const size_t sizes[] = {0, 16, 125, 1 << 10, 1 << 14, 1 << 20};
    static const char *const units[] = {"1 ns", "10 ns", "100 ns", "1 µs",
                                        "10 µs", "100 µs", "1 ms", "10 ms"};

    for (int e = (int)p->y_first; e <= (int)p->y_last; e++) {
        const double y = y_of(p, pow(10, e));

        fprintf(p->file, "<path class=\"grid\" d=\"M0 %.1fH%d\"/>", y, WIDTH);
        fprintf(p->file, "<text x=\"-6\" y=\"%.1f\" text-anchor=\"end\">%s"
                "</text>\n", y + 4,
                e < 0 ? "0.1 ns" : e < 8 ? units[e] : "");
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const double x = x_of(sizes[i]);
        char         text[24];

        bench_size_text(sizes[i], text);
        fprintf(p->file, "<path class=\"grid\" d=\"M%.1f 0V%d\"/>", x, HEIGHT);
        fprintf(p->file, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s"
                "</text>\n", x, HEIGHT + 17, text);
    }
    fprintf(p->file, "<rect class=\"frame\" width=\"%d\" height=\"%d\"/>\n",
            WIDTH, HEIGHT);
}

static void draw_line(const struct plot *p, const char *series, size_t name)
{
    size_t points = 0;

    fprintf(p->file, "<polyline class=\"c%zu\" points=\"", name % 8);
    for (size_t r = 0; r < p->bench->row_count; r++) {
        const struct bench_row    *row = &p->bench->rows[r];
        const struct bench_column *c;

        if (row->series == NULL || strcmp(row->series, series) != 0 ||
            (c = bench_find(row, p->names[name])) == NULL)
            continue;
        fprintf(p->file, "%s%.1f,%.1f", points++ ? " " : "",
                x_of(row->payload), y_of(p, c->min));
    }
    fprintf(p->file, "\"/>\n");
}

static void draw_panel(const struct plot *p, size_t panel)
{
    const char *series = p->panels[panel];
    const char *group  = "";

    for (size_t r = p->bench->row_count; r-- > 0;)
        if (p->bench->rows[r].series != NULL &&
            strcmp(p->bench->rows[r].series, series) == 0)
            group = p->bench->rows[r].group;
    fprintf(p->file, "<g transform=\"translate(%zu %zu)\">\n"
            "<text class=\"title\" x=\"0\" y=\"-7\">%s: %s</text>\n",
            LEFT + panel % ACROSS * STEP_X, TOP + 16 + panel / ACROSS * STEP_Y,
            group, series);
    draw_axes(p);
    for (size_t i = p->name_count; i-- > 0;) /* the subject on top */
        draw_line(p, series, i);
    fprintf(p->file, "</g>\n");
}

bool bench_write_svg(const struct bench *bench, const char *path)
{
    struct plot p = {.bench = bench, .file = fopen(path, "w")};

    if (p.file == NULL)
        return false;
    survey(&p);
    const size_t across = p.panel_count < ACROSS ? p.panel_count : ACROSS;
    const size_t lines  = (p.panel_count + ACROSS - 1) / ACROSS;
    const size_t width  = LEFT + (across ? across : 1) * STEP_X - 30;
    const size_t height = TOP + lines * STEP_Y - 14;

    fprintf(p.file, "<svg xmlns=\"http://www.w3.org/2000/svg\" "
            "viewBox=\"0 0 %zu %zu\" width=\"%zu\" height=\"%zu\" role=\"img\" "
            "aria-label=\"Cost of a frame against its payload's size\">\n%s"
            "<rect class=\"back\" width=\"100%%\" height=\"100%%\"/>\n"
            "<text class=\"title\" x=\"%d\" y=\"24\">Cost of a frame against "
            "its payload (minimum of %zu samples, both axes logarithmic)"
            "</text>\n",
            width, height, width, height, style, LEFT, bench->samples);
    draw_legend(&p);
    for (size_t i = 0; i < p.panel_count; i++)
        draw_panel(&p, i);
    fprintf(p.file, "</svg>\n");
    return fclose(p.file) == 0;
}
