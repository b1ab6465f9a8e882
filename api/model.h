/* The name of the model of vectors that clients bring: they are compared among themselves only. */
#ifndef TRACEKIN_API_MODEL_H
#define TRACEKIN_API_MODEL_H

#include "core/str.h"

#define API_MODEL_OF_CLIENTS STR("client")

#endif
