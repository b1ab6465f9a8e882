#include "tests/integration/support/http.h"

#include <arpa/inet.h>
#include <check.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "tests/integration/support/server.h"

static size_t on_bytes(char *bytes, size_t size, size_t n, void *arg)
{
    return fwrite(bytes, size, n, arg);
}

static void set_request(CURL *curl, const struct http_request *request)
{
    if (request->body != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    }
    if (request->method != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    if (request->method != NULL && strcmp(request->method, "HEAD") == 0)
        (void)curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
}

static struct curl_slist *list_headers(const struct http_request *request)
{
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < HTTP_HEADERS_MAX && request->headers[i] != NULL; i++)
        list = curl_slist_append(list, request->headers[i]);
    return list;
}

static void perform(CURL *curl, struct http_reply *reply)
{
    size_t head_len = 0;
    long status = 0;
    FILE *head = open_memstream(&reply->head, &head_len);
    FILE *body = open_memstream(&reply->body, &reply->body_len);
    ck_assert(head != NULL && body != NULL);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, head);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)HTTP_TIMEOUT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (curl_easy_perform(curl) == CURLE_OK)
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME, &reply->seconds);
    (void)fclose(head);
    (void)fclose(body);
    reply->status = (int)status;
}

void http_send(const struct server *s, const struct http_request *request, struct http_reply *reply)
{
    char url[2048];
    CURL *curl = curl_easy_init();
    ck_assert_ptr_nonnull(curl);
    *reply = (struct http_reply){0};
    (void)snprintf(url, sizeof url, "%s://%s%s", s->ca_path == NULL ? "http" : "https", s->address, request->target);
    struct curl_slist *headers = list_headers(request);
    if (s->ca_path != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, s->ca_path);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    set_request(curl, request);
    perform(curl, reply);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}

void http_get(const struct server *s, const char *target, struct http_reply *reply)
{
    http_send(s, &(struct http_request){.target = target}, reply);
}

void http_get_ok(const struct server *s, const char *target)
{
    struct http_reply reply;
    http_get(s, target, &reply);
    ck_assert_msg(reply.status == 200, "%s: %d %s", target, reply.status, reply.body);
    http_reply_close(&reply);
}

void http_fill_target(const char *template, char out[HTTP_TARGET_MAX])
{
    size_t n = 0;
    for (const char *at = template; *at != '\0'; at++) {
        if (*at == '{')
            at = strchr(at, '}');
        out[n++] = *at == '}' ? '1' : *at;
        ck_assert_uint_lt(n, HTTP_TARGET_MAX);
    }
    out[n] = '\0';
}

void http_post_json(const struct server *s, const char *target, const char *json, struct http_reply *reply)
{
    const struct http_request request = {
        .target = target, .headers = {"Content-Type: application/json"}, .body = json, .body_len = strlen(json)};
    http_send(s, &request, reply);
}

void http_reply_close(struct http_reply *reply)
{
    free(reply->head);
    free(reply->body);
    *reply = (struct http_reply){0};
}

bool http_has_header(const struct http_reply *reply, const char *line)
{
    const size_t len = strlen(line);
    for (const char *at = reply->head; at != NULL && *at != '\0'; at = strchr(at, '\n') == NULL ? NULL : strchr(at, '\n') + 1)
        if (strncasecmp(at, line, len) == 0 && (at[len] == '\r' || at[len] == '\n'))
            return true;
    return false;
}

int http_connect(const struct server *s)
{
    const struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)s->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&in, sizeof in), 0);
    return fd;
}

void http_write_bytes(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

void http_write(int fd, const char *text)
{
    http_write_bytes(fd, text, strlen(text));
}

/* One byte, so that nothing of the next reply is taken; -1 at the end or the deadline. */
static int read_byte(int fd, int64_t deadline_ns)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    unsigned char byte = 0;
    if (poll(&p, 1, clock_left_ms(deadline_ns)) != 1 || recv(fd, &byte, 1, 0) != 1)
        return -1;
    return byte;
}

static bool read_head(int fd, int64_t deadline_ns, FILE *head)
{
    static const char end[] = "\r\n\r\n";
    for (size_t matched = 0; matched < sizeof end - 1;) {
        const int byte = read_byte(fd, deadline_ns);
        if (byte < 0)
            return false;
        (void)fputc(byte, head);
        matched = byte == end[matched] ? matched + 1 : byte == end[0];
    }
    return true;
}

static size_t body_len_of(const struct http_reply *reply)
{
    const char *field = strcasestr(reply->head, "\nContent-Length:");
    return field == NULL ? 0 : (size_t)atoll(field + strlen("\nContent-Length:"));
}

bool http_read(int fd, int ms, bool without_body, struct http_reply *reply)
{
    const int64_t deadline_ns = clock_mono_ns() + ms * NS_PER_MS;
    size_t head_len = 0;
    *reply = (struct http_reply){0};
    FILE *head = open_memstream(&reply->head, &head_len);
    ck_assert_ptr_nonnull(head);
    bool is_whole = read_head(fd, deadline_ns, head);
    (void)fclose(head);
    (void)sscanf(reply->head, "HTTP/1.1 %d", &reply->status);
    FILE *body = open_memstream(&reply->body, &reply->body_len);
    ck_assert_ptr_nonnull(body);
    for (size_t left = is_whole && !without_body ? body_len_of(reply) : 0; left > 0 && is_whole; left--) {
        const int byte = read_byte(fd, deadline_ns);
        is_whole = byte >= 0;
        if (is_whole)
            (void)fputc(byte, body);
    }
    (void)fclose(body);
    return is_whole;
}

bool http_is_closed(int fd, int ms)
{
    const int64_t deadline_ns = clock_mono_ns() + ms * NS_PER_MS;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char bytes[4096];
    while (poll(&p, 1, clock_left_ms(deadline_ns)) == 1)
        if (recv(fd, bytes, sizeof bytes, 0) <= 0)
            return true;
    return false;
}
