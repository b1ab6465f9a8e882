#include "service/wake.h"

#include <stdint.h>
#include <sys/eventfd.h>

/* Neither can fail in a way that matters: the counter is full only when the reader has been woken already. */
void service_wake(int fd)
{
    if (fd >= 0)
        (void)eventfd_write(fd, 1);
}

void service_wake_clear(int fd)
{
    eventfd_t n = 0;
    (void)eventfd_read(fd, &n);
}
