#!/usr/bin/env bash
# How well the built-in embedder finds related traces: bench/quality/README.md.
set -eu
tree=$(cd "$(dirname "$0")/.." && pwd)
out=$tree/build/release/bench
mkdir -p "$out"
read -ra jansson <<<"$(pkg-config --cflags --libs jansson)"
"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -Wconversion -I"$tree" -o "$out/quality" \
    "$tree"/bench/quality/*.c "$tree/build/release/libtracekin_core.a" "${jansson[@]}" -pthread -lm
exec "$out/quality" "$@"
