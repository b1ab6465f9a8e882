#!/usr/bin/env python3
"""endpoints.py TRACEKIN WITH_DATABASE LIBRARY [SANITIZER]: whatever fails while a request is answered, the service bears it.

Of each request to every operation of openapi.yaml, call k to the allocator, to libpq and to the system fails, for k of 1, 2, 3 ...:
that one, and it with all after it until the reply; with the sessions of the database there, and with them lost. Each time the process
lives, the reply is whole and honest or there is none, the next request is answered as ever, what was acknowledged is stored, and
what was held is let go. By default k is drawn (TRACEKIN_TEST_SEED), with TRACEKIN_TEST_FULL every one is taken; TRACEKIN_TEST_ONLY
is a regular expression of what to send.
"""
import http.server
import json
import os
import pathlib
import random
import re
import sys
import threading
import time

import yaml

import telemetry
import torture
from torture import FROM, LIBPQ, MEMORY, NEVER, ONCE, SYSTEM, Failure, await_, exchange, request

CONTRACT = pathlib.Path(__file__).resolve().parents[3] / "openapi.yaml"
VARIES = {"took_ms", "request_id", "next_cursor", "uptime_s", "last_seen", "last_seen_unix_nano", "count", "trace_count", "generated_at"}
MORE_BLOCKS, MORE_BYTES = 200, 2 << 20  # what a service may keep for the next time: caches, buffers that have grown
FAILURES_MAX = 20
BACKENDS = "application_name LIKE 'tracekin %' AND datname = current_database() AND application_name NOT LIKE '%assembler%'"


class Ask:
    """A request that can be sent again and again."""

    def __init__(self, operation, method, target, body=None, headers=None, expected=200, varies=False):
        self.operation, self.name, self.expected, self.varies = operation, f"{method} {target}", expected, varies
        self.data = request(method, target, body, headers)
        self.whole = None  # what it is answered when nothing fails

    def next(self):
        return self.data

    def acknowledged(self, reply):
        if reply.status == 200 and not self.varies and self.whole is not None and stable(reply) != self.whole:
            raise Failure(f"an answer of its own: {reply}\n    instead of {self.whole}")

    def learn(self, reply):
        self.whole = stable(reply)


class Tell:
    """A request with items that are new each time."""
    n_items = 0
    stored = {}  # by where they are found: the items that were acknowledged

    def __init__(self, operation, target, headers, make, where):
        self.operation, self.target, self.headers, self.make, self.where, self.expected = operation, target, headers, make, where, 200
        self.name = f"POST {target} {' '.join(headers.values())}"
        self.first = 0

    def next(self):
        self.first = Tell.n_items
        Tell.n_items += 10
        return request("POST", self.target, self.make(self.first), self.headers)

    def acknowledged(self, reply):
        if reply.status != 200:
            return
        if self.headers["Content-Type"] == "application/json":
            said = json.loads(reply.body)
            if said.get("partialSuccess") or said.get("accepted", telemetry.ITEMS) != telemetry.ITEMS:
                raise Failure(f"items refused for good: {reply}")
        elif reply.body:
            raise Failure(f"items refused for good: {reply}")
        Tell.stored.setdefault(self.where, []).extend(range(self.first, self.first + telemetry.ITEMS))

    def learn(self, reply):
        pass


def stable(reply):
    """What of a reply does not change from one time to the next."""
    def without(value):
        if isinstance(value, dict):
            return {k: without(v) for k, v in value.items() if k not in VARIES and k != "meta"}
        return [without(v) for v in value] if isinstance(value, list) else value
    if "json" not in reply.headers.get("content-type", ""):
        return reply.body
    return without(json.loads(reply.body))


def check_stored(binaries):
    """What was acknowledged is there."""
    for where, items in sorted(Tell.stored.items()):
        table, column = where.split(".")
        for at in range(0, len(items), 2000):
            wanted = [str(telemetry.instant(i)) for i in items[at:at + 2000]]
            n = binaries.number(f"SELECT count(DISTINCT {column}) FROM {table} WHERE {column} = ANY('{{{','.join(wanted)}}}')")
            if n != len(wanted):
                raise Failure(f"{len(wanted)} items of {table} were acknowledged, {n} are stored")


# --- an embeddings endpoint

class Embeddings(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        data = [{"index": i, "embedding": [float((len(text) + j) % 7 - 3) for j in range(384)]}
                for i, text in enumerate(texts if isinstance(texts, list) else [texts])]
        body = json.dumps({"data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def embeddings_settings():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Embeddings)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return {"TRACEKIN_EMBEDDINGS_URL": f"http://127.0.0.1:{server.server_port}/v1", "TRACEKIN_EMBEDDINGS_MODEL": "torture",
            "TRACEKIN_EMBEDDINGS_CACHE": "0"}


# --- the torture of one service

class Torture:
    def __init__(self, binaries, settings=None):
        self.binaries, self.settings = binaries, settings
        self.injector = torture.Injector()
        self.failures = []
        self.n_injected = 0
        self.random = random.Random(int(os.environ.get("TRACEKIN_TEST_SEED", "1")))
        self.service = None
        self.start()

    def start(self):
        self.injector.of(torture.OF_REQUESTS)
        self.service = torture.Service(self.binaries, self.injector, self.settings)
        if not self.service.await_listening():
            raise Failure(f"the service did not start:\n{self.service.tail()}")

    def stop(self):
        if self.service.is_alive():
            self.service.stop()

    def send(self, ask):
        return exchange(self.service.address, ask.next())

    def expect(self, ask):
        """Sends it until it is answered as ever: a session that was lost is made anew after a moment."""
        last = None

        def answered():
            nonlocal last
            self.service.check_alive()
            last = self.send(ask)
            return last.status == ask.expected
        try:
            await_("", answered, torture.RECOVER_S)
        except Failure:
            raise Failure(f"it is not answered again within {torture.RECOVER_S} s: {last}\n{self.service.tail(5)}") from None
        ask.acknowledged(last)
        return last

    def inject(self, ask, mode, kind, k, way):
        """One failure; whether there was one."""
        self.injector.arm(mode, kind, k, way)
        reply = self.send(ask)
        self.injector.disarm()
        self.service.check_alive()
        if self.injector.n_failed == 0:
            return False
        self.n_injected += 1
        torture.check_reply(reply, ask.expected, is_of_system=kind == SYSTEM)
        if not reply.broken:
            ask.acknowledged(reply)
        self.expect(ask)
        return True

    def count(self, ask, kind):
        self.injector.arm(ONCE, kind, NEVER)
        self.send(ask)
        self.injector.disarm()
        return self.injector.n_calls

    def draw(self, n, n_wanted):
        if torture.FULL or n <= n_wanted:
            return range(1, n + 1)
        return sorted(self.random.sample(range(1, n + 1), n_wanted))

    def lose_sessions(self):
        self.binaries.number(f"SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE {BACKENDS}")

    def sweep(self, ask, mode, kind, n_wanted, is_cold):
        if is_cold:
            self.lose_sessions()
        n = self.count(ask, kind)
        self.expect(ask)
        for k in self.draw(n, n_wanted):
            way = self.random.randrange(torture.WAYS)
            if is_cold:
                self.lose_sessions()
            try:
                self.inject(ask, mode, kind, k, way)
            except Failure as failure:
                self.note(ask, mode, kind, k, way, is_cold, failure)

    def note(self, ask, mode, kind, k, way, is_cold, failure):
        self.injector.disarm()
        where = f"{ask.name}, {torture.KINDS[kind]} call {k} {'and all after it' if mode == FROM else ''} way {way}{' cold' if is_cold else ''}"
        call = self.injector.failed_call(self.service.pid) if self.service.is_alive() else self.injector.call()
        self.failures.append(f"{where}: {failure}\n    failed: {call}")
        print(f"FAIL {self.failures[-1]}", flush=True)
        if len(self.failures) >= FAILURES_MAX:
            raise Failure(f"{len(self.failures)} failures, and no more are looked for")
        if not self.service.is_alive():
            self.start()

    def work(self, ask, is_cold=False):
        """All there is to fail of one request."""
        started = time.monotonic()
        before = self.n_injected
        ask.learn(self.expect(ask))
        for kind, mode, n_wanted in ((MEMORY, ONCE, 4), (MEMORY, FROM, 2), (LIBPQ, ONCE, 2), (LIBPQ, FROM, 1), (SYSTEM, ONCE, 2),
                                     (SYSTEM, FROM, 1)):
            self.sweep(ask, mode, kind, n_wanted, is_cold)
        print(f"ok   {ask.name}{' cold' if is_cold else ''}: {self.n_injected - before} failures in {time.monotonic() - started:.1f} s", flush=True)


def fill(t):
    """A few traces with errors, logs and points, and waits until the first is assembled."""
    for operation, target, headers, make, where in telemetry.EXPORTS:
        if headers == telemetry.JSON:
            for _ in range(4):
                t.expect(Tell(operation, target, headers, make, where))
    found = f"/api/v1/traces/{telemetry.trace_id(0)}"
    await_("the first trace is assembled", lambda: exchange(t.service.address, request("GET", found)).status == 200)
    await_("all is assembled", lambda: t.binaries.number("SELECT count(*) FROM trace_arrivals") == 0)
    await_("a pattern", lambda: json.loads(exchange(t.service.address, request("GET", "/api/v1/patterns")).body)["items"])


def asks(t):
    """One of each operation at least."""
    pattern = json.loads(exchange(t.service.address, request("GET", "/api/v1/patterns")).body)["items"][0]["pattern_id"]
    trace = f"/api/v1/traces/{telemetry.trace_id(0)}"
    # The window ends before what is told later.
    window = f"start={telemetry.BASE_NS}&end={telemetry.instant(100)}"
    similar = f"{window}&threshold=0"
    vector = json.dumps({"embedding": [1] + [0] * 383}).encode()
    yield Ask("get_health", "GET", "/healthz")
    yield Ask("get_health", "GET", "/healthz/none", expected=404)
    yield Ask("get_readiness", "GET", "/readyz", varies=True)
    yield Ask("get_metrics", "GET", "/metrics", varies=True)
    yield Ask("get_contract", "GET", "/openapi.yaml")
    yield Ask("list_services", "GET", f"/api/v1/services?{window}")
    yield Ask("list_operations", "GET", f"/api/v1/services/shop/operations?{window}")
    yield Ask("list_traces", "GET", f"/api/v1/traces?{window}&service=shop&status=error&attr=http.route:/items/%7Bid%7D&min_duration=1ms")
    yield Ask("list_traces", "GET", f"/api/v1/traces?{window}&sort=duration&limit=1")
    yield Ask("list_traces", "GET", "/api/v1/traces?limit=none", expected=400)
    yield Ask("get_trace", "GET", trace)
    yield Ask("get_trace", "GET", f"{trace}?format=otlp")
    yield Ask("get_trace", "GET", "/api/v1/traces/ff", expected=404)
    yield Ask("get_trace_context", "GET", f"{trace}/context")
    yield Ask("find_similar_traces", "GET", f"{trace}/similar?{similar}", varies=True)
    yield Ask("find_similar_traces", "GET", f"{trace}/similar?{similar}&group=pattern&exact=true", varies=True)
    yield Ask("search_similar_traces", "POST", f"/api/v1/traces/similar?{similar}", vector, telemetry.JSON, varies=True)
    yield Ask("search_similar_traces", "POST", f"/api/v1/traces/similar?{similar}", b'{"text":"items error"}', telemetry.JSON, varies=True)
    yield Ask("list_patterns", "GET", "/api/v1/patterns", varies=True)
    yield Ask("get_pattern", "GET", f"/api/v1/patterns/{pattern}", varies=True)
    yield Ask("get_traces_by_error", "GET", f"/api/v1/errors?{window}&q=lost&service=shop")
    yield Ask("get_traces_by_error", "GET", f"/api/v1/errors?{window}&pattern=%25lost%25&type=IOError")
    yield Ask("search_logs", "GET", f"/api/v1/logs?{window}&q=accepted%20-refused%20%22for%20order%22")
    yield Ask("search_logs", "GET", f"/api/v1/logs?{window}&regex=order%20%5B0-9%5D&contains=PAYMENT&level=info")
    yield Ask("list_metric_names", "GET", f"/api/v1/metrics/names?{window}")
    yield Ask("query_metrics", "GET", f"/api/v1/metrics/query?{window}&name=queue.length&attr=queue:in")
    yield Ask("get_stats", "GET", "/api/v1/stats", varies=True)
    yield Ask("explain", "GET", f"/api/v1/admin/explain?target={trace}", varies=True)
    yield Ask("explain", "GET", f"/api/v1/admin/explain?target={trace}", headers={"X-API-Key": "none"}, expected=401)
    for export in telemetry.EXPORTS:
        yield Tell(*export)


def operations():
    contract = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
    return {method["operationId"] for path in contract["paths"].values() for name, method in path.items() if name in ("get", "post")}


def check_all_are_asked(listed):
    missing = operations() - {ask.operation for ask in listed}
    if missing:
        raise Failure(f"operations of openapi.yaml that nothing is sent to here: {sorted(missing)}")


def torture_requests(binaries, only):
    t = Torture(binaries)
    try:
        fill(t)
        listed = list(asks(t))
        check_all_are_asked(listed)
        chosen = [ask for ask in listed if re.search(only, ask.name)]
        for ask in chosen:
            t.expect(ask)
        before, n_lost = torture.Holdings(t.service), t.service.n_sessions_lost()
        for ask in chosen:
            t.work(ask)
        for ask in (Ask("get_trace", "GET", f"/api/v1/traces/{telemetry.trace_id(0)}"),
                    Tell(*telemetry.EXPORTS[0]), Tell(*telemetry.EXPORTS[-1])):
            if re.search(only, ask.name):
                t.work(ask, is_cold=True)
        finish(t, before, n_lost, listed)
    finally:
        t.service.kill()
    return t


def finish(t, before, n_lost, listed):
    """All is as it was: what is held, the sessions, the memory of requests, what was acknowledged; and the service ends well."""
    for ask in listed:
        t.expect(ask)
    await_("every session of the database is there again", lambda: t.service.n_sessions_lost() <= n_lost)
    torture.check_growth(t.service, before, MORE_BLOCKS, MORE_BYTES)
    await_("the memory of requests is given back", lambda: t.service.gauge("tracekin_request_memory_bytes") == 0)
    check_stored(t.binaries)
    t.service.stop()


def torture_first(binaries):
    """What a service is told first, when nothing is warm: each time another service."""
    t = Torture(binaries)
    n, started = t.count(Tell(*telemetry.EXPORTS[0]), MEMORY), time.monotonic()
    for k in t.draw(n, 3):
        for export in telemetry.EXPORTS[0], telemetry.EXPORTS[-1]:
            t.stop()
            t.start()
            tell = Tell(*export)
            try:
                t.inject(tell, ONCE, MEMORY, k, 0)
            except Failure as failure:
                t.note(tell, ONCE, MEMORY, k, 0, True, failure)
    t.stop()
    check_stored(binaries)
    print(f"ok   the first of a service: {t.n_injected} failures in {time.monotonic() - started:.1f} s", flush=True)
    return t


def torture_embeddings(binaries, only):
    """Where texts are embedded outside: by libcurl, on the worker's thread."""
    t = Torture(binaries, embeddings_settings())
    try:
        ask = Ask("search_similar_traces", "POST", "/api/v1/traces/similar?threshold=0", b'{"text":"items error"}', telemetry.JSON, varies=True)
        if re.search(only, ask.name + " embeddings"):
            t.expect(ask)
            before, n_lost = torture.Holdings(t.service), t.service.n_sessions_lost()
            t.work(ask)
            finish(t, before, n_lost, [ask])
    finally:
        t.service.kill()
    return t


def main(binaries):
    only = os.environ.get("TRACEKIN_TEST_ONLY", "")
    done = [torture_requests(binaries, only), torture_embeddings(binaries, only)]
    if re.search(only, "first"):
        done.append(torture_first(binaries))
    failures = [failure for t in done for failure in t.failures]
    print(f"{sum(t.n_injected for t in done)} failures injected, {len(failures)} not borne", flush=True)
    if failures:
        raise Failure(f"{len(failures)} failures were not borne")


if __name__ == "__main__":
    torture.run(main)
