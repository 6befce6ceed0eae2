/* SPDX-License-Identifier: MIT */
/* http.c - a bounded HTTP/1 head: find its end, split it (RFC 9112). */

#include <assert.h>
#include <string.h>

#include "http.h"

/* ---- Characters ------------------------------------------------------- */

/* RFC 9110, section 5.6.2: letters, digits and !#$%&'*+-.^_`|~ */
static const bool tchar[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 0, /*  !"#$%&'()*+,-./ */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, /* 0123456789:;<=>? */
    0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* @ABCDEFGHIJKLMNO */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, /* PQRSTUVWXYZ[\]^_ */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* `abcdefghijklmno */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, /* pqrstuvwxyz{|}~  */
    /* and nothing from 0x80 on */
};

bool upf_is_tchar(unsigned char c)
{
    return tchar[c];
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
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

bool upf_str_is(upf_str text, const char *literal)
{
    for (size_t i = 0; i < text.len; i++) {
        const char c = literal[i];
        if (c == '\0' ||
            (c != text.data[i] && lower(c) != lower(text.data[i])))
            return false;
    }
    return literal[text.len] == '\0';
}

bool upf_is_token(upf_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!upf_is_tchar((unsigned char)text.data[i]))
            return false;
    return text.len > 0;
}

bool upf_is_field_value(upf_str text)
{
    while (text.len > 0) {
        const size_t run = run_without_controls(text.data, text.len);
        if (run == text.len)
            break;
        if (text.data[run] != '\t')
            return false;
        text.data += run + 1;
        text.len  -= run + 1;
    }
    return true;
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

upf_status upf_head_scan(struct upf_head_scan         *scan,
                         const struct upf_head_limits *limits,
                         const uint8_t *data, size_t len, size_t *taken)
{
    assert(data != NULL || len == 0);
    assert(scan->state < HEAD_END);
    assert(limits->lines <= UINT16_MAX);

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

    while (text->len - n >= 2) {
        const char *cr = memchr(text->data + n, '\r', text->len - n - 1);
        if (cr == NULL)
            return false;
        n = (size_t)(cr - text->data);
        if (cr[1] == '\n') {
            *line = (upf_str){text->data, n};
            text->data += n + 2;
            text->len  -= n + 2;
            return true;
        }
        n++;
    }
    return false;
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
    size_t n = 0;

    while (n < line.len && upf_is_tchar((unsigned char)line.data[n]))
        n++;
    if (n == 0 || n == line.len || line.data[n] != ':')
        return false;

    *name  = (upf_str){line.data, n};
    *value = upf_str_trim((upf_str){line.data + n + 1, line.len - n - 1});
    return upf_is_field_value(*value);
}

bool upf_header_next(upf_str *headers, upf_str *name, upf_str *value)
{
    upf_str line;

    return upf_http_line(headers, &line) && upf_http_field(line, name, value);
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
