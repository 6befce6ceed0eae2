/* SPDX-License-Identifier: MIT */
/* notify_post.c - POST /TOPIC, whose body is an event: see notify_post.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "history.h"
#include "http_body.h"
#include "notify_post.h"

static bool refuse_file(FILE *in, const char *file, const char *why)
{
    fprintf(stderr, "--post-token-file %s: %s\n", file, why);
    if (in != NULL)
        fclose(in);
    return false;
}

/* What upf_bearer_token() takes, so that the right one can be sent. */
static bool is_token(const char *text)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/";
    const size_t body = strspn(text, good);

    return body > 0 && text[body + strspn(text + body, "=")] == '\0';
}

bool post_token_read(post_token *token, const char *file)
{
    FILE       *in = fopen(file, "r");
    struct stat info;

    if (in == NULL)
        return refuse_file(NULL, file, strerror(errno));
    const size_t len = fread(token->text, 1, sizeof token->text - 1, in);
    if (ferror(in))
        return refuse_file(in, file, strerror(errno));
    token->text[len] = '\0';
    token->len = strcspn(token->text, "\r\n");
    if (token->len < len && strspn(token->text + token->len, "\r\n") <
                                len - token->len)
        return refuse_file(in, file, "has more than one line");
    token->text[token->len] = '\0';
    if (token->len < TOKEN_MIN || token->len > TOKEN_MAX ||
        !is_token(token->text))
        return refuse_file(in, file, "is no token: 16 to 256 letters, digits "
                                     "and -._~+/ are, as `openssl rand -hex "
                                     "16` writes them");
    if (fstat(fileno(in), &info) == 0 && (info.st_mode & S_IROTH))
        fprintf(stderr, "%s can be read by everybody here: chmod 600 is "
                        "better\n", file);
    fclose(in);
    return true;
}

upf_str post_topic(const upf_request *request)
{
    upf_str     path  = request->target;
    const char *query = memchr(path.data, '?', path.len);

    if (query != NULL)
        path.len = (size_t)(query - path.data);
    if (path.len > 0 && path.data[0] == '/') {
        path.data++;
        path.len--;
    }
    return path;
}

/* Programs send neither field; browsers send both, or one at least. */
static bool is_of_another_site(const server *s, const upf_request *request)
{
    upf_str site;

    return !upf_request_origin_allowed(request, s->setup.config.origins) ||
           (upf_header_find(request->headers, "Sec-Fetch-Site", &site) &&
            !upf_str_equals(site, "same-origin") &&
            !upf_str_equals(site, "none"));
}

void post_take(server *s, client *c, const upf_request *request,
               const post_token *token, size_t max,
               void (*done)(client *c, const char *body, size_t len))
{
    upf_str shown;

    if (token->len == 0)
        http_answer(c, 403, "Events by POST are off here: "
                            "--post-token-file turns them on.\n");
    else if (is_of_another_site(s, request))
        http_answer(c, 403, "Another site's page may not post here.\n");
    else if (!upf_bearer_token(request->headers, &shown) ||
             !upf_str_equals_secret(shown, token->text, token->len))
        http_answer(c, 403, "Authorization: Bearer TOKEN is missing, or it is "
                            "another token.\n");
    else if (!topic_name_is_good(post_topic(request)))
        http_answer(c, 404, "POST to /TOPIC: up to 64 letters, digits, any of "
                            ". _ -\n");
    else
        http_read_body(c, request, max, done);
}

void post_name_methods(client *c, const upf_request *request)
{
    static const upf_header allow = {"Allow", "GET, HEAD, POST, OPTIONS"};

    if (upf_str_equals(request->method, "OPTIONS"))
        upf_refuse(&c->ws, 204, &allow, 1, NULL, 0);
    else if (!upf_str_equals(request->method, "GET") &&
             !upf_str_equals(request->method, "HEAD"))
        upf_refuse(&c->ws, 405, &allow, 1, NULL, 0);
}
