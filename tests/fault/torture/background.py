#!/usr/bin/env python3
"""background.py TRACEKIN WITH_DATABASE LIBRARY [SANITIZER]: whatever fails in a background job, the service lives, and the job does its
work a moment later.

New traces come all the while; calls of the threads of one job fail, one at a time or all for a while. In the end every trace is
assembled, in chunks and embedded, and the service is ready.
"""
import os
import random
import re
import time

import endpoints
import telemetry
import torture
from endpoints import Tell
from torture import FROM, LIBPQ, MEMORY, NEVER, ONCE, SYSTEM, Failure, await_, exchange, request

# and how long a round of each takes, at most
JOBS = {"assembler": 0.6, "chunker": 0.8, "embedder": 1.5, "slow-queries": 1.2, "tracekin": 1.2, "index-monitor": 2.5, "index-keeper": 5.5}
SETTINGS = {"TRACEKIN_RECALL_INTERVAL": "1s", "TRACEKIN_SLOW_QUERY": "1us"}
DONE_S, N_ROUNDS = 60, 12


def injected(t, mode, kind, k, seconds):
    """Arms and waits for a failure; one that goes on is ended soon after."""
    t.injector.arm(mode, kind, k, k)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and t.injector.n_failed == 0:
        time.sleep(0.005)
    if mode == FROM:
        time.sleep(0.2)
    t.injector.disarm()
    t.service.check_alive()


def n_of_round(t, kind, tell, seconds):
    t.injector.arm(ONCE, kind, NEVER)
    t.send(tell)
    time.sleep(seconds)
    t.injector.disarm()
    return t.injector.n_calls


def all_is_done(t):
    waiting = ("SELECT (SELECT count(*) FROM trace_arrivals) + (SELECT count(*) FROM traces WHERE embedding IS NULL AND pattern_id IS NOT NULL)")
    await_(f"every trace is assembled and embedded\n{t.service.tail(8)}\n", lambda: t.binaries.number(waiting) == 0, DONE_S)
    await_("the service is ready", lambda: exchange(t.service.address, request("GET", "/readyz")).status == 200, DONE_S)


def plan(seconds):
    """What fails, how, and how often: little of it where a round is long, unless there is time."""
    kinds = (MEMORY, LIBPQ, SYSTEM)
    if torture.FULL:
        return [(kind, (ONCE, FROM), N_ROUNDS) for kind in kinds]
    return [(kind, (ONCE, FROM), 1) for kind in kinds] if seconds < 2 else [(MEMORY, (ONCE,), 1)]


def check_work(t):
    """Each trace that was acknowledged has its row, of all its spans, and its error."""
    first = [i for i in Tell.stored.get("spans.start_ns", []) if i % 10 == 0]
    for n_spans, start in ((telemetry.ITEMS, 0), (None, telemetry.ITEMS - 1)):
        times = ",".join(str(telemetry.instant(i + start)) for i in first)
        table, column, more = ("traces", "trace_id", f"AND span_count = {n_spans}") if n_spans else ("errors", "start_ns", "")
        n = t.binaries.number(f"SELECT count(DISTINCT {column}) FROM {table} WHERE start_ns = ANY('{{{times}}}') {more}")
        if n != len(first):
            raise Failure(f"of {len(first)} traces {n} have their {table}")


def torture_job(t, job):
    seconds = JOBS[job]
    started, before = time.monotonic(), t.n_injected
    tell, logs = Tell(*telemetry.EXPORTS[0]), Tell(*telemetry.EXPORTS[3])
    t.injector.of((job,))
    for kind, modes, n_rounds in plan(seconds):
        n = n_of_round(t, kind, tell, seconds)
        for mode in modes if n > 0 else ():
            for _ in range(n_rounds):
                k = t.random.randint(1, n)
                for ask in (tell, logs):
                    ask.acknowledged(t.send(ask))
                injected(t, mode, kind, k, seconds)
                t.n_injected += t.injector.n_failed > 0
    all_is_done(t)
    print(f"ok   {job}: {t.n_injected - before} failures in {time.monotonic() - started:.1f} s", flush=True)


def main(binaries):
    only = os.environ.get("TRACEKIN_TEST_ONLY", "")
    n = 0
    for settings in (SETTINGS, {**SETTINGS, **endpoints.embeddings_settings()}):
        t = endpoints.Torture(binaries, settings)
        try:
            endpoints.fill(t)
            all_is_done(t)
            before = torture.Holdings(t.service)
            outside = "TRACEKIN_EMBEDDINGS_URL" in settings
            for job in JOBS if not outside else ("embedder",):
                if re.search(only, job):
                    torture_job(t, job)
            t.injector.of(torture.OF_REQUESTS)
            torture.check_growth(t.service, before, endpoints.MORE_BLOCKS, endpoints.MORE_BYTES)
            endpoints.check_stored(binaries)
            check_work(t)
            t.service.stop()
        finally:
            t.service.kill()
        n += t.n_injected
    print(f"{n} failures injected, all borne", flush=True)


if __name__ == "__main__":
    torture.run(main)
