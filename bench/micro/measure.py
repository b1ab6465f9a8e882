"""Single functions of the service, and libraries that do the same, in turn in one process, on one fixed request of each signal.

Times are the processor's, of one thread: nothing measured here waits. The libraries are asked for less than the decoders do: a
tree of messages or of values, without rows, attributes as JSON or checks.
"""
import argparse
import itertools
import json
import pathlib
import subprocess

from lib import report, telemetry

BEGIN_S = 1_767_225_600  # 2026-01-01T00:00:00Z
SUFFIXES = {"protobuf": "protobuf", "gzip": "protobuf+gzip", "json": "json"}
HEADINGS = ("What", "By", "MB/s", "Items/s", "", "Spread", "tracekin is so many times as fast")


def write_requests(folder, n_items):
    for signal in telemetry.MAKERS:
        template = telemetry.Template(signal, n_items, begin_s=BEGIN_S - 600)
        for suffix, encoding in SUFFIXES.items():
            pathlib.Path(folder, f"{signal}.{suffix}").write_bytes(template.body(encoding, 1))


def run(given):
    write_requests(given.work, given.items)
    ran = subprocess.run([given.program, given.work, str(given.items), str(BEGIN_S), str(given.rounds), str(given.round_ms)], check=False,
                         stdout=subprocess.PIPE, text=True)
    if ran.returncode != 0:
        raise SystemExit(f"cannot measure: exit status {ran.returncode} of {given.program}")
    return [json.loads(line) for line in ran.stdout.splitlines()]


def row_of(case, ours):
    """The spread is from the slowest round to the fastest, as a share of the median; a ratio is the median over the rounds."""
    seconds = case["seconds"]
    median = report.median(seconds)
    ratio = None if case is ours else report.median([theirs / own for theirs, own in zip(seconds, ours["seconds"])])
    return {**case, "mb_per_second": case["n_bytes"] / median / 1e6 if case["n_bytes"] else None,
            "items_per_second": case["n_items"] / median, "spread": (max(seconds) - min(seconds)) / median, "ratio": ratio}


def rows_of(cases):
    for _, group in itertools.groupby(cases, key=lambda case: case["what"]):
        group = list(group)
        yield from (row_of(case, group[0]) for case in group)


def as_line(row):
    return [row["what"], row["by"], report.figure(row["mb_per_second"]), report.figure(row["items_per_second"]), row["items"],
            f"{row['spread']:.0%}", report.figure(row["ratio"])]


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--program", required=True)
    options.add_argument("--work", required=True)
    options.add_argument("--rounds", type=int, default=7, help="at least five")
    options.add_argument("--round-ms", type=int, default=200, help="of each function")
    options.add_argument("--items", type=int, default=1000, help="of one request")
    given = options.parse_args()
    if given.rounds < 5:
        options.error("five rounds are the least that tell a spread")
    described = report.machine()
    report.say_machine(described)
    rows = list(rows_of(run(given)))
    report.table(HEADINGS, [as_line(row) for row in rows])
    report.save("micro", described, rows)


if __name__ == "__main__":
    main()
