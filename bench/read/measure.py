"""Every endpoint that reads, at several numbers of connections, against the statements behind it in pgbench, in turn.

Each round asks one request of the endpoint, another each round, of the service and, as its SQL, of pgbench. Told are medians.
"""
import argparse
import dataclasses
import sys

from lib import endpoints, load, processes, report, statements

HEADINGS = ("Endpoint", "Connections", "Requests/s", "p50 ms", "p95 ms", "p99 ms", "CPU of service, µs", "CPU of PostgreSQL, µs",
            "pgbench, /s", "p50 ms", "p99 ms", "Ratio")


@dataclasses.dataclass
class Round:
    service: load.Load
    limit: load.Load | None
    cpu_of_service: float  # microseconds per request
    cpu_of_postgres: float


def measure_round(given, request, recorded, connections):
    before = processes.cpu_seconds(given.service), processes.cpu_seconds_of_family(given.postgres)
    asked = load.http(given.url, request, connections, given.seconds, given.work)
    spent = (processes.cpu_seconds(given.service) - before[0], processes.cpu_seconds_of_family(given.postgres) - before[1])
    n_asked = asked.per_second * given.seconds
    limit = load.pgbench(given.database, *recorded, connections, given.seconds, given.work) if recorded else None
    return Round(asked, limit, *(seconds / n_asked * 1e6 for seconds in spent))


def summarise(endpoint, connections, rounds):
    row = {"endpoint": endpoint, "connections": connections,
           "cpu_us_of_service": report.median([r.cpu_of_service for r in rounds]),
           "cpu_us_of_postgresql": report.median([r.cpu_of_postgres for r in rounds])}
    for who in ("service", "limit"):
        loads = [getattr(r, who) for r in rounds if getattr(r, who)]
        row[who] = dataclasses.asdict(load.merge(loads)) if loads else dict.fromkeys(("per_second", "p50", "p95", "p99"))
    ratios = sorted(r.service.per_second / r.limit.per_second for r in rounds if r.limit)
    row["ratio"] = report.median(ratios) if ratios else None
    row["ratios"] = ratios
    return row


def as_line(row):
    service, limit = row["service"], row["limit"]
    figures = [service["per_second"], service["p50"], service["p95"], service["p99"], row["cpu_us_of_service"],
               row["cpu_us_of_postgresql"], limit["per_second"], limit["p50"], limit["p99"]]
    return [row["endpoint"], str(row["connections"]), *map(report.figure, figures), report.figure(row["ratio"], 2)]


def plot(rows):
    def draw(pyplot):
        shown = [row for row in rows if row["connections"] == 8 and row["ratio"]] or [row for row in rows if row["ratio"]]
        pyplot.figure(figsize=(9, 0.35 * len(shown) + 1.5))
        pyplot.barh([f"{row['endpoint']} ({row['connections']})" for row in shown], [row["ratio"] for row in shown])
        pyplot.axvline(1, color="black", linewidth=0.8)
        pyplot.gca().invert_yaxis()
        pyplot.xlabel("requests/s, of the transactions/s of the same SQL in pgbench")
    report.plot("read", draw)


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    endpoints.add_options(options)
    options.add_argument("--connections", type=int, nargs="+", default=[1, 8, 64])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=2)
    options.add_argument("--endpoints", nargs="+", default=[], help="only these")
    given = options.parse_args()
    chosen = endpoints.of_store(given.database, given.rounds, given.endpoints)
    described = report.machine(given.database)
    report.say_machine(described)
    recorder = statements.Recorder(given.database, given.url, given.log)
    progress = report.Progress(len(chosen) * (len(given.connections) * given.rounds + 1))
    rows = []
    for name, requests in chosen.items():
        progress.step(f"{name}: its statements")
        recorded = [recorder.record(request) if endpoints.asks_database(name) else None for request in requests]
        for connections in given.connections:
            rounds = []
            for request, statement in zip(requests, recorded):
                progress.step(f"{name}, {connections} connections")
                rounds.append(measure_round(given, request, statement, connections))
            rows.append(summarise(name, connections, rounds))
    progress.end()
    report.table(HEADINGS, [as_line(row) for row in rows])
    report.save("read", described, rows)
    plot(rows)


if __name__ == "__main__":
    sys.exit(main())
