#!/usr/bin/env bash
# bench/micro.sh [--option...]: single functions of the service, without a database: the OTLP decoders, the JSON writer, the parser of
# parameters, the embedder; beside libraries that do the same (bench/micro/measure.py --help). Prints a table in Markdown;
# bench/results/micro.json has the figures.
# shellcheck source=/dev/null
. "${BASH_SOURCE[0]%/*}/lib/begin.sh"
# shellcheck source=/dev/null
. "$tree/bench/micro/build.sh"
bench_protocol
say "Building the benchmark"
micro_build
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$tree/bench:$work "$bench_python" "$tree/bench/micro/measure.py" \
    --program "$micro_program" --work "$work" "$@"
