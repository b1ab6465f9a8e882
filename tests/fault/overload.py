#!/usr/bin/env python3
"""overload.py TRACEKIN WITH_DATABASE: four times as many requests as can be served, by clients that do not wait for each other.

First what the service can do is measured, by clients that do wait; then four times as many arrive each second. Those let in must be
answered in a time that the length of the queue bounds, and as many as before; the rest must be told at once to come again; and
the other lanes and /healthz must be as quick as ever. Once for searches, once for ingest.

Each search and each transaction is made to take a fixed time in the database, so that the processors of the machine are not what
is short: the figures are those of the queues.
"""
import asyncio
import itertools
import json
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from served import IS_FULL, Service, check, main, say, sql, until  # noqa: E402

MIB = 1 << 20
SEARCH_WORKERS, INGEST_WORKERS, QUEUE_MAX, MEMORY_MAX = 2, 4, 16, 64 * MIB
SEARCH_S, TRANSACTION_S = 0.04, 0.1
FACTOR, MEASURE_S, OVERLOAD_S = 4, 2, 60 if IS_FULL else 5
BESIDES_MAX = 192 * MIB  # code, threads, connections
# An order of magnitude past what a quiet machine shows, as others may want this one.
SLACK_S, AT_ONCE_S, NEIGHBOUR_S = 3.0, 2.0, 3.0

SLOW_SEARCHES = f"""ALTER TABLE errors RENAME TO errors_kept;
    CREATE VIEW errors AS SELECT * FROM errors_kept WHERE (SELECT pg_sleep({SEARCH_S})) IS NOT NULL; SELECT 1"""
SLOW_TRANSACTIONS = f"""CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep({TRANSACTION_S}); RETURN NULL; END $$;
    CREATE TRIGGER take_time BEFORE INSERT ON logs FOR EACH STATEMENT EXECUTE FUNCTION take_time(); SELECT 1"""
NEIGHBOUR_PAUSE_S = 0.01
_numbers = itertools.count()


def search():
    return b"GET /api/v1/errors?q=x&since=1h HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def health():
    return b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def export():
    """Of a log that is like no other, as equal ones are stored once."""
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"timeUnixNano": str(time.time_ns()), "body": {"stringValue": f"number {next(_numbers)}"}}]}]}]}).encode()
    return (b"POST /v1/logs HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % len(body)) + body


class Answers:
    """What came back: seconds by status, and those refused that were not told when to come again."""

    def __init__(self):
        self.seconds, self.untold, self.lost = {}, 0, []

    def add(self, status, head, seconds):
        self.seconds.setdefault(status, []).append(seconds)
        self.untold += status == 503 and b"\r\nretry-after: " not in head.lower()

    def n(self, status):
        return len(self.seconds.get(status, []))

    def slowest(self, status):
        return max(self.seconds.get(status, [0]))

    def __str__(self):
        return "; ".join(f"{status}: {len(s)}, median {statistics.median(s) * 1000:.0f} ms, slowest {max(s) * 1000:.0f} ms"
                         for status, s in sorted(self.seconds.items())) or "none"


async def ask(service, request, answers):
    began = time.monotonic()
    try:
        reader, writer = await asyncio.open_connection(service.host, service.port)
        writer.write(request())
        reply = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        answers.add(int(reply.split(b" ", 2)[1]), reply.partition(b"\r\n\r\n")[0], time.monotonic() - began)
    except (OSError, IndexError, ValueError, asyncio.TimeoutError) as e:
        answers.lost.append(repr(e))


async def closed_loop(service, request, n_clients, seconds, pause_s=0):
    """Clients that wait for their answer before they ask again."""
    answers, end = Answers(), time.monotonic() + seconds

    async def client():
        while time.monotonic() < end:
            await ask(service, request, answers)
            await asyncio.sleep(pause_s)

    await asyncio.gather(*(client() for _ in range(n_clients)))
    return answers


async def open_loop(service, request, per_s, seconds):
    """So many a second, whatever became of those before."""
    answers, began, tasks = Answers(), time.monotonic(), []
    for i in range(int(per_s * seconds)):
        await asyncio.sleep(max(0, began + i / per_s - time.monotonic()))
        tasks.append(asyncio.ensure_future(ask(service, request, answers)))
    await asyncio.gather(*tasks)
    return answers


async def pressed(service, request, others, per_s):
    """The overload, and what the neighbours meet meanwhile."""
    results = await asyncio.gather(open_loop(service, request, per_s, OVERLOAD_S),
                                   *(closed_loop(service, other, 1, OVERLOAD_S, NEIGHBOUR_PAUSE_S) for other in others))
    return results[0], results[1:]


def overload(service, what, request, others, n_workers):
    n_clients = n_workers + QUEUE_MAX // 2
    calm = asyncio.run(closed_loop(service, request, n_clients, MEASURE_S))
    per_s = calm.n(200) / MEASURE_S
    say(f"{what}: {per_s:.0f}/s can be served ({calm})")
    check(not calm.lost and set(calm.seconds) == {200}, f"{what}: not all is well before the overload: {calm} {calm.lost[:1]}")
    answers, neighbours = asyncio.run(pressed(service, request, others.values(), FACTOR * per_s))
    say(f"{what}: {FACTOR * per_s:.0f}/s arrive ({answers})")
    check(not answers.lost, f"{what}: {len(answers.lost)} without an answer, such as {answers.lost[:1]}")
    check(set(answers.seconds) == {200, 503}, f"{what}: {answers}")
    check(answers.untold == 0, f"{what}: {answers.untold} were not told when to come again")
    check(answers.n(200) > 0.4 * per_s * OVERLOAD_S, f"{what}: only {answers.n(200)} were served in {OVERLOAD_S} s")
    longest = (QUEUE_MAX + n_workers) / per_s + SLACK_S
    check(answers.slowest(200) < longest, f"{what}: one that was let in took {answers.slowest(200):.1f} s, not {longest:.1f}")
    check(answers.slowest(503) < AT_ONCE_S, f"{what}: one was turned away after {answers.slowest(503):.1f} s")
    for name, met in zip(others, neighbours):
        say(f"{what}: meanwhile {name} ({met})")
        check(not met.lost and set(met.seconds) == {200}, f"{what}: {name}: {met} {met.lost[:1]}")
        check(met.slowest(200) < NEIGHBOUR_S, f"{what}: {name} took {met.slowest(200):.1f} s")
    return answers


def expect_calm(service, what):
    """When the load is gone, so is all that it left."""
    metrics = ("tracekin_queue_depth{lane=\"search\"}", "tracekin_queue_depth{lane=\"ingest\"}",
               "tracekin_queue_running{lane=\"search\"}", "tracekin_queue_running{lane=\"ingest\"}")
    until(lambda: all(service.metric(name) == 0 for name in metrics), 60, f"{what}: the queues are empty")
    until(lambda: service.metric("tracekin_request_memory_bytes") == 0, 60, f"{what}: the memory is given back")
    check(service.resident_bytes("VmHWM") < MEMORY_MAX + BESIDES_MAX, f"{what}: {service.resident_bytes('VmHWM')} bytes were resident")


def run(binary, with_database):
    with Service(binary, TRACEKIN_SEARCH_WORKERS=str(SEARCH_WORKERS), TRACEKIN_INGEST_WORKERS=str(INGEST_WORKERS),
                 TRACEKIN_QUEUE_MAX=str(QUEUE_MAX), TRACEKIN_WRITER_THREADS="1", TRACEKIN_BODY_MAX_BYTES=str(MIB),
                 TRACEKIN_MEMORY_MAX_BYTES=str(MEMORY_MAX), TRACEKIN_REQUEST_TIMEOUT="20s", TRACEKIN_SLOW_QUERY="off") as service:
        sql(with_database, SLOW_SEARCHES)
        refused = overload(service, "searches", search, {"health": health, "exports": export}, SEARCH_WORKERS).n(503)
        expect_calm(service, "searches")
        sql(with_database, SLOW_TRANSACTIONS)
        answers = overload(service, "exports", export, {"health": health, "searches": search}, INGEST_WORKERS)
        refused += answers.n(503)
        expect_calm(service, "exports")
        counted = service.metric('tracekin_rejected_total{reason="queue_full"}')
        check(counted == refused, f"{counted} refusals are counted, {refused} were met")
        stored = sql(with_database, "SELECT count(*) FROM logs")
        say(f"{stored} logs are stored, {service.resident_bytes('VmHWM') >> 20} MiB were resident at most")
        check(stored >= answers.n(200), f"{stored} logs are stored, and {answers.n(200)} were acknowledged")
        service.stop()


if __name__ == "__main__":
    main(run)
