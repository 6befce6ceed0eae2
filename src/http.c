/* SPDX-License-Identifier: MIT */
/* http.c - a bounded HTTP/1 head: find its end, split it (RFC 9112). */

#include <assert.h>
#include <string.h>

#include "http.h"

/* ---- Characters ------------------------------------------------------- */

/* The sum of the classes that each character is in (enum upf_chars). */
static const uint8_t classes[256] = {
     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
     0, 7, 4, 1, 7, 5, 7, 7, 6, 6, 7,15, 6, 7, 7,12, /*  !"#$%&'()*+,-./ */
    15,15,15,15,15,15,15,15,15,15, 4, 6, 4, 6, 4, 4, /* 0123456789:;<=>? */
     4,15,15,15,15,15,15,15,15,15,15,15,15,15,15,15, /* @ABCDEFGHIJKLMNO */
    15,15,15,15,15,15,15,15,15,15,15, 4, 4, 4, 5, 7, /* PQRSTUVWXYZ[\]^_ */
     5,15,15,15,15,15,15,15,15,15,15,15,15,15,15,15, /* `abcdefghijklmno */
    15,15,15,15,15,15,15,15,15,15,15, 4, 5, 4, 7, 0, /* pqrstuvwxyz{|}~ */
    /* and nothing from 0x80 on */
};

size_t upf_chars_run(upf_str text, enum upf_chars wanted)
{
    size_t n = 0;

    for (; text.len - n >= 4; n += 4) {
        const uint8_t *c = (const uint8_t *)text.data + n;
        if ((classes[c[0]] & classes[c[1]] & classes[c[2]] & classes[c[3]] &
             wanted) == 0)
            break;
    }
    while (n < text.len && (classes[(uint8_t)text.data[n]] & wanted) != 0)
        n++;
    return n;
}

bool upf_is_token(upf_str text)
{
    return text.len > 0 && upf_chars_run(text, UPF_TOKEN_CHARS) == text.len;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t'; /* OWS, RFC 9110, section 5.6.3 */
}

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7F;
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/*
 * Whether one of eight bytes may be a control character. Of a byte whose top
 * bit is clear, subtracting 0x20 sets it if the byte is below 0x20, and adding
 * 1 if it is 0x7F. A carry out of 0xFF can make a '~' look like 0x7F: that
 * costs a second look, and none is missed.
 */
static bool may_have_control(uint64_t eight)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);

    return (((eight - ones * 0x20) | (eight + ones)) & ~eight &
            ones * 0x80) != 0;
}

/* How many bytes of text[0, len) come before its first control character. */
static size_t run_without_controls(const char *text, size_t len)
{
    size_t n = 0;

    for (; len - n >= sizeof(uint64_t); n += sizeof(uint64_t)) {
        uint64_t eight;
        memcpy(&eight, text + n, sizeof eight);
        if (may_have_control(eight))
            break;
    }
    while (n < len && !is_control((unsigned char)text[n]))
        n++;
    return n;
}

/* How many control characters are in text[0, len). Without a way out of the
 * loop, compilers look at sixteen bytes at once. */
static size_t count_controls(const char *text, size_t len)
{
    enum { BLOCK = 240 }; /* so many can be counted in a byte */
    size_t total = 0;

    while (len > 0) {
        const size_t n = len < BLOCK ? len : BLOCK;
        uint8_t count = 0;
        for (size_t i = 0; i < n; i++)
            count = (uint8_t)(count + is_control((unsigned char)text[i]));
        total += count;
        text  += n;
        len   -= n;
    }
    return total;
}

/* ---- Text ------------------------------------------------------------- */

upf_str upf_str_of(const char *text)
{
    return (upf_str){text, text ? strlen(text) : 0};
}

upf_str upf_str_trim(upf_str text)
{
    while (text.len > 0 && is_space(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && is_space(text.data[text.len - 1]))
        text.len--;
    return text;
}

bool upf_str_equal(upf_str a, upf_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool upf_str_equal_nocase(upf_str a, upf_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (a.data[i] != b.data[i] && lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

bool upf_str_is(upf_str text, const char *literal)
{
    return upf_str_equal_nocase(text, upf_str_of(literal));
}

/* How many bytes of text[0, len) come before its first control character that
 * is not HTAB. */
static size_t run_of_field_value(const char *text, size_t len)
{
    size_t n = 0;

    for (;;) {
        n += run_without_controls(text + n, len - n);
        if (n == len || text[n] != '\t')
            return n;
        n++;
    }
}

bool upf_is_field_value(upf_str text)
{
    return text.len == 0 ||
           run_of_field_value(text.data, text.len) == text.len;
}

/* ---- The end of a head ------------------------------------------------ */

/* Where in a head the next byte stands. */
enum {
    FIRST_BYTE,    /* of the head, where one empty line is let pass */
    EMPTY_LINE_LF, /* the LF of that line */
    START_LINE,    /* first byte of the first line */
    IN_LINE,       /* any other byte of a line */
    LINE_LF,       /* the LF that ends a line */
    NEXT_LINE,     /* first byte of a header line, or of the blank line */
    BLANK_LINE_LF, /* the last byte of the head */
    HEAD_END,
    STATES
};

/* The state that a CR or an LF leads to; 0 where it must not come. */
static const uint8_t after_cr[STATES] = {[FIRST_BYTE] = EMPTY_LINE_LF,
                                         [IN_LINE]    = LINE_LF,
                                         [NEXT_LINE]  = BLANK_LINE_LF};
static const uint8_t after_lf[STATES] = {[EMPTY_LINE_LF] = START_LINE,
                                         [LINE_LF]       = NEXT_LINE,
                                         [BLANK_LINE_LF] = HEAD_END};

/* UPF_OK: `c` was the last byte of the head. */
static upf_status scan_byte(struct upf_head_scan         *scan,
                            const struct upf_head_limits *limits, char c)
{
    if (scan->bytes >= limits->bytes)
        return UPF_ERR_HEAD_TOO_BIG;

    if (c == '\r' || c == '\n') {
        const uint8_t next = (c == '\r' ? after_cr : after_lf)[scan->state];
        if (next == 0)
            return UPF_ERR_HTTP;
        scan->state = next;
        scan->bytes++;
        return next == HEAD_END ? UPF_OK : UPF_NEED_MORE;
    }
    if (after_lf[scan->state] != 0 || (is_control((unsigned char)c) &&
                                       c != '\t'))
        return UPF_ERR_HTTP;

    if (scan->state != IN_LINE) {
        /* RFC 9112, sections 2.2 and 5.2: no white space begins a line, be it
         * the first header or one that continues another (obs-fold). */
        if (is_space(c))
            return UPF_ERR_HTTP;
        if (scan->state == NEXT_LINE) {
            if (scan->lines >= limits->lines)
                return UPF_ERR_HEAD_TOO_BIG;
            scan->lines++;
        }
        scan->line_bytes = 0;
        scan->state      = IN_LINE;
    }
    if (scan->line_bytes >= limits->line)
        return UPF_ERR_HEAD_TOO_BIG;
    scan->line_bytes++;
    scan->bytes++;
    return UPF_NEED_MORE;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * The usual case: the head is whole, each line ends with CR LF, nothing is over
 * a limit, and there are no more control characters than the line ends have.
 * False, and nothing is changed: scan_byte() has to say what is different.
 */
static bool scan_plain_head(struct upf_head_scan         *scan,
                            const struct upf_head_limits *limits,
                            const char *data, size_t len)
{
    size_t n = 0, line_len = 0;

    for (size_t lines = 0; len - n >= 2; lines++) {
        const char *line = data + n;
        const char *cr = memchr(line, '\r', len - n - 1);
        if (cr == NULL || cr[1] != '\n')
            return false;
        n = (size_t)(cr - data) + 2;
        if (cr == line) {
            if (lines == 0 || lines - 1 > limits->lines ||
                count_controls(data, n) != 2 * (lines + 1))
                return false;
            *scan = (struct upf_head_scan){.bytes      = (uint32_t)n,
                                           .line_bytes = (uint32_t)line_len,
                                           .lines = (uint16_t)(lines - 1),
                                           .state = HEAD_END};
            return true;
        }
        line_len = (size_t)(cr - line);
        if (line_len > limits->line || is_space(*line))
            return false;
    }
    return false;
}

upf_status upf_head_scan(struct upf_head_scan         *scan,
                         const struct upf_head_limits *limits,
                         const uint8_t *data, size_t len, size_t *taken)
{
    assert(data != NULL || len == 0);
    assert(scan->state < HEAD_END);
    assert(limits->lines <= UINT16_MAX);

    if (scan->bytes == 0 && scan_plain_head(scan, limits, (const char *)data,
                                            least(len, limits->bytes))) {
        *taken = scan->bytes;
        return UPF_OK;
    }

    upf_status status = UPF_NEED_MORE;
    size_t i = 0;

    while (i < len && status == UPF_NEED_MORE) {
        if (scan->state == IN_LINE) {
            const size_t room = least(limits->bytes - scan->bytes,
                                      limits->line - scan->line_bytes);
            const size_t run = run_without_controls((const char *)data + i,
                                                    least(len - i, room));
            scan->bytes      += (uint32_t)run;
            scan->line_bytes += (uint32_t)run;
            i += run;
            if (i == len)
                break;
        }
        status = scan_byte(scan, limits, (char)data[i]);
        if (status >= 0)
            i++;
    }
    *taken = i;
    return status;
}

/* ---- Lines and fields ------------------------------------------------- */

bool upf_http_line(upf_str *text, upf_str *line)
{
    size_t n = 0;

    while (n < text->len) {
        const char *lf = memchr(text->data + n, '\n', text->len - n);
        if (lf == NULL)
            return false;
        n = (size_t)(lf - text->data) + 1;
        if (n >= 2 && lf[-1] == '\r') {
            *line = (upf_str){text->data, n - 2};
            text->data += n;
            text->len  -= n;
            return true;
        }
    }
    return false;
}

bool upf_http_field_line(upf_str *text, upf_str *line)
{
    if (text->len < 2)
        return false;

    const size_t n = run_of_field_value(text->data, text->len);
    if (text->len - n < 2 || memcmp(text->data + n, "\r\n", 2) != 0)
        return false;
    *line = (upf_str){text->data, n};
    text->data += n + 2;
    text->len  -= n + 2;
    return true;
}

bool upf_are_field_lines(upf_str lines, size_t count)
{
    upf_str line;

    if (count_controls(lines.data, lines.len) == 2 * count)
        return true; /* they are in the line ends */
    while (lines.len > 0)
        if (!upf_http_field_line(&lines, &line))
            return false;
    return true;
}

bool upf_http_version(const char *text, int *major, int *minor)
{
    if (memcmp(text, "HTTP/", 5) != 0 || !is_digit(text[5]) ||
        text[6] != '.' || !is_digit(text[7]))
        return false;
    *major = text[5] - '0';
    *minor = text[7] - '0';
    return true;
}

bool upf_http_field(upf_str line, upf_str *name, upf_str *value)
{
    const size_t n = upf_chars_run(line, UPF_TOKEN_CHARS);

    if (n == 0 || n == line.len || line.data[n] != ':')
        return false;

    *name  = (upf_str){line.data, n};
    *value = upf_str_trim((upf_str){line.data + n + 1, line.len - n - 1});
    return true;
}

bool upf_header_next(upf_str *headers, upf_str *name, upf_str *value)
{
    upf_str line;

    return upf_http_field_line(headers, &line) &&
           upf_http_field(line, name, value);
}

/* Find the next field called `name`, and move `headers` behind it. */
static bool find_next(upf_str *headers, const char *name, upf_str *value)
{
    upf_str field, content;

    while (upf_header_next(headers, &field, &content)) {
        if (upf_str_is(field, name)) {
            *value = content;
            return true;
        }
    }
    return false;
}

bool upf_header_find(upf_str headers, const char *name, upf_str *value)
{
    return find_next(&headers, name, value);
}

/* ---- Comma-separated lists -------------------------------------------- */

bool upf_list_split(upf_str *list, upf_str *element)
{
    if (list->data == NULL)
        return false;

    const char *comma =
        list->len > 0 ? memchr(list->data, ',', list->len) : NULL;
    if (comma == NULL) {
        *element = upf_str_trim(*list);
        *list    = (upf_str){NULL, 0};
    } else {
        const size_t n = (size_t)(comma - list->data);
        *element = upf_str_trim((upf_str){list->data, n});
        list->data += n + 1;
        list->len  -= n + 1;
    }
    return true;
}

bool upf_list_next(upf_str *list, upf_str *element)
{
    while (upf_list_split(list, element))
        if (element->len > 0)
            return true;
    return false;
}

bool upf_list_has(upf_str list, const char *token)
{
    upf_str element;

    while (upf_list_next(&list, &element))
        if (upf_str_is(element, token))
            return true;
    return false;
}

bool upf_header_list_split(upf_str *headers, upf_str *list, const char *name,
                           upf_str *element)
{
    while (!upf_list_split(list, element))
        if (!find_next(headers, name, list))
            return false;
    return true;
}
