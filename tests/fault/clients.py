"""Clients that send batches, each item with an id of its own, and send again what was not acknowledged, as exporters do."""
import gzip
import http.client
import itertools
import json
import random
import threading
import time

from history import FAIL, OK, UNKNOWN, Batch, outcome_of

SIGNALS = ("traces", "logs", "metrics", "given")
PATHS = {"traces": "/v1/traces", "logs": "/v1/logs", "metrics": "/v1/metrics", "given": "/api/v1/traces"}
ITEMS_MAX, SENDINGS_MAX, DAY_NS = 120, 6, 86400 * 10**9
SHARED = "5a" * 8  # begins the ids of traces that many batches have spans of

# What is stored, as (signal, id, times), each once for each row.
STORED_SQL = """SELECT 'traces', encode(span_id, 'hex'), count(*) FROM spans GROUP BY 2
UNION ALL SELECT 'logs', substring(body FROM 'item ([0-9a-f]{16})'), count(*) FROM logs GROUP BY 2
UNION ALL SELECT 'metrics', attributes->>'item', count(*) FROM metric_points GROUP BY 2
UNION ALL SELECT 'given', encode(substring(trace_id FROM 9), 'hex'), count(*) FROM traces WHERE service = 'given' GROUP BY 2;"""


def _text(value):
    return {"stringValue": value}


class Maker:
    """Requests of a client, drawn by its seed; the numbers of batches are all clients'."""

    def __init__(self, seed, numbers):
        self.rng, self.numbers = random.Random(seed), numbers

    def make(self, signal):
        """Batch, body as a dict."""
        number = next(self.numbers)
        n = self.rng.choice((1, 2, self.rng.randrange(1, ITEMS_MAX), ITEMS_MAX))
        ids = [f"{number:08x}{i:08x}" for i in range(n)]
        rejected = {ids[self.rng.randrange(n)]} if n > 1 and self.rng.random() < 0.1 and signal != "given" else set()
        begin_ns = time.time_ns() - (self.rng.randrange(3) * DAY_NS if self.rng.random() < 0.1 else 0)
        make = getattr(self, "_" + signal)
        items = [make(number, i, item, begin_ns + 1000 * i, item in rejected) for i, item in enumerate(ids)]
        if signal == "given":
            return Batch(number, signal, ids), {"traces": items}
        return Batch(number, signal, ids, rejected), self._wrap(signal, items)

    def _wrap(self, signal, items):
        # Every now and then a resource that is new, which the writers then hold a lock for.
        instance = f"i-{self.rng.getrandbits(32):08x}" if self.rng.random() < 0.4 else f"i-{self.rng.randrange(4)}"
        attributes = [{"key": "service.name", "value": _text(f"shop-{self.rng.randrange(3)}")},
                      {"key": "service.instance.id", "value": _text(instance)}]
        outer, inner, leaf = {"traces": ("resourceSpans", "scopeSpans", "spans"), "logs": ("resourceLogs", "scopeLogs", "logRecords"),
                              "metrics": ("resourceMetrics", "scopeMetrics", "metrics")}[signal]
        if signal == "metrics":
            items = [{"name": f"queue.{self.rng.randrange(5)}", "gauge": {"dataPoints": items}}]
        return {outer: [{"resource": {"attributes": attributes}, inner: [{"scope": {"name": "fault"}, leaf: items}]}]}

    def _traces(self, number, i, item, at_ns, is_bad):
        trace = f"{SHARED}{self.rng.randrange(8):016x}" if i % 10 == 9 else f"{1:08x}{number:08x}{i // 4:016x}"
        status = {"code": 2, "message": f"no answer from shard {i % 7}"} if i % 5 == 4 else {}
        return {"traceId": "0" * 32 if is_bad else trace, "spanId": item, "name": f"GET /{i % 6}", "kind": 2, "startTimeUnixNano": str(at_ns),
                "endTimeUnixNano": str(at_ns + 5000), "status": status}

    def _logs(self, number, i, item, at_ns, is_bad):
        return {"timeUnixNano": str(at_ns + (400 * DAY_NS if is_bad else 0)), "severityNumber": 17 if i % 9 == 8 else 9,
                "body": _text(f"item {item} was put on shelf {i % 11}"), "traceId": f"{1:08x}{number:08x}{i // 4:016x}"}

    def _metrics(self, number, i, item, at_ns, is_bad):
        return {"timeUnixNano": str(at_ns + (400 * DAY_NS if is_bad else 0)), "asInt": str(number + i),
                "attributes": [{"key": "item", "value": _text(item)}]}

    def _given(self, number, i, item, at_ns, is_bad):
        return {"trace_id": f"{2:016x}{item}", "name": f"job {i % 5}", "service": "given", "start_time": str(at_ns), "duration_ms": 2,
                "status": "error" if i % 5 == 4 else "ok"}


def unknown_items():
    """Requests of each signal, as (path, content), whose items no history has: stored they are found."""
    maker = Maker(0, itertools.repeat(0xffffffff))
    for signal in SIGNALS:
        yield PATHS[signal], maker.make(signal)[1]


class Wire:
    """One connection to the service, made when it is needed. send() tells an outcome and what was said, in short."""

    def __init__(self, address):
        self.address, self.connection = address, None

    def send(self, path, body, headers, timeout_s):
        is_sent = False
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.address, timeout=timeout_s)
                self.connection.connect()
            self.connection.sock.settimeout(timeout_s)
            is_sent = True
            self.connection.request("POST", path, body, headers)
            reply = self.connection.getresponse()
            return self._told(reply, reply.read())
        except (OSError, http.client.HTTPException) as why:
            self.close()
            return (UNKNOWN if is_sent else FAIL), {"why": f"{type(why).__name__} {why}"[:80]}, None

    def _told(self, reply, said):
        try:
            body = json.loads(said)
        except ValueError:
            body = {"not JSON": said.decode("latin-1")[:80]}
        if reply.headers.get("Connection") == "close":
            self.close()
        return outcome_of(reply.status, body), {"status": reply.status, "retry_after": reply.headers.get("Retry-After"), **body}, reply.status

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


class Client(threading.Thread):
    """Sends batches of one signal until it is told to stop; what is odd about a reply is in self.odd. Sends each again until it is
    acknowledged, mostly; now and then it gives up, or does not wait for the reply for long."""

    def __init__(self, addresses, signal, seed, numbers, history, pause_s=0.02):
        super().__init__(daemon=True)
        self.signal, self.history, self.pause_s, self.addresses = signal, history, pause_s, addresses
        self.maker, self.rng = Maker(f"{seed} {signal} made", numbers), random.Random(f"{seed} {signal} sent")
        self.odd, self.is_over, self.last_ok = [], threading.Event(), 0.0

    def run(self):
        wires = [Wire(address) for address in self.addresses]
        while not self.is_over.is_set():
            self._send(wires, *self.maker.make(self.signal))
            time.sleep(self.pause_s * self.rng.random())
        for wire in wires:
            wire.close()

    def _send(self, wires, batch, content):
        self.history.add(batch)
        body, headers = json.dumps(content).encode(), {"Content-Type": "application/json"}
        if self.signal != "given" and self.rng.random() < 0.3:
            body, headers = gzip.compress(body), {**headers, "Content-Encoding": "gzip"}
        for _ in range(self.rng.choice((1, SENDINGS_MAX, SENDINGS_MAX))):
            wire = self.rng.choice(wires)
            outcome, said, status = wire.send(PATHS[self.signal], body, headers, self.rng.choice((0.3, 20, 20, 20)))
            self.history.note(batch, outcome, f"{said.get('status', '')} {said.get('message') or said.get('detail') or said.get('why') or ''}".strip())
            self._look(batch, outcome, said, status)
            if outcome == OK:
                self.last_ok = time.monotonic()
                return
            if self.is_over.wait(0.05 + 0.3 * self.rng.random()):
                return

    def _look(self, batch, outcome, said, status):
        if status == 503 and said.get("retry_after") is None:
            self.odd.append(f"a 503 without Retry-After: {said}")
        if status is not None and outcome != OK and status not in (503, 504):
            self.odd.append(f"a good request was answered {said}")
        if outcome == OK and self.signal != "given":
            n = sum(int(v) for k, v in said.get("partialSuccess", {}).items() if k.startswith("rejected"))
            if n != len(batch.rejected) or "dead_letters" in str(said):
                self.odd.append(f"batch {batch.number} with {len(batch.rejected)} items to reject was answered {said}")


def start(addresses, seed, history, n_each=1, pause_s=0.02):
    """Clients of every signal, started."""
    numbers = itertools.count(1)
    clients = [Client(addresses, signal, f"{seed} {i}", numbers, history, pause_s) for signal in SIGNALS for i in range(n_each)]
    for client in clients:
        client.start()
    return clients


def stop(clients):
    for client in clients:
        client.is_over.set()
    for client in clients:
        client.join()
