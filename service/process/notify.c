#include "service/process/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"

enum { SEND_TIMEOUT_S = 2, WATCHDOG_MAX_S = 24 * 3600 };

/* A path, or a name of the abstract kind, written with an @. Returns the address' length, 0 when it is neither. */
static socklen_t notify_address(const char *name, struct sockaddr_un *address)
{
    const size_t len = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof address->sun_path)
        return 0;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, len);
    if (name[0] == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
}

static int notify_send(const char *name, const char *message)
{
    struct sockaddr_un address;
    const socklen_t address_len = notify_address(name, &address);
    if (address_len == 0)
        return EINVAL;
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    const struct timeval timeout = {.tv_sec = SEND_TIMEOUT_S};
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    const ssize_t sent = sendto(fd, message, strlen(message), MSG_NOSIGNAL, (const struct sockaddr *)&address, address_len);
    const int error = sent < 0 ? errno : 0;
    (void)close(fd);
    return error;
}

static void notify(const char *message)
{
    const char *name = getenv("NOTIFY_SOCKET");
    if (name == NULL || name[0] == '\0')
        return;
    const int error = notify_send(name, message);
    char why[64] = "";
    if (error != 0)
        LOG(LOG_WARN, "notify_failed", LOG_CSTR("message", message), LOG_CSTR("error", strerror_r(error, why, sizeof why)),
            LOG_CSTR("help", "NOTIFY_SOCKET names no socket of a service manager"));
}

void service_notify_ready(void)
{
    notify("READY=1");
}

/* The time tells the manager which of two reloads the next READY=1 belongs to. */
void service_notify_reloading(void)
{
    char message[64];
    (void)snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(clock_mono_ns() / NS_PER_US));
    notify(message);
}

void service_notify_stopping(void)
{
    notify("STOPPING=1");
}

void service_notify_alive(void)
{
    notify("WATCHDOG=1");
}

/* WATCHDOG_PID, where given, says whom the manager means: it may be a parent, whose environment this is. */
int64_t service_notify_watchdog_ns(void)
{
    const char *interval = getenv("WATCHDOG_USEC"), *whom = getenv("WATCHDOG_PID");
    uint64_t interval_us = 0, pid = 0;
    if (interval == NULL || !str_to_u64(str_of(interval), &interval_us))
        return 0;
    if (whom != NULL && (!str_to_u64(str_of(whom), &pid) || pid != (uint64_t)getpid()))
        return 0;
    const uint64_t max_us = (uint64_t)WATCHDOG_MAX_S * (NS_PER_S / NS_PER_US);
    return (int64_t)(interval_us < max_us ? interval_us : max_us) * NS_PER_US;
}
