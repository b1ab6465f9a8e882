"""Exports of each signal, acknowledged after their commit, against COPY of the same rows into the same tables, in turn.

COPY is binary, of the rows that the exports just stored: straight into the table, and as any writer must that may be sent a
batch twice: into a staging table, and from there with INSERT ... ON CONFLICT DO NOTHING. As many sessions copy as clients
export, up to the number of processors.
"""
import argparse
import dataclasses
import os
import pathlib
import threading
import time

from lib import endpoints, exporters, load, postgres, processes, report, telemetry

TABLES = {"traces": "spans", "logs": "logs", "metrics": "metric_points"}
ITEMS = {"traces": "spans", "logs": "logs", "metrics": "points"}
# A row belongs to the session of the last byte of its id.
PART_OF = {"traces": "get_byte(trace_id, 15)", "logs": "get_byte(log_id, 15)", "metrics": "get_byte(point_id, 15)"}
EMPTY = "TRUNCATE spans, logs, metric_points, trace_arrivals, log_arrivals, traces, errors, patterns, operations"
HEADINGS = ("Signal", "Clients", "Encoding", "Items/s", "p50 ms", "p99 ms", "MiB/s", "COPY, rows/s", "COPY, stage, INSERT, rows/s",
            "Ratio to COPY", "to COPY and INSERT", "CPU of service, µs/item", "Resident MiB")


@dataclasses.dataclass
class Round:
    per_second: float
    p50: float
    p99: float
    mib_per_second: float
    cpu_us_per_item: float


@dataclasses.dataclass
class Limit:
    copy: float
    staged: float


class Bench:
    def __init__(self, given):
        self.given = given
        self.templates = {signal: telemetry.Template(signal, given.items) for signal in given.signals}
        self.n_sent = 0

    def empty(self):
        """Waits for what works in the background, so that no run pays for another; fewer logs than a chunk are left lying."""
        deadline = time.monotonic() + 120
        while postgres.psql(self.given.database, "SELECT (SELECT count(*) FROM trace_arrivals) + (SELECT count(*) FROM log_arrivals"
                            " WHERE n_rows >= 1024)") != "0":
            if time.monotonic() > deadline:
                raise SystemExit("cannot measure: the assembler or the chunker does not come to its end")
            time.sleep(0.2)
        postgres.psql_until_done(self.given.database, EMPTY, "CHECKPOINT")

    def export(self, signal, encoding, n_clients):
        bodies = [self.templates[signal].body(encoding, self.n_sent + i) for i in range(self.given.requests)]
        self.n_sent += len(bodies)
        n_items, n_bytes = len(bodies) * self.given.items, sum(map(len, bodies))
        before = processes.cpu_seconds(self.given.service)
        seconds, latencies = exporters.send_all(self.given.url, signal, telemetry.ENCODINGS[encoding], bodies, n_clients)
        spent = processes.cpu_seconds(self.given.service) - before
        stored = int(postgres.psql(self.given.database, f"SELECT count(*) FROM {TABLES[signal]}"))
        if stored != n_items:
            raise SystemExit(f"cannot measure: {stored} of {n_items} {ITEMS[signal]} are stored")
        return Round(n_items / seconds, load.quantile(latencies, .5), load.quantile(latencies, .99), n_bytes / seconds / 2**20,
                     spent / n_items * 1e6)

    def limit(self, signal, n_clients):
        """Of the rows that the table holds now."""
        table, n_sessions = TABLES[signal], min(n_clients, os.cpu_count())
        files = [pathlib.Path(self.given.work, f"rows.{i}") for i in range(n_sessions)]
        n_rows = int(postgres.psql(self.given.database, f"SELECT count(*) FROM {table}"))
        for i, file in enumerate(files):
            postgres.psql(self.given.database, f"\\copy (SELECT * FROM {table} WHERE {PART_OF[signal]} % {n_sessions} = {i})"
                          f" TO '{file}' (FORMAT binary)")
        self.empty()
        straight = self._at_once([[f"\\copy {table} FROM '{file}' (FORMAT binary)"] for file in files])
        self.empty()
        staged = self._at_once([["BEGIN", f"CREATE TEMP TABLE stage (LIKE {table}) ON COMMIT DROP",
                                 f"\\copy stage FROM '{file}' (FORMAT binary)",
                                 f"INSERT INTO {table} SELECT * FROM stage ON CONFLICT DO NOTHING", "COMMIT"] for file in files])
        self.empty()
        for file in files:
            file.unlink()
        return Limit(n_rows / straight, n_rows / staged)

    def _at_once(self, scripts):
        threads = [threading.Thread(target=postgres.psql, args=(self.given.database, *script)) for script in scripts]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began


def median_of(rounds):
    return {field.name: report.median([getattr(one, field.name) for one in rounds]) for field in dataclasses.fields(rounds[0])}


def rows_of(bench, progress):
    given = bench.given
    for signal in given.signals:
        for n_clients in given.clients:
            rounds, limits = {encoding: [] for encoding in given.encodings}, []
            for _ in range(given.rounds):
                for encoding in given.encodings:
                    progress.step(f"{signal}, {n_clients} clients, {encoding}")
                    bench.empty()
                    rounds[encoding].append(bench.export(signal, encoding, n_clients))
                progress.step(f"{signal}, {n_clients} clients, COPY")
                limits.append(bench.limit(signal, n_clients))
            for encoding in given.encodings:
                ratios = {name: report.median([r.per_second / getattr(l, name) for r, l in zip(rounds[encoding], limits)])
                          for name in ("copy", "staged")}
                yield {"signal": signal, "clients": n_clients, "encoding": encoding, **median_of(rounds[encoding]),
                       "limit": median_of(limits), "ratio": ratios, "resident_mib": processes.resident_mib(given.service)}


def as_line(row):
    figures = [row["per_second"], row["p50"], row["p99"], row["mib_per_second"], row["limit"]["copy"], row["limit"]["staged"]]
    return [row["signal"], str(row["clients"]), row["encoding"], *map(report.figure, figures), report.figure(row["ratio"]["copy"], 2),
            report.figure(row["ratio"]["staged"], 2), report.figure(row["cpu_us_per_item"]), report.figure(row["resident_mib"])]


def plot(rows):
    def draw(pyplot):
        pyplot.figure(figsize=(9, 0.35 * len(rows) + 1.5))
        pyplot.barh([f"{row['signal']}, {row['encoding']} ({row['clients']})" for row in rows], [row["ratio"]["staged"] for row in rows])
        pyplot.axvline(1, color="black", linewidth=0.8)
        pyplot.gca().invert_yaxis()
        pyplot.xlabel("items/s acknowledged, of the rows/s of COPY, stage and INSERT")
    report.plot("write", draw)


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    endpoints.add_options(options)
    options.add_argument("--signals", nargs="+", choices=list(TABLES), default=list(TABLES))
    options.add_argument("--encodings", nargs="+", choices=list(telemetry.ENCODINGS), default=list(telemetry.ENCODINGS))
    options.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--requests", type=int, default=100, help="of one round")
    options.add_argument("--items", type=int, default=1000, help="of one request")
    given = options.parse_args()
    described = report.machine(given.database)
    report.say_machine(described)
    bench = Bench(given)
    progress = report.Progress(len(given.signals) * len(given.clients) * given.rounds * (len(given.encodings) + 1))
    rows = list(rows_of(bench, progress))
    progress.end()
    report.table(HEADINGS, [as_line(row) for row in rows])
    print(f"Most memory the service has had: {report.figure(processes.resident_mib(given.service, peak=True))} MiB.", flush=True)
    report.save("write", described, rows)
    plot(rows)


if __name__ == "__main__":
    main()
