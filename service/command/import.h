/* `tracekin import`: OTLP/JSON lines, as the Collector's file exporter writes them, into the database.
 *
 * Lines take the way of a request's body: decoded, stored by the writer, several at once. A progress bar is drawn when
 * stderr is a terminal; at the end a summary goes to stdout. Summaries of traces are the assembler's work, in `serve`. */
#ifndef TRACEKIN_SERVICE_IMPORT_H
#define TRACEKIN_SERVICE_IMPORT_H

#include "service/setting/config.h"

/* Migrates, then loads the files in order; "-" is the standard input. ERR_INVALID when a line cannot be read, after all the
 * others are loaded. */
enum err service_import(const struct service_config *config, char **paths, size_t n_paths, struct err_info *e) MUST_USE;

#endif
