#!/usr/bin/env python3
"""Rounds of clients that send while a service and its PostgreSQL are disturbed: nothing acknowledged is lost, nothing refused is
stored, nothing is stored twice, and after each disturbance the service is as it was, without a restart.

    rounds.sh                 every kind of disturbance once, in an order by the seed (TRACEKIN_TEST_FULL: 200 rounds of three)
    rounds.sh --seed N        the same with another seed
    rounds.sh --seed N --kinds a,b,c    these, in this order: what a failure says to run again
    rounds.sh --rounds N      N rounds, of seeds --seed and on
"""
import argparse
import contextlib
import os
import random
import sys
import threading
import time

import clients
from disturbances import KINDS, reason_to_skip
from history import FAIL, OK, UNKNOWN, History, violations
from proxy import Proxy
from stage import RUN, Failed, Postgres, Service, say, until

RECOVERED_S, FAST_S, NOTICED_S, ASSEMBLED_S, ROUNDS_FULL, KINDS_OF_ROUND = 30, 5, 10, 90, 200, 3
SETTINGS = {"request_timeout": "3s", "assembler_quiet": "300ms", "drain_timeout": "5s", "log_level": "warn"}
# Pools that are at work all the time, and how many sessions of each at least; of the lanes one each at a time is asked for here.
AT_WORK = {"writer": 2, "read": 1, "search": 1, "ingest": 1, "ready": 1, "assembler": 1, "chunker": 1, "index-keeper": 1}
READS = ("/api/v1/traces?limit=5", "/api/v1/logs?q=shelf&limit=5&since=1h", "/api/v1/errors?limit=5", "/api/v1/services",
         "/api/v1/metrics/names")


class Watch(threading.Thread):
    """Asks /healthz all the time: it is 200 whatever becomes of the database. A service that was ended itself is excused."""

    def __init__(self, stage):
        super().__init__(daemon=True)
        self.stage, self.is_over, self.n, self.slowest_s, self.odd = stage, threading.Event(), 0, 0.0, []

    def run(self):
        while not self.is_over.wait(0.05):
            service = self.stage.service
            before, began = service.process, time.monotonic()
            status = service.get("/healthz", 10)[0]
            took_s = time.monotonic() - began
            if status != 0 or (before is service.process and before.poll() is None and self.stage.is_up.is_set()):
                self.n += 1
                self.slowest_s = max(self.slowest_s, took_s)
                if status != 200:
                    self.odd.append(f"/healthz was answered {status} after {took_s:.1f} s")


class Stage:
    """One round: a database of its own, a service behind a proxy, and what disturbances need of them."""

    def __init__(self, name, seed):
        self.rng, self.postgres, self.database = random.Random(f"{seed} disturber"), Postgres(), name
        self.postgres.make_database(name)
        self.proxy = Proxy(self.postgres.socket_path, name)
        self.service = Service(name, self.proxy.url, **SETTINGS)
        self.is_up, self.outages = threading.Event(), []
        self.service.start()
        self.is_up.set()
        self.sessions = {}

    def watch_outage(self, away_s, is_fast=True):
        """The database is away for so long: /readyz says so, and why; questions and exports fail, and fast where the loss shows."""
        began = time.monotonic()
        if away_s > 2.5:
            until(lambda: self.service.get("/readyz")[0] == 503, NOTICED_S, "/readyz is 503 without a database")
            why = self.service.why_not_ready()
            if why and "the database does not answer" not in why:
                raise Failed(f"/readyz says why as {why}")
        if is_fast:
            for path, content in [(path, None) for path in READS] + list(clients.unknown_items()):
                asked = time.monotonic()
                status, body, headers = self.service.get(path, content=content)
                if status != 503 or headers.get("Retry-After") is None or time.monotonic() - asked > FAST_S:
                    raise Failed(f"without a database {path} is answered {status} after {time.monotonic() - asked:.1f} s: {body[:200]}")
        time.sleep(max(0, away_s - (time.monotonic() - began)))

    def recover(self, senders):
        """From now on the database is back: seconds until the service is ready, every question is answered, a batch of every client is
        acknowledged, and as many sessions are open as there were before."""
        began = time.monotonic()
        until(self.service.is_ready, RECOVERED_S, "/readyz is 200 again")
        for path in READS:
            until(lambda path=path: self.service.get(path)[0] == 200, RECOVERED_S, f"{path} is answered again")
        until(lambda: all(client.last_ok > began for client in senders), RECOVERED_S, "every client's batches are acknowledged again")
        until(lambda: not self.missing(), RECOVERED_S, lambda: f"the pools are full again but for {self.missing()}")
        return time.monotonic() - began

    def missing(self):
        """Sessions are made when they are needed: what is asked here needs them. Pools with fewer than before, as (now, before)."""
        for path in READS:
            self.service.get(path)
        now = self.service.open_sessions()
        return {pool: (now.get(pool, 0), n) for pool, n in self.sessions.items() if now.get(pool, 0) < n}

    def close(self):
        self.service.end()
        self.proxy.stop()
        with contextlib.suppress(Failed):  # which would hide why a round ended early
            self.postgres.drop_database(self.database)


def settled(postgres, database):
    """What is made of what is stored is made in the end, once: summaries of all spans, none pending."""
    behind = """SELECT (SELECT count(*) FROM trace_arrivals) + (SELECT count(*) FROM (SELECT trace_id, count(*) AS n FROM spans GROUP BY 1) AS s
        LEFT JOIN traces AS t USING (trace_id) WHERE t.span_count IS DISTINCT FROM s.n)"""
    until(lambda: postgres.sql(database, behind) == "0", ASSEMBLED_S, "every trace is assembled of all its spans")


def stored_in(postgres, database):
    rows = (line.split("|") for line in postgres.sql(database, clients.STORED_SQL).splitlines())
    return {(signal, item): int(n) for signal, item, n in rows}


def play(name, seed, kinds):
    """One round; raises Failed with all that is wrong."""
    stage = Stage(name, seed)
    history = History(RUN / f"{name}.history")
    watch = Watch(stage)
    senders, recoveries, skipped = clients.start([stage.service.address], seed, history, pause_s=0.15), {}, []
    watch.start()
    try:
        until(lambda: all(client.last_ok for client in senders), 30, "the first batches are acknowledged")
        for path in READS * 3:
            stage.service.get(path)
        stage.sessions = {pool: min(n, AT_WORK[pool]) for pool, n in stage.service.open_sessions().items() if pool in AT_WORK}
        for kind in kinds:
            why = reason_to_skip(stage, kind)
            if why:
                skipped.append(f"{kind} ({why})")
                continue
            excused = kind in ("kill_service", "drain_service")
            if excused:
                stage.is_up.clear()
            KINDS[kind](stage)
            stage.is_up.set()
            recoveries[kind] = stage.recover(senders)
        watch.is_over.set()
        watch.join()
        clients.stop(senders)
        settled(stage.postgres, stage.database)
        found = violations(history.batches.values(), stored_in(stage.postgres, stage.database)) + watch.odd + [odd for client in senders for odd in client.odd]
        if found:
            raise Failed("\n".join(found[:20]) + (f"\nand {len(found) - 20} more" if len(found) > 20 else ""))
        stage.service.drain()
    except BaseException:
        say(f"the log of the service ends:\n{stage.service.tail()}")
        say(f"its history: {dict(history.attempts())} of attempts, {dict(history.counts())} of batches")
        raise
    finally:
        watch.is_over.set()
        clients.stop(senders)
        stage.close()
    for kind in skipped:
        say(f"skipped: {kind}")
    n, t = history.counts(), history.attempts()
    say(f"seed {seed}: {len(history.batches)} batches ({n[OK]} acknowledged, {n[FAIL]} refused, {n[UNKNOWN]} unknown; {t[FAIL]} attempts refused, "
        f"{t[UNKNOWN]} unknown), {sum(len(b.ids) for b in history.batches.values())} items; /healthz {watch.n} times 200, at most "
        f"{watch.slowest_s:.2f} s; recovered within " + ", ".join(f"{s:.1f} s ({k})" for k, s in recoveries.items()))
    return recoveries


def schedule(seed, n):
    names = sorted(KINDS)
    random.Random(f"{seed} schedule").shuffle(names)
    return names[:n]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=ROUNDS_FULL if os.environ.get("TRACEKIN_TEST_FULL") else 0)
    parser.add_argument("--kinds", type=lambda text: text.split(","))
    options = parser.parse_args()
    slowest = {}
    for i in range(max(1, options.rounds)):
        seed = options.seed + i
        kinds = options.kinds or schedule(seed, KINDS_OF_ROUND if options.rounds else len(KINDS))
        say(f"round {i + 1}, seed {seed}: {', '.join(kinds)}")
        try:
            for kind, took_s in play(f"round_{i}", seed, kinds).items():
                slowest[kind] = max(took_s, slowest.get(kind, 0))
        except Failed as why:
            say(f"FAILED: {why}\nagain: tests/fault/rounds.sh --seed {seed} --kinds {','.join(kinds)}")
            return 1
    say("slowest recoveries: " + ", ".join(f"{kind} {s:.1f} s" for kind, s in sorted(slowest.items(), key=lambda pair: -pair[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
