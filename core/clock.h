/* Clocks and instants. Wall times are int64_t nanoseconds since 1970-01-01 UTC (good until 2262); deadlines are
 * int64_t nanoseconds of the monotonic clock. Pure but for the clocks themselves; any thread. */
#ifndef TRACEKIN_CORE_CLOCK_H
#define TRACEKIN_CORE_CLOCK_H

#include "core/buf.h"

enum { CLOCK_RFC3339_MAX = 36 };

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define NS_PER_DAY (INT64_C(86400) * NS_PER_S)

int64_t clock_wall_ns(void);
int64_t clock_mono_ns(void);
/* Milliseconds until a deadline, rounded up, at least 0, at most INT_MAX: what poll() wants. */
int clock_left_ms(int64_t deadline_ns);

/* "2023-01-29T08:42:09.487160534Z": as many fraction digits as needed (none, 3, 6 or 9). */
void clock_put_rfc3339(struct buf *b, int64_t wall_ns);
/* RFC 3339 with up to nine fraction digits and Z or an offset ('T' or a space between; case-insensitive). */
bool clock_parse_rfc3339(struct str text, int64_t *wall_ns);
/* A Go duration: "15m", "1h30m", "1.5s", "250ms", "500us", "7d"; a sign is not accepted; false when it is not one or does
 * not fit. */
bool clock_parse_duration(struct str text, int64_t *duration_ns);
/* The UTC day an instant is in: days since 1970-01-01, rounded down. */
int64_t clock_day(int64_t wall_ns);
/* Appends the day as "20230129". */
void clock_put_day(struct buf *b, int64_t day);

#endif
