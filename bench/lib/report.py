"""Results: a table in Markdown on the terminal, JSON and a plot in bench/results, and a bar of how far it is.

$TRACEKIN_BENCH_RESULTS names another folder for them.
"""
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys

from . import postgres

RESULTS = pathlib.Path(os.environ.get("TRACEKIN_BENCH_RESULTS", pathlib.Path(__file__).resolve().parents[1] / "results"))
BAR = 30


class Progress:
    """Drawn over itself on a terminal, and silent elsewhere."""

    def __init__(self, n_steps):
        self.n_steps, self.n_done = n_steps, 0
        self.is_shown = sys.stderr.isatty()

    def step(self, what):
        self.n_done += 1
        if self.is_shown:
            filled = BAR * self.n_done // self.n_steps
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write("\r\033[K" + f"[{'#' * filled}{'.' * (BAR - filled)}] {self.n_done}/{self.n_steps} {what}"[:width])
            sys.stderr.flush()

    def end(self):
        if self.is_shown:
            sys.stderr.write("\r\033[K")


def _processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _server(database):
    tool = subprocess.run(["h2load", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    server, vector, buffers, durable, n_traces = postgres.psql(
        database, "SELECT concat_ws('|', current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE"
        " extname = 'vector'), current_setting('shared_buffers'), current_setting('fsync') || '/' ||"
        " current_setting('synchronous_commit'), (SELECT count(*) FROM traces))").split("|")
    return {"postgresql": server, "pgvector": vector, "shared_buffers": buffers, "fsync/synchronous_commit": durable, "h2load": tool,
            "traces": n_traces}


def machine(database=None):
    """What the figures hold for; without a database, what needs none."""
    return {"processors": os.cpu_count(), "processor": _processor(), "kernel": platform.release(),
            **(_server(database) if database else {}),
            "commit": subprocess.run(["git", "-C", str(pathlib.Path(__file__).parent), "describe", "--always", "--dirty"], check=False,
                                     stdout=subprocess.PIPE, text=True).stdout.strip(),
            "command": os.environ.get("TRACEKIN_BENCH_COMMAND") or " ".join(sys.argv)}


def say_machine(described):
    print("; ".join(f"{name} {value}" for name, value in described.items()), end="\n\n", flush=True)


def table(headings, rows):
    print("| " + " | ".join(headings) + " |")
    print("|" + "|".join("--" if i == 0 else "--:" for i in range(len(headings))) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


def median(values):
    return statistics.median(values)


def figure(value, digits=3):
    """Three digits that count, thousands apart."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.{digits}g}"


def save(name, described, rows):
    RESULTS.mkdir(parents=True, exist_ok=True)
    written = RESULTS / f"{name}.json"
    when = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    written.write_text(json.dumps({"benchmark": name, "time": when, "machine": described, "rows": rows}, indent=1) + "\n")
    print(f"written: {written}", file=sys.stderr)


def plot(name, draw):
    """draw(pyplot) makes the picture; bench/results/NAME.svg holds it."""
    import matplotlib  # pylint: disable=import-outside-toplevel
    matplotlib.use("svg")
    import matplotlib.pyplot  # pylint: disable=import-outside-toplevel
    draw(matplotlib.pyplot)
    matplotlib.pyplot.tight_layout()
    matplotlib.pyplot.savefig(RESULTS / f"{name}.svg")
    matplotlib.pyplot.close("all")
