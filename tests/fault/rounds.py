#!/usr/bin/env python3
"""Rounds of clients that send while a service and its PostgreSQL are disturbed: nothing acknowledged is lost, nothing refused is
stored, nothing is stored twice, and after each disturbance the service is as it was, without a restart.

    rounds.sh                 every kind of disturbance once, in an order by the seed (TRACEKIN_TEST_FULL: 200 rounds of three)
    rounds.sh --seed N        the same with another seed
    rounds.sh --seed N --kinds a,b,c    these, in this order: what a failure says to run again
    rounds.sh --rounds N      N rounds, of seeds --seed and on
"""
import argparse
import concurrent.futures
import contextlib
import os
import random
import sys
import threading
import time

import clients
from disturbances import ENDS_SESSIONS, KINDS, reason_to_skip
from history import FAIL, OK, UNKNOWN, History, violations
from proxy import Proxy
from stage import RUN, Failed, Postgres, Service, say, until

RECOVERED_S, FAST_S, NOTICED_S, ASSEMBLED_S, ROUNDS_FULL, KINDS_OF_ROUND = 30, 5, 10, 90, 200, 3
LANES, REQUEST_S = {"read": 4, "search": 4, "ingest": 4}, 3
SETTINGS = {"request_timeout": f"{REQUEST_S}s", "assembler_quiet": "300ms", "drain_timeout": "5s", "log_level": "warn",
            **{f"{lane}_workers": n for lane, n in LANES.items()}}
# Sessions of each pool: of those that are asked each was at work since, of background jobs each is there.
ASKED, JOBS = {**LANES, "writer": 2}, ("ready", "assembler", "chunker", "index-keeper")
READS = ("/api/v1/traces?limit=5", "/api/v1/logs?q=shelf&limit=5&since=1h", "/api/v1/errors?limit=5", "/api/v1/services",
         "/api/v1/metrics/names")
# What a session of each lane is needed for, and takes a while.
ASKS = {"read": "/api/v1/traces?limit=200", "search": "/api/v1/logs?q=shelf&limit=200&since=1h", "ingest": "/api/v1/traces"}


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

    def watch_outage(self, away_s, is_fast=True):
        """The database is away for so long: /readyz says so, and why; questions and exports fail, and fast where the loss shows. Where it
        does not, a question has its time."""
        began, said = time.monotonic(), []
        if not is_fast:
            status = self.service.get(READS[0])[0]
            if status not in (503, 504) or time.monotonic() - began > REQUEST_S + FAST_S:
                raise Failed(f"of a silent database {READS[0]} is answered {status} after {time.monotonic() - began:.1f} s")
        until(lambda: said.append(self.service.why_not_ready()) or said[-1], NOTICED_S, "/readyz is 503 without a database")
        if "the database does not answer" not in said[-1]:
            raise Failed(f"/readyz says why as {said[-1]}")
        if is_fast:
            for path, content in [(path, None) for path in READS] + list(clients.unknown_items()):
                asked = time.monotonic()
                status, body, headers = self.service.get(path, content=content)
                if status != 503 or headers.get("Retry-After") is None or time.monotonic() - asked > FAST_S:
                    raise Failed(f"without a database {path} is answered {status} after {time.monotonic() - asked:.1f} s: {body[:200]}")
        time.sleep(max(0, away_s - (time.monotonic() - began)))

    def recover(self, senders):
        """From now on the database is back: seconds until the service is ready, every question is answered, a batch of every client is
        acknowledged, and every pool is full. RECOVERED_S is the time of all that together."""
        began, at = time.monotonic(), time.time()

        def wait(done, what):
            until(done, RECOVERED_S - (time.monotonic() - began), what)

        wait(self.service.is_ready, "/readyz is 200 again")
        for path in READS:
            wait(lambda path=path: self.service.get(path)[0] == 200, f"{path} is answered again")
        wait(lambda: all(client.last_ok > began for client in senders), "every client's batches are acknowledged again")
        wait(lambda: not self.missing(at), lambda: f"the pools are full again but for {self.missing(at)}")
        took_s = time.monotonic() - began
        if took_s > RECOVERED_S:
            raise Failed(f"recovered after {took_s:.1f} s")
        return took_s

    def missing(self, since):
        """Sessions are made when they are needed: each lane is asked for all it has. Pools that lack any, as (now, wanted), by what
        PostgreSQL sees and the service tells; and statuses of what was asked that are not 200."""
        refused = self.ask_all()
        there, told = self.postgres.pools(self.database, since), self.service.open_sessions()
        now = {pool: min(there.get(pool, (0, 0))[pool in ASKED], told.get(pool, 0)) for pool in (*ASKED, *JOBS)}
        wanted = {**ASKED, **dict.fromkeys(JOBS, 1)}
        return {**{pool: (now[pool], n) for pool, n in wanted.items() if now[pool] < n}, **({"refused": refused} if refused else {})}

    def ask_all(self):
        """Twice as many requests at once as there are workers; statuses other than 200. What they store is of a service of its own."""
        def ask(lane, i):
            item = {"trace_id": f"{4:016x}{i:016x}", "name": "asked", "service": "asked", "start_time": str(time.time_ns()),
                    "duration_ms": 1, "status": "ok"}
            return self.service.get(ASKS[lane], content={"traces": [item]} if lane == "ingest" else None)[0]

        with concurrent.futures.ThreadPoolExecutor(2 * sum(LANES.values())) as askers:
            asked = [askers.submit(ask, lane, i) for i in range(2 * max(LANES.values())) for lane in LANES]
            return [one.result() for one in asked if one.result() != 200]

    def close(self):
        self.service.end()
        self.proxy.stop()
        with contextlib.suppress(Failed):  # which would hide why a round ended early
            self.postgres.drop_database(self.database)


def settled(postgres, database, within_s=ASSEMBLED_S):
    """What is made of what is stored is made in the end, once: summaries of all spans, none pending."""
    behind = """SELECT (SELECT count(*) FROM trace_arrivals) + (SELECT count(*) FROM (SELECT trace_id, count(*) AS n FROM spans GROUP BY 1) AS s
        LEFT JOIN traces AS t USING (trace_id) WHERE t.span_count IS DISTINCT FROM s.n)"""
    until(lambda: postgres.sql(database, behind) == "0", within_s, "every trace is assembled of all its spans")


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
        at = time.time()
        until(lambda: not stage.missing(at), 30, lambda: f"the pools are full but for {stage.missing(at)}")
        for kind in kinds:
            why = reason_to_skip(stage, kind)
            if why:
                skipped.append(f"{kind} ({why})")
                continue
            excused = kind in ("kill_service", "drain_service")
            if excused:
                stage.is_up.clear()
            n_reconnects = stage.service.reconnects()
            KINDS[kind](stage)
            stage.is_up.set()
            recoveries[kind] = stage.recover(senders)
            if kind in ENDS_SESSIONS and stage.service.reconnects() <= n_reconnects:
                raise Failed(f"{kind}: no session was made in place of a lost one")
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
        say(f"that of PostgreSQL:\n{stage.postgres.tail()}")
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
