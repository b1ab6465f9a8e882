#!/usr/bin/env python3
"""A service under mixed load (all that is stored and asked, clients that go away, sessions that are lost) is the same size in the end
as after its warm-up: descriptors, threads, sessions, memory.

    growth.sh [--seconds S]     300 by default; TRACEKIN_TEST_FULL: an hour
"""
import argparse
import collections
import os
import socket
import sys
import threading
import time

import clients
from history import OK, History
from proxy import Proxy
from sizes import Size, judge
from stage import Failed, Postgres, Service, say

READS = ("/api/v1/traces?limit=20", "/api/v1/logs?q=shelf&limit=20", "/api/v1/logs?contains=shelf+3&since=1h", "/api/v1/errors?q=shard&limit=20",
         "/api/v1/services", "/api/v1/metrics/names", "/api/v1/patterns?limit=20", "/api/v1/stats", "/metrics", "/readyz",
         "/api/v1/traces/5a5a5a5a5a5a5a5a0000000000000001/context", "/api/v1/traces?limit=-1", "/nowhere")
REFUSED = {"/api/v1/traces?limit=-1": 400, "/nowhere": 404}  # all others are answered 200
PERIOD_S, LOSS_EVERY_S, LATE_S = 0.5, 7, 20
SHORT_S, PAUSE_S = 300, 0.05  # the longer the run, the longer the pauses between batches, as their data are kept
SERVED_LEAST = 0.97  # of all questions, and of all batches: what meets the loss of its session is not


class Reader(threading.Thread):
    """Asks one thing after another; every fifth question is left before its answer."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.is_over, self.n, self.statuses, self.n_as_wanted = service, threading.Event(), 0, collections.Counter(), 0

    def run(self):
        while not self.is_over.wait(0.02):
            path = READS[self.n % len(READS)]
            self.n += 1
            if self.n % 5 == 0:
                with socket.create_connection(("127.0.0.1", self.service.port)) as left:
                    left.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            else:
                status = self.service.get(path)[0]
                self.statuses[status] += 1
                self.n_as_wanted += status == REFUSED.get(path, 200)


def load(service, proxy, seconds, lost):
    """Sizes over that time. How many sessions each loss met goes to lost."""
    sizes, next_loss = [], time.monotonic() + LOSS_EVERY_S
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        time.sleep(PERIOD_S)
        sizes.append(Size(service))
        if time.monotonic() > next_loss:
            lost.append(proxy.reset())
            next_loss = time.monotonic() + LOSS_EVERY_S
    return sizes


def check_served(service, readers, senders, lost):
    """That there was a load: nearly all was answered, and acknowledged, as it should be, and sessions were made in place of those lost."""
    statuses = sum((r.statuses for r in readers), collections.Counter())
    n_asked, n_as_wanted = sum(statuses.values()), sum(r.n_as_wanted for r in readers)
    outcomes = senders[0].history.counts()
    say(f"{sum(r.n for r in readers)} questions, {n_asked} of them not left, answered {dict(statuses)}; batches: {dict(outcomes)}")
    if n_as_wanted < SERVED_LEAST * n_asked or min(r.n_as_wanted for r in readers) == 0:
        raise Failed(f"of {n_asked} questions {n_as_wanted} were answered as they should be")
    if outcomes[OK] < SERVED_LEAST * sum(outcomes.values()):
        raise Failed(f"of the batches too few were acknowledged: {dict(outcomes)}")
    silent = [client.signal for client in senders if client.last_ok < time.monotonic() - LATE_S]
    odd = [odd for client in senders for odd in client.odd]
    if silent or odd:
        raise Failed("\n".join([f"no batch of {signal} was acknowledged in the end" for signal in silent] + odd[:20]))
    if sum(lost) == 0 or service.reconnects() < len(lost):
        raise Failed(f"{lost} sessions were lost, and {service.reconnects():.0f} made in their place")


def play(seconds):
    postgres = Postgres()
    postgres.make_database("growth", can_be_full=False)
    proxy = Proxy(postgres.socket_path, "growth")
    service = Service("growth", proxy.url, request_timeout="3s", assembler_quiet="300ms", log_level="warn")
    senders, readers = [], [Reader(service) for _ in range(3)]
    try:
        service.start()
        senders = clients.start([service.address], "growth", History(), n_each=1, pause_s=PAUSE_S * max(1, seconds / SHORT_S))
        for reader in readers:
            reader.start()
        lost = []
        warm = load(service, proxy, seconds / 3, lost)
        sizes = load(service, proxy, seconds * 2 / 3, lost)
        told, grown = judge(warm[len(warm) // 2:], sizes[-len(sizes) // 5:])
        say(f"{seconds:.0f} s; " + "; ".join(told))
        check_served(service, readers, senders, lost)
        if grown:
            raise Failed("; ".join(grown))
    except BaseException:
        say(f"the log of the service ends:\n{service.tail()}")
        say(f"that of PostgreSQL:\n{postgres.tail()}")
        raise
    finally:
        for reader in readers:
            reader.is_over.set()
        clients.stop(senders)
        service.end()
        proxy.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=3600 if os.environ.get("TRACEKIN_TEST_FULL") else SHORT_S)
    try:
        play(parser.parse_args().seconds)
    except Failed as why:
        say(f"FAILED: {why}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
