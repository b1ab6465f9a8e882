#!/usr/bin/env python3
"""Tells what the last benchmarks found, as tables in Markdown: what was measured, the limit measured beside it, and their ratio.

With a DOCUMENT, they take the place of what stands between its lines "<!-- baseline -->" and "<!-- end of baseline -->".
"""
import argparse
import json
import math
import pathlib
import re
import sys

from lib import report

CONNECTIONS = 8  # what clients there were is told of one number only: this, or the one nearest to it
CLIENTS = 4
WITHOUT_STORE = ("write", "growth")  # one empties it, the other tells of several
BETWEEN = re.compile(r"(?<=^<!-- baseline -->\n).*?(?=^<!-- end of baseline -->$)", re.M | re.S)


def nearest(rows, key, wanted):
    """The rows of the number that comes nearest to the wanted one."""
    chosen = min({row[key] for row in rows}, key=lambda n: abs(n - wanted))
    return [row for row in rows if row[key] == chosen]


def of_load(load):
    return f"{report.figure(load['per_second'])}/s, {report.figure(load['p50'])} / {report.figure(load['p99'])} ms"


def ratio(value):
    return report.figure(value, 2)


# --- a line each: what, measured, limit, ratio

def of_read(rows):
    for row in nearest(rows, "connections", CONNECTIONS):
        limit = of_load(row["limit"]) if row["limit"]["per_second"] else "-"
        yield f"{row['endpoint']}, {row['connections']} connections", of_load(row["service"]), limit, ratio(row["ratio"])


def of_write(rows):
    for row in nearest(rows, "clients", CLIENTS):
        measured = f"{report.figure(row['per_second'])}/s, {report.figure(row['p50'])} / {report.figure(row['p99'])} ms"
        yield (f"{row['signal']}, {row['encoding']}, {row['clients']} clients", measured,
               f"{report.figure(row['limit']['staged'])}/s", ratio(row["ratio"]["staged"]))


def of_latency(rows):
    for row in rows:
        yield row["what"], row["measured"], row["asked"], ratio(row["value"] / row["most"])


def of_peer(rows):
    for row in rows:
        yield row["what"], of_load(row["service"]), of_load(row["peer"]), ratio(row["ratio"])


def of_growth(rows):
    for what in dict.fromkeys(row["what"] for row in rows):
        first, *_, last = sorted((row for row in rows if row["what"] == what), key=lambda row: row["traces"])
        exponent = math.log(last["cpu_us"] / first["cpu_us"]) / math.log(last["traces"] / first["traces"])
        measured, before = (f"{report.figure(row['p50'])} ms, {report.figure(row['cpu_us'])} µs of CPU" for row in (last, first))
        yield f"{what}, {last['traces']:,} traces", measured, f"{first['traces']:,}: {before}", f"{exponent:.2f}"


# By benchmark: what its limit is, its ratio, and its lines.
TOLD = {
    "read": ("the same SQL in pgbench", "of requests/s", of_read),
    "write": ("COPY, stage, INSERT of the same rows", "of items/s", of_write),
    "latency": ("what is asked", "of what is asked; up to 1 is met", of_latency),
    "peer": ("FastAPI, SQLAlchemy, asyncpg", "service / peer", of_peer),
    "growth": ("in the smallest store", "exponent of CPU", of_growth),
}


def tables():
    for name, (limit, of, lines_of) in TOLD.items():
        path = report.RESULTS / f"{name}.json"
        if not path.exists():
            continue
        found = json.loads(path.read_text())
        machine = found["machine"]
        where = "" if name in WITHOUT_STORE else f", a store of {int(machine['traces']):,} traces"
        yield f"`{machine['command']}`{where}, {machine['processors']} processors, {found['time'][:10]}, {machine['commit']}:\n"
        yield f"| {name.capitalize()} | Measured | Beside it: {limit} | Ratio {of} |"
        yield "|--|--:|--:|--:|"
        yield from ("| " + " | ".join(line) + " |" for line in lines_of(found["rows"]))
        yield ""


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("document", nargs="?", type=pathlib.Path)
    given = options.parse_args()
    told = "\n".join(tables())
    if not told:
        sys.exit(f"there are no results in {report.RESULTS}: run a benchmark first")
    if given.document is None:
        print(told)
        return
    text, n_places = BETWEEN.subn(lambda _: f"\n{told}\n", given.document.read_text())
    if n_places != 1:
        sys.exit(f"{given.document} has {n_places} places for a baseline, not one")
    given.document.write_text(text)


if __name__ == "__main__":
    main()
