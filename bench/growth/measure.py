"""What a request and a stored span cost in a store of this size: appends one size to the results, and tells them all at the end.

Told of each size: the CPU of service and PostgreSQL together, and the median latency of one connection. With --last also how
fast the cost grows: the exponent e of size^e between the first and the last size; 0.5 is the square root.
"""
import argparse
import json
import math
import pathlib

from lib import endpoints, exporters, load, postgres, processes, report, telemetry

# Of a store with the service's own embeddings only what differs from one with those that clients gave.
OWN_READS = {"similar": "similar, of its own embedding"}
READS = ("services", "trace", "traces", "similar", "similar to a vector", "errors", "logs", "patterns")
N_CLIENTS, ITEMS_OF_REQUEST = 4, 1000
HEADINGS = ("What", "Traces", "p50 ms", "p95 ms", "CPU, µs")


def cpu_seconds(given):
    return processes.cpu_seconds(given.service) + processes.cpu_seconds_of_family(given.postgres)


def measure_read(given, name, requests):
    loads, costs = [], []
    for request in requests:
        before = cpu_seconds(given)
        loads.append(load.http(given.url, request, 1, given.seconds, given.work))
        costs.append((cpu_seconds(given) - before) / (loads[-1].per_second * given.seconds) * 1e6)
    middle = load.merge(loads)
    return {"what": f"GET {name}", "p50": middle.p50, "p95": middle.p95, "cpu_us": report.median(costs)}


def measure_span(given, n_rows):
    """Of spans stored beside those that are there; the assembler's share is in it as far as it keeps up."""
    template = telemetry.Template("traces", ITEMS_OF_REQUEST)
    costs, latencies = [], []
    for i in range(given.rounds):
        first = n_rows * 1000 + i * given.requests
        bodies = [template.body("protobuf", first + j) for j in range(given.requests)]
        before = cpu_seconds(given)
        _, took = exporters.send_all(given.url, "traces", telemetry.ENCODINGS["protobuf"], bodies, N_CLIENTS)
        costs.append((cpu_seconds(given) - before) / (given.requests * ITEMS_OF_REQUEST) * 1e6)
        latencies += took
    latencies.sort()
    return {"what": "a span stored, of requests of 1,000", "p50": load.quantile(latencies, .5), "p95": load.quantile(latencies, .95),
            "cpu_us": report.median(costs)}


def exponents(rows):
    """By what is measured, the exponents of latency and of CPU."""
    for what in dict.fromkeys(row["what"] for row in rows):
        sizes = [row for row in rows if row["what"] == what]
        first, last = sizes[0], sizes[-1]
        times = math.log(last["traces"] / first["traces"])
        yield [what, *(f"{math.log(last[key] / first[key]) / times:.2f}" for key in ("p50", "cpu_us"))]


def plot(rows):
    def draw(pyplot):
        pyplot.figure(figsize=(8, 5))
        for what in dict.fromkeys(row["what"] for row in rows):
            sizes = [row for row in rows if row["what"] == what]
            pyplot.loglog([row["traces"] for row in sizes], [row["cpu_us"] for row in sizes], marker="o", label=what)
        pyplot.xlabel("traces in the store")
        pyplot.ylabel("CPU of service and PostgreSQL, µs")
        pyplot.legend(fontsize="small")
    report.plot("growth", draw)


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    endpoints.add_options(options)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=1)
    options.add_argument("--requests", type=int, default=40, help="exports of a round")
    options.add_argument("--own", action="store_true", help="the store has the service's own embeddings")
    options.add_argument("--last", action="store_true", help="tell the results of all sizes")
    given = options.parse_args()
    n_traces = int(postgres.psql(given.database, "SELECT count(*) FROM traces"))
    kept = pathlib.Path(given.work, "growth.json")
    rows = json.loads(kept.read_text()) if kept.exists() else []
    asked = endpoints.of_store(given.database, given.rounds, tuple(OWN_READS) if given.own else READS)
    progress = report.Progress(len(asked) + (not given.own))
    for name, requests in asked.items():
        progress.step(f"{n_traces:,} traces: {name}")
        what = OWN_READS[name] if given.own else name
        rows.append({"traces": n_traces, **measure_read(given, what, requests)})
    if not given.own:
        progress.step(f"{n_traces:,} traces: spans")
        rows.append({"traces": n_traces, **measure_span(given, n_traces)})
    progress.end()
    kept.write_text(json.dumps(rows))
    if given.last:
        described = report.machine(given.database)
        report.say_machine(described)
        rows.sort(key=lambda row: (row["what"], row["traces"]))
        report.table(HEADINGS, [[row["what"], f"{row['traces']:,}", *(report.figure(row[key]) for key in ("p50", "p95", "cpu_us"))]
                                for row in rows])
        report.table(("Growth, exponent of", "p50", "CPU"), exponents(rows))
        report.save("growth", described, rows)
        plot(rows)


if __name__ == "__main__":
    main()
