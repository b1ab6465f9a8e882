/* What the service manager that started the process is told: the datagrams of sd_notify(3), whose format is a promise of
 * systemd's and needs no library of it (docs/decisions/018-hardening-and-tools.md).
 *
 * Without NOTIFY_SOCKET in the environment nobody is told. A message that cannot be delivered within two seconds is lost, and
 * the log says so. Any thread. */
#ifndef TRACEKIN_SERVICE_NOTIFY_H
#define TRACEKIN_SERVICE_NOTIFY_H

#include <stdint.h>

/* Serves from now on, or again after service_notify_reloading. */
void service_notify_ready(void);
/* Reads its files anew; to be followed by service_notify_ready. */
void service_notify_reloading(void);
/* Drains and ends. */
void service_notify_stopping(void);
/* Shows life; see service_notify_watchdog_ns. */
void service_notify_alive(void);
/* How long the manager waits for a sign of life before it ends the process; 0 when it does not wait. */
int64_t service_notify_watchdog_ns(void);

#endif
