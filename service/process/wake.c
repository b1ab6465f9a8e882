#include "service/process/wake.h"

#include <stdint.h>
#include <sys/eventfd.h>

/* It cannot fail in a way that matters: the counter is full only when the reader has been woken already. */
void service_wake(int fd)
{
    if (fd >= 0)
        (void)eventfd_write(fd, 1);
}
