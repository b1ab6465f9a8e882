/* Waking a thread that polls an eventfd. Any thread; nothing blocks. */
#ifndef TRACEKIN_SERVICE_WAKE_H
#define TRACEKIN_SERVICE_WAKE_H

/* Makes fd readable; -1 is nobody. */
void service_wake(int fd);

#endif
