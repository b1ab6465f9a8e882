/* What the kernel says of this process, for the metrics. Reads /proc/self; any thread. */
#ifndef TRACEKIN_CORE_PROCESS_H
#define TRACEKIN_CORE_PROCESS_H

/* A figure that cannot be read is NAN. */
struct process_usage {
    double cpu_seconds; /* user and system */
    double n_open_fds;
    double n_max_fds;
    double resident_bytes;
    double virtual_bytes;
    double start_time_seconds; /* since 1970-01-01 UTC */
    double n_threads;
};

void process_read_usage(struct process_usage *out);

#endif
