/* SPDX-License-Identifier: MIT */
/* host.c - whether a request means this server: against DNS rebinding. */

#include <string.h>

#include "host.h"
#include "tcp.h"

/* What is before the port; an IPv6 address keeps its brackets. */
static upf_str without_port(upf_str host)
{
    size_t len = host.len;

    while (len > 0 && host.data[len - 1] >= '0' && host.data[len - 1] <= '9')
        len--;
    if (len > 0 && host.data[len - 1] == ':')
        host.len = len - 1;
    return host;
}

bool host_is_ours(const upf_request *request, int fd, const option_list *names)
{
    const upf_str host = without_port(request->host);
    static const char mapped[] = "[::ffff:"; /* an IPv4 address, as IPv6 */
    char address[TCP_ADDRESS_MAX];

    if ((upf_str_equals(request->method, "OPTIONS") && host.len == 0) ||
        upf_str_equals_nocase(host, "localhost"))
        return true;
    for (size_t i = 0; i < names->count; i++)
        if (upf_str_equals_nocase(host, names->items[i]))
            return true;
    tcp_local_address(fd, address);
    upf_str ours = without_port((upf_str){address, strlen(address)});
    if (strncmp(address, mapped, sizeof mapped - 1) == 0) {
        ours.data += sizeof mapped - 1;
        ours.len -= sizeof mapped; /* and the bracket at the end */
    }
    return host.len == ours.len && memcmp(host.data, ours.data, ours.len) == 0;
}
