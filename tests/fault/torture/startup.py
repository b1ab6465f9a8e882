#!/usr/bin/env python3
"""startup.py TRACEKIN WITH_DATABASE LIBRARY [SANITIZER]: whatever fails while a command runs, or the service starts or drains, it ends
with a status and says why, and the next run does what this one could not.

k is drawn as in endpoints.py; with TRACEKIN_TEST_FULL there are more of them.
"""
import json
import os
import random
import re
import subprocess
import tempfile
import time

import telemetry
import torture
from torture import FROM, LIBPQ, MEMORY, NEVER, ONCE, SYSTEM, Failure

COMMAND_S, PATIENCE_S, FAILED, USAGE, MANY = 60, 2, 1, 2, 150
LINES = 20
RESET = "SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA public; SELECT 1"
MODES = ((MEMORY, ONCE, 3), (MEMORY, FROM, 1), (LIBPQ, ONCE, 1), (LIBPQ, FROM, 1), (SYSTEM, ONCE, 1), (SYSTEM, FROM, 1))


class Torture:
    def __init__(self, binaries):
        self.binaries = binaries
        self.injector = torture.Injector()
        self.random = random.Random(int(os.environ.get("TRACEKIN_TEST_SEED", "1")))
        self.failures, self.n_injected = [], 0
        self.settings = {"TRACEKIN_STARTUP_TIMEOUT": "500ms"}

    def draw(self, n, n_wanted):
        n_wanted = MANY if torture.FULL else n_wanted
        return range(1, n + 1) if n <= n_wanted else sorted(self.random.sample(range(1, n + 1), n_wanted))

    def sweep(self, what, run, reset, kinds=MODES):
        """run(k) is with the injector armed already; it looks at what came of it."""
        started, before = time.monotonic(), self.n_injected
        for kind, mode, n_wanted in kinds:
            reset()
            self.injector.arm(ONCE, kind, NEVER)
            run(False)
            for k in self.draw(self.injector.n_calls, n_wanted):
                reset()
                self.injector.arm(mode, kind, k, k)
                try:
                    run(True)
                except Failure as failure:
                    self.note(f"{what}, {torture.KINDS[kind]} call {k} {'and all after it' if mode == FROM else ''}", failure)
                self.injector.disarm()
                self.n_injected += 1
        print(f"ok   {what}: {self.n_injected - before} failures in {time.monotonic() - started:.1f} s", flush=True)

    def note(self, where, failure):
        self.injector.disarm()
        self.failures.append(f"{where}: {failure}\n    failed: {self.injector.call()}")
        print(f"FAIL {self.failures[-1]}", flush=True)


# --- commands that end by themselves

def output(t, p):
    """What it prints until it ends. Some of what fails it waits for to pass, so that passes after a while."""
    try:
        return p.process.communicate(timeout=PATIENCE_S)[0]
    except subprocess.TimeoutExpired:
        t.injector.disarm()
    try:
        return p.process.communicate(timeout=COMMAND_S)[0]
    except subprocess.TimeoutExpired:
        stacks = p.stacks()
        p.kill()
        raise Failure(f"it does not end{stacks}:\n{p.tail()}") from None


def command(t, arguments):
    p = torture.Process(t.binaries, t.injector, arguments, t.settings)
    out = output(t, p)
    said = p.tail()
    if p.process.returncode not in (0, FAILED, USAGE):
        raise Failure(f"{arguments[0]} ended with {p.process.returncode}:\n{said}")
    if p.process.returncode != 0 and not said and not out:
        raise Failure(f"{arguments[0]} ended with {p.process.returncode} and does not say why")
    return p.process.returncode, out.decode(), said


def must(t, arguments):
    """It works when nothing fails."""
    t.injector.disarm()
    status, out, said = command(t, arguments)
    if status != 0:
        raise Failure(f"{' '.join(arguments)} ended with {status} when nothing failed: {said}")
    return out


def torture_command(t, arguments, check=lambda status: None, reset=lambda: None):
    def run(is_injected):
        status, _, said = command(t, arguments)
        if not is_injected and status != 0:
            raise Failure(f"{' '.join(arguments)} ended with {status} when nothing failed: {said}")
        t.injector.disarm()
        check(status)
    t.sweep(" ".join(arguments[:2]), run, reset)


def torture_migrate(t):
    def check(_):
        must(t, ["migrate"])
        must(t, ["migrate", "status"])
    torture_command(t, ["migrate"], check, lambda: t.binaries.number(RESET))


class Import:
    """A file of lines that no run has seen: made anew for each."""
    def __init__(self, t):
        self.t, self.first, self.n = t, 0, 0
        self.file = tempfile.NamedTemporaryFile(prefix="tracekin-torture-", suffix=".jsonl")

    def make(self):
        self.first = self.n
        self.n += 10 * LINES
        self.file.seek(0)
        self.file.truncate()
        for i in range(LINES):
            self.file.write((telemetry.spans_json if i % 2 else telemetry.logs_json)(self.first + 10 * i) + b"\n")
        self.file.flush()

    def n_stored(self):
        within = f"BETWEEN {telemetry.instant(self.first)} AND {telemetry.instant(self.n)}"
        return self.t.binaries.number(f"SELECT (SELECT count(*) FROM spans WHERE start_ns {within}) +"
                                      f" (SELECT count(*) FROM logs WHERE time_ns {within})")

    def check(self, status):
        if status == 0 and self.n_stored() != LINES * telemetry.ITEMS:
            raise Failure(f"import ended well, and stored {self.n_stored()} of {LINES * telemetry.ITEMS}")
        must(self.t, ["import", self.file.name])
        if self.n_stored() != LINES * telemetry.ITEMS:
            raise Failure(f"import again, and {self.n_stored()} of {LINES * telemetry.ITEMS} are stored")


# --- the service

def start(t):
    service = torture.Service(t.binaries, t.injector, t.settings)
    service.injector = t.injector
    return service


def check_started(service):
    """It listens, or has said why not."""
    try:
        if service.await_listening(torture.START_S):
            service.stop()
            return
        service.check_end(service.wait(torture.STOP_S), (FAILED, USAGE))
        events = [torture.check_log_line(line) for line in service.lines()]
        if not any(e["event"] == "start_failed" for e in events):
            raise Failure(f"it ended and did not say why:\n{service.tail()}")
    finally:
        service.kill()


def torture_start(t, threads=(), kinds=MODES):
    def run(is_injected):
        service = start(t)
        deadline = time.monotonic() + (3 if is_injected else 1.5)
        while service.is_alive() and time.monotonic() < deadline and b'"listening"' not in b"".join(service.lines()):
            time.sleep(0.02)
        if threads:  # they work when it listens already
            while time.monotonic() < deadline and service.is_alive() and t.injector.n_failed == 0:
                time.sleep(0.02)
        t.injector.disarm()
        check_started(service)
    t.sweep(f"serve, the start {' '.join(threads)}", run, lambda: t.injector.of(threads), kinds)


def torture_drain(t):
    def run(_):
        mode, kind, k = (t.injector.get(at, form) for at, form in ((0, "=I"), (4, "=I"), (16, "=Q")))
        t.injector.disarm()
        service = start(t)
        try:
            if not service.await_listening():
                raise Failure("it did not start")
            for operation in telemetry.EXPORTS[:1]:
                torture.exchange(service.address, torture.request("POST", operation[1], operation[3](0), operation[2]))
            t.injector.arm(mode, kind, k, k)
            service.process.send_signal(15)
            service.check_end(service.wait(torture.STOP_S), (0,))
            for line in service.lines():
                torture.check_log_line(line)
        finally:
            service.kill()
    t.sweep("serve, the drain", run, lambda: t.injector.of(()), ((MEMORY, ONCE, 3), (MEMORY, FROM, 2), (LIBPQ, FROM, 1), (SYSTEM, ONCE, 4), (SYSTEM, FROM, 1)))


def main(binaries):
    t = Torture(binaries)
    only = os.environ.get("TRACEKIN_TEST_ONLY", "")
    t.injector.of(())
    imported = Import(t)
    parts = {
        "check-config": lambda: torture_command(t, ["check-config"]),
        "migrate": lambda: torture_migrate(t),
        "migrate status": lambda: torture_command(t, ["migrate", "status"]),
        "index": lambda: torture_command(t, ["index", "status"]),
        "import": lambda: torture_command(t, ["import", imported.file.name], imported.check, imported.make),
        "start": lambda: torture_start(t),
        "retention": lambda: torture_start(t, ("retention",), ((MEMORY, ONCE, 3), (LIBPQ, ONCE, 3))),
        "drain": lambda: torture_drain(t),
    }
    must(t, ["migrate"])
    for name, part in parts.items():
        if re.search(only, name):
            part()
    print(f"{t.n_injected} failures injected, {len(t.failures)} not borne", flush=True)
    if t.failures:
        raise Failure(f"{len(t.failures)} failures were not borne")


if __name__ == "__main__":
    torture.run(main)
