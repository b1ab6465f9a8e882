"""Clients that export: each sends its next request when the last is acknowledged, or at a pace."""
import http.client
import json
import threading
import time
import urllib.parse

PATHS = {"traces": "/v1/traces", "logs": "/v1/logs", "metrics": "/v1/metrics"}
TIMEOUT_S = 60


class _Bodies:
    """The requests that are left, and from when on each may be sent."""

    def __init__(self, bodies, per_second):
        self.lock, self.left, self.interval = threading.Lock(), list(bodies), 1 / per_second if per_second else 0
        self.due = time.perf_counter()

    def next(self):
        with self.lock:
            if not self.left:
                return None
            due, self.due = self.due, self.due + self.interval
            body = self.left.pop()
        time.sleep(max(0, due - time.perf_counter()))
        return body


class _Client(threading.Thread):
    def __init__(self, url, path, headers, bodies):
        super().__init__(daemon=True)
        self.path, self.headers, self.bodies = path, headers, bodies
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=TIMEOUT_S)
        self.connection.connect()
        self.latencies_ms, self.failure = [], None

    def run(self):
        while self.failure is None and (body := self.bodies.next()) is not None:
            began = time.perf_counter()
            self.connection.request("POST", self.path, body, self.headers)
            reply = self.connection.getresponse()
            said = reply.read()
            self.latencies_ms.append((time.perf_counter() - began) * 1e3)
            if reply.status != 200 or _tells_of_refused(said, reply):
                self.failure = f"{reply.status} {said[:300]!r}"


def _tells_of_refused(said, reply):
    """An answer in protobuf is empty unless something was refused."""
    if "json" in reply.headers["Content-Type"]:
        return bool(json.loads(said).get("partialSuccess"))
    return said != b""


def send_all(url, signal, headers, bodies, n_clients, per_second=None):
    """Sends them all, at most so many per second; seconds until the last acknowledgement, and the latency of each in milliseconds."""
    left = _Bodies(bodies, per_second)
    clients = [_Client(url, PATHS[signal], headers, left) for _ in range(n_clients)]
    began = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    seconds = time.perf_counter() - began
    for client in clients:
        client.connection.close()
        if client.failure:
            raise SystemExit(f"cannot measure: an export was answered {client.failure}")
    return seconds, sorted(ms for client in clients for ms in client.latencies_ms)
