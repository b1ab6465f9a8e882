# Builds bench/micro/*.c, and beside it the OTLP messages for protobuf-c, into the release build. To be sourced with `tree` set, after
# dev.d/packages.sh.
# shellcheck shell=bash

micro_program=$tree/build/release/bench/micro

micro_build() {
    local -a libraries
    local generated=$tree/build/release/bench/otlp
    packages_need "${packages_build[@]}" libprotobuf-c-dev protobuf-c-compiler
    mkdir -p "$generated"
    protoc-c -I "$tree/tests/otlp" --c_out="$generated" "$tree/tests/otlp/otlp.proto"
    "${CC:-cc}" -O3 -w -c -o "$generated/otlp.o" "$generated/otlp.pb-c.c"
    read -ra libraries <<<"$(pkg-config --cflags --libs libprotobuf-c jansson libpq zlib libcurl)"
    "${CC:-cc}" -std=c11 -D_GNU_SOURCE -O3 -Wall -Wextra -Werror -Wconversion -I"$tree" -isystem "$generated" -o "$micro_program" \
        "$tree"/bench/micro/*.c "$generated/otlp.o" "$tree"/build/release/libtracekin_{api,db,core}.a "${libraries[@]}" -pthread -lm
}
