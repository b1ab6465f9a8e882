#!/usr/bin/env python3
"""slow_clients.py TRACEKIN WITH_DATABASE: clients that hold their connections, thousands that are idle and hundreds that are slow.

Ten thousand idle connections are held (by root; others may be allowed too few files, and say how many they hold), before a request
and after one, while others are served; then crowds that send their header, their body, or take their reply, a byte at a time are each cut
off at their time, and leave nothing behind.
"""
import json
import os
import pathlib
import resource
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from served import IS_FULL, Service, check, main, say, until  # noqa: E402

MIB, KIB = 1 << 20, 1 << 10
N_IDLE, N_IDLE_LEAST, FILES_KEPT = 10_000, 1_000, 600
N_SLOW = 400 if IS_FULL else 100
HEADER_S, TRANSFER_S, IDLE_S = 1.0, 2.0, 2.0
SLACK_S = 8.0           # of the moment of a cut, on a machine that others use
CONNECTION_MAX = 80 * KIB  # what one may take: libmicrohttpd clears its 64 KiB after each request, and so has them all
N_SPANS, TEXT_BYTES = 100, 60_000
GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
TRACE = "000000000000000000000000000000c1"


def limit_files():
    """What this process may open, raised as far as it needs or goes: by root past the hard limit. The service, which inherits that, does so
    by itself."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = hard if hard == resource.RLIM_INFINITY else max(hard, N_IDLE + FILES_KEPT)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return N_IDLE + FILES_KEPT


# --- idle

def expect_service(service):
    for _ in range(20):
        reply = service.get("/api/v1/services")
        check(reply.status == 200, f"among idle connections: {reply}")
        check(reply.seconds < 3, f"among idle connections: {reply.seconds:.1f} s")


def hold_idle(binary, n_idle):
    """Connections that were never used, then used once."""
    with Service(binary, TRACEKIN_CONNECTIONS_MAX=str(n_idle + 100), TRACEKIN_HEADER_TIMEOUT="120s", TRACEKIN_IDLE_TIMEOUT="120s") as service:
        expect_service(service)
        before = service.resident_bytes()
        began = time.monotonic()
        idle = [service.connect() for _ in range(n_idle)]
        until(lambda: service.metric("tracekin_http_connections") > n_idle, 60, f"{n_idle} connections are held")
        fresh = (service.resident_bytes() - before) / n_idle
        expect_service(service)
        for s in idle:
            s.sendall(GET)
        for s in idle:
            reply = s.recv(4 * KIB)
            check(reply.startswith(b"HTTP/1.1 200"), f"an idle connection: {reply[:100]!r}")
        used = (service.resident_bytes() - before) / n_idle
        expect_service(service)
        check(service.metric("tracekin_http_connections") > n_idle, "idle connections were dropped")
        say(f"{n_idle} idle connections: {fresh / KIB:.1f} KiB of memory each, {used / KIB:.1f} KiB after a request; "
            f"{time.monotonic() - began:.1f} s")
        check(used < CONNECTION_MAX, f"an idle connection takes {used / KIB:.1f} KiB")
        for s in idle:
            s.close()
        until(lambda: service.metric("tracekin_http_connections") < 5, 60, "the connections are forgotten")
        service.stop()


# --- slow

def store_large_trace(service):
    """One whose answer is larger than what sockets hold."""
    text = "x" * TEXT_BYTES
    spans = [{"traceId": TRACE, "spanId": f"{i:016x}", "name": "a", "startTimeUnixNano": str(time.time_ns()), "endTimeUnixNano": str(time.time_ns()),
              "attributes": [{"key": "a", "value": {"stringValue": text}}]} for i in range(1, N_SPANS + 1)]
    reply = service.post("/v1/traces", json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode())
    check(reply.status == 200 and reply.body == b"{}", f"the large trace: {reply}")


class Crowd:
    """Connections of one kind of slowness: the bytes that each begins with, and those that it goes on to send one by one."""

    def __init__(self, service, name, first, dribble=b"", limit_s=TRANSFER_S):
        self.name, self.dribble, self.limit_s = name, dribble, limit_s
        self.sockets, self.cut_s = {}, []
        for _ in range(N_SLOW):
            s = service.connect()
            s.sendall(first)
            s.setblocking(False)
            self.sockets[s] = time.monotonic()

    def is_cut(self, s):
        """Goes on; whether the connection has ended."""
        try:
            if self.dribble:
                s.send(self.dribble)
            return s.recv(64 * KIB) == b""
        except BlockingIOError:
            return False
        except ConnectionError:
            return True

    def step(self):
        for s in [s for s in self.sockets if self.is_cut(s)]:
            self.cut_s.append(time.monotonic() - self.sockets.pop(s))
            s.close()


def expect_cuts(service, crowds):
    """All end by their time, and not before."""
    n_slow_before = service.metric('tracekin_rejected_total{reason="slow"}')
    n = sum(len(crowd.sockets) for crowd in crowds)
    end = time.monotonic() + max(crowd.limit_s for crowd in crowds) + SLACK_S
    while any(crowd.sockets for crowd in crowds) and time.monotonic() < end:
        for crowd in crowds:
            crowd.step()
        reply = service.get("/healthz")
        check(reply.status == 200 and reply.seconds < 3, f"among slow clients: {reply} after {reply.seconds:.1f} s")
        time.sleep(0.1)
    for crowd in crowds:
        check(not crowd.sockets, f"{crowd.name}: {len(crowd.sockets)} are still connected")
        say(f"{len(crowd.cut_s)} {crowd.name}: cut off after {min(crowd.cut_s):.1f} to {max(crowd.cut_s):.1f} s, limit {crowd.limit_s:.1f} s")
        check(min(crowd.cut_s) > 0.7 * crowd.limit_s, f"{crowd.name}: cut off after {min(crowd.cut_s):.1f} s")
    counted = service.metric('tracekin_rejected_total{reason="slow"}') - n_slow_before
    check(counted == n, f"{counted} were counted as slow, {n} were")


def expect_readers_cut(service, sockets):
    """What the kernels of both sides hold hides the end from the clients, so it is the service that tells."""
    n_before = service.metric('tracekin_rejected_total{reason="slow"}')
    until(lambda: service.metric("tracekin_request_memory_bytes") > len(sockets) * N_SPANS * TEXT_BYTES, 30, "the replies wait to be taken")
    began = time.monotonic()
    while service.metric("tracekin_http_connections") > 4 and time.monotonic() < began + TRANSFER_S + SLACK_S:
        for s in sockets[::2]:
            s.recv(1)
        check(service.get("/healthz").status == 200, "among slow readers")
        time.sleep(0.1)
    expect_nothing_left(service)
    say(f"{len(sockets)} slow readers: all cut off after {time.monotonic() - began:.1f} s, limit {TRANSFER_S:.1f} s")
    counted = service.metric('tracekin_rejected_total{reason="slow"}') - n_before
    check(counted == len(sockets), f"{counted} were counted as slow, {len(sockets)} were")


def expect_nothing_left(service):
    until(lambda: service.metric("tracekin_http_connections") < 5, 60, "the connections are forgotten")
    until(lambda: service.metric("tracekin_request_memory_bytes") == 0, 60, "the memory is given back")
    until(lambda: service.metric("tracekin_http_requests_in_flight") == 1, 60, "no request is in flight")


def cut_off(binary):
    body = b"POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    large = f"GET /api/v1/traces/{TRACE} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    with Service(binary, TRACEKIN_HEADER_TIMEOUT=f"{HEADER_S}s", TRACEKIN_TRANSFER_TIMEOUT=f"{TRANSFER_S}s", TRACEKIN_IDLE_TIMEOUT=f"{IDLE_S}s",
                 TRACEKIN_BODY_MAX_BYTES=str(16 * MIB), TRACEKIN_MEMORY_MAX_BYTES=str(1024 * MIB), TRACEKIN_CONNECTIONS_MAX="4096") as service:
        store_large_trace(service)
        reply = service.get(f"/api/v1/traces/{TRACE}")
        check(reply.status == 200 and len(reply.body) > N_SPANS * TEXT_BYTES, f"the large trace: {reply}")
        expect_nothing_left(service)
        expect_cuts(service, [
            Crowd(service, "clients that say nothing", b"", limit_s=HEADER_S),
            Crowd(service, "clients slow with the request line", b"GET /", b"x", limit_s=HEADER_S),
            Crowd(service, "clients slow with a header", GET[:-2] + b"X-Slow: ", b"x", limit_s=HEADER_S),
            Crowd(service, "clients slow with the next header", GET + GET[:-2] + b"X-Slow: ", b"x", limit_s=HEADER_S)])
        expect_nothing_left(service)
        expect_cuts(service, [
            Crowd(service, "clients slow with a body", body + b"Content-Length: 100000\r\n\r\n", b" "),
            Crowd(service, "clients slow with a chunk", body + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n", b" "),
            Crowd(service, "clients slow with a chunk's size", body + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
            Crowd(service, "clients idle after a request", GET, limit_s=IDLE_S)])
        expect_nothing_left(service)
        readers = [service.connect(receive_bytes=4 * KIB) for _ in range(N_SLOW // 5)]
        for s in readers:
            s.sendall(large)
        expect_readers_cut(service, readers)
        service.stop()


def run(binary, _):
    n_idle = min(N_IDLE, limit_files() - FILES_KEPT)
    check(n_idle >= (N_IDLE if os.geteuid() == 0 else N_IDLE_LEAST), f"this process may open files for {n_idle} idle connections only")
    if n_idle < N_IDLE:
        say(f"this process may not open more files: {n_idle} idle connections instead of {N_IDLE}")
    hold_idle(binary, n_idle)
    cut_off(binary)


if __name__ == "__main__":
    main(run)
