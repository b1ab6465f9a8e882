"""Latency where it is easily lost: near saturation, beside idle connections, behind slow queries, and during ingest.

Each is told as what was measured next to the most that is asked for.
"""
import argparse
import concurrent.futures
import http.client
import socket
import statistics
import threading
import time
import urllib.parse

from lib import endpoints, exporters, load, postgres, report, telemetry

READS = ("trace", "similar", "errors", "logs")
CONNECTIONS = 8
SATURATION_SHARE = 0.7
N_IDLE = 64
SLOW_S = 1
N_SLOW = 64              # requests that wait for the locked tables, more than any lane has workers
PROBES_PER_SECOND = 100  # of /metrics meanwhile
DASHBOARD_PER_SECOND = 5
SPANS_PER_SECOND, LOGS_PER_SECOND, ITEMS_OF_REQUEST = 50_000, 20_000, 1000
N_EXPORTERS = 8  # of each signal
HEADINGS = ("What", "Measured", "Asked")


class Bench:
    def __init__(self, given):
        self.given = given
        self.reads = {name: asked[0] for name, asked in endpoints.of_store(given.database, 1, READS).items()}
        self.netloc = urllib.parse.urlsplit(given.url).netloc
        self.rows = []

    def tell(self, what, measured, asked, value, most):
        self.rows.append({"what": what, "measured": measured, "asked": asked, "value": value, "most": most})

    def http(self, request, connections=CONNECTIONS, seconds=None, rate=None):
        return load.http(self.given.url, request, connections, seconds or self.given.seconds, self.given.work, rate)

    # --- near saturation

    def near_saturation(self):
        for name, request in self.reads.items():
            saturated = self.http(request).per_second
            rate = SATURATION_SHARE * saturated
            asked = load.merge([self.http(request, rate=rate) for _ in range(self.given.rounds)])
            self.tell(f"{name}: p99 / p50 at {SATURATION_SHARE:.0%} of its {saturated:,.0f} requests/s",
                      f"{asked.p99 / asked.p50:.1f} ({asked.p99:.2f} / {asked.p50:.2f} ms)", "at most 3", asked.p99 / asked.p50, 3)

    # --- beside idle connections

    def _idle(self):
        kept = []
        for _ in range(N_IDLE):
            connection = http.client.HTTPConnection(self.netloc, timeout=10)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            kept.append(connection)
        return kept

    def beside_idle(self):
        request = self.reads["trace"]
        ratios = []
        for _ in range(self.given.rounds):
            alone = self.http(request).per_second
            kept = self._idle()
            ratios.append(self.http(request).per_second / alone)
            for connection in kept:
                connection.close()
        ratio = statistics.median(ratios)
        self.tell(f"requests/s beside {N_IDLE} idle connections, of those alone", f"{ratio:.3f}", "about 1", 1 / ratio, 1.05)

    # --- behind slow queries

    def _wait_behind(self, path, body=None):
        connection = http.client.HTTPConnection(self.netloc, timeout=60)
        headers = telemetry.ENCODINGS["json"] if body else {}
        connection.request("POST" if body else "GET", path, body, headers)
        return connection.getresponse().status

    def _probe(self, seconds):
        connection, latencies = http.client.HTTPConnection(self.netloc, timeout=60), []
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            connection.request("GET", "/metrics")
            connection.getresponse().read()
            latencies.append((time.perf_counter() - began) * 1e3)
            time.sleep(max(0, began + 1 / PROBES_PER_SECOND - time.perf_counter()))
        return sorted(latencies)

    def behind_slow(self):
        """Tables of every lane are locked for so long, while more requests wait for them than the lanes have workers."""
        bodies = [telemetry.Template("traces", 10).body("json", 10**6 + i) for i in range(N_SLOW)]
        lock = threading.Thread(target=postgres.psql, args=(self.given.database, "BEGIN",
                                "LOCK TABLE traces, spans, logs, errors, trace_arrivals IN ACCESS EXCLUSIVE MODE",
                                f"SELECT pg_sleep({SLOW_S + 1})", "COMMIT"))
        with concurrent.futures.ThreadPoolExecutor(3 * N_SLOW) as pool:
            lock.start()
            time.sleep(0.3)
            waiting = [pool.submit(self._wait_behind, path) for _ in range(N_SLOW)
                       for path in (self.reads["trace"].path, self.reads["similar"].path)]
            waiting += [pool.submit(self._wait_behind, "/v1/traces", body) for body in bodies]
            time.sleep(0.2)
            latencies = self._probe(SLOW_S)
            lock.join()
            statuses = {one.result() for one in waiting}
        if not statuses <= {200, 503}:
            raise SystemExit(f"cannot measure: requests behind locked tables were answered {statuses}")
        p99 = load.quantile(latencies, .99)
        self.tell(f"p99 of /metrics while {SLOW_S} s queries fill every lane", f"{p99:.2f} ms", "at most 10 ms", p99, 10)

    # --- during ingest

    def _dashboard(self, seconds):
        """The p95 of each, asked so often by a connection of its own."""
        path = {name: request.path for name, request in self.reads.items()}

        def ask(name):
            connection, latencies = http.client.HTTPConnection(self.netloc, timeout=60), []
            due = time.perf_counter()
            for _ in range(int(seconds * DASHBOARD_PER_SECOND)):
                time.sleep(max(0, due - time.perf_counter()))
                due += 1 / DASHBOARD_PER_SECOND
                began = time.perf_counter()
                connection.request("GET", path[name])
                reply = connection.getresponse()
                reply.read()
                if reply.status != 200:
                    raise SystemExit(f"cannot measure: {reply.status} of {path[name]}")
                latencies.append((time.perf_counter() - began) * 1e3)
            return load.quantile(sorted(latencies), .95)
        with concurrent.futures.ThreadPoolExecutor(len(path)) as pool:
            return dict(zip(path, pool.map(ask, path)))

    def _ingest(self, signal, per_second, seconds, results):
        template = telemetry.Template(signal, ITEMS_OF_REQUEST)
        n = int(per_second * seconds / ITEMS_OF_REQUEST)
        bodies = [template.body("protobuf", 2 * 10**6 + i) for i in range(n)]
        self.begin.wait()
        took, _ = exporters.send_all(self.given.url, signal, telemetry.ENCODINGS["protobuf"], bodies, N_EXPORTERS,
                                     per_second / ITEMS_OF_REQUEST)
        results[signal] = n * ITEMS_OF_REQUEST / took

    def during_ingest(self):
        seconds = self.given.ingest_seconds
        idle = self._dashboard(seconds)
        self.begin, rates = threading.Barrier(3), {}
        pushing = [threading.Thread(target=self._ingest, args=(signal, rate, seconds, rates))
                   for signal, rate in (("traces", SPANS_PER_SECOND), ("logs", LOGS_PER_SECOND))]
        for thread in pushing:
            thread.start()
        self.begin.wait()
        busy = self._dashboard(seconds)
        for thread in pushing:
            thread.join()
        for signal, items, asked in (("traces", "spans", SPANS_PER_SECOND), ("logs", "logs", LOGS_PER_SECOND)):
            self.tell(f"{items}/s acknowledged beside the dashboard, both signals at once", f"{rates[signal]:,.0f}",
                      f"at least {asked:,}", asked / rates[signal], 1.02)
        for name in idle:
            self.tell(f"{name}: p95 of a dashboard's {DASHBOARD_PER_SECOND}/s during that, of p95 alone",
                      f"{busy[name] / idle[name]:.1f} ({busy[name]:.1f} / {idle[name]:.1f} ms)", "at most 2", busy[name] / idle[name], 2)


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    endpoints.add_options(options)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=2)
    options.add_argument("--ingest-seconds", type=int, default=20)
    given = options.parse_args()
    described = report.machine(given.database)
    report.say_machine(described)
    bench = Bench(given)
    parts = (bench.near_saturation, bench.beside_idle, bench.behind_slow, bench.during_ingest)
    progress = report.Progress(len(parts))
    for part in parts:
        progress.step(part.__name__.replace("_", " "))
        part()
    progress.end()
    report.table(HEADINGS, [[row["what"], row["measured"], row["asked"]] for row in bench.rows])
    report.save("latency", described, bench.rows)


if __name__ == "__main__":
    main()
