"""The searches and the batch insert of the service and of the peer, in turn, beside pgbench with the service's statements.

Each round asks one request, another each round. Told are medians of the requests per second, and of their ratios.
"""
import argparse

import compare
from lib import endpoints, exporters, load, report, statements, telemetry

READS = ("similar", "errors", "logs", "logs of a service")
CONNECTIONS, EXPORTERS, ITEMS_OF_REQUEST, N_REQUESTS = 8, 4, 1000, 30
HEADINGS = ("What", "Service, /s", "p50 / p99 ms", "Peer, /s", "p50 / p99 ms", "pgbench, /s", "Service / peer")


def figures(service, peer, limit):
    return {"service": vars(load.merge(service)), "peer": vars(load.merge(peer)),
            "limit": vars(load.merge(limit)) if limit else None,
            "ratio": report.median([a.per_second / b.per_second for a, b in zip(service, peer)])}


def measure_read(given, requests, recorder):
    service, peer, limit = [], [], []
    for request in requests:
        told = compare.difference(given.url, given.peer, request.path)
        if told:
            raise SystemExit(f"cannot measure: {request.path} is answered differently: {told}")
        recorded = recorder.record(request)
        for url, loads in ((given.url, service), (given.peer, peer)):
            loads.append(load.http(url, request, CONNECTIONS, given.seconds, given.work))
        limit.append(load.pgbench(given.database, *recorded, CONNECTIONS, given.seconds, given.work))
    return figures(service, peer, limit)


def measure_insert(given):
    template = telemetry.Template("traces", ITEMS_OF_REQUEST)
    loads = {given.url: [], given.peer: []}
    for i in range(given.rounds):
        for j, (url, kept) in enumerate(loads.items()):
            first = 3 * 10**6 + (2 * i + j) * N_REQUESTS
            bodies = [template.body("json", first + k) for k in range(N_REQUESTS)]
            seconds, took = exporters.send_all(url, "traces", telemetry.ENCODINGS["json"], bodies, EXPORTERS)
            kept.append(load.Load(N_REQUESTS * ITEMS_OF_REQUEST / seconds, *(load.quantile(took, q) for q in (.5, .95, .99))))
    return figures(loads[given.url], loads[given.peer], None)


def as_line(row):
    def both(who):
        return f"{report.figure(row[who]['p50'])} / {report.figure(row[who]['p99'])}"
    return [row["what"], report.figure(row["service"]["per_second"]), both("service"), report.figure(row["peer"]["per_second"]),
            both("peer"), report.figure(row["limit"]["per_second"]) if row["limit"] else "-", report.figure(row["ratio"], 2)]


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    endpoints.add_options(options)
    options.add_argument("--peer", required=True, help="its address")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=2)
    given = options.parse_args()
    described = report.machine(given.database)
    report.say_machine(described)
    recorder = statements.Recorder(given.database, given.url, given.log)
    asked = endpoints.of_store(given.database, given.rounds, READS)
    progress = report.Progress(len(asked) + 1)
    rows = []
    for name, requests in asked.items():
        progress.step(name)
        rows.append({"what": f"{name}, {CONNECTIONS} connections", **measure_read(given, requests, recorder)})
    progress.step("insert")
    rows.append({"what": f"spans inserted, {EXPORTERS} clients, JSON", **measure_insert(given)})
    progress.end()
    report.table(HEADINGS, [as_line(row) for row in rows])
    report.save("peer", described, rows)


if __name__ == "__main__":
    main()
