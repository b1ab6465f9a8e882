#!/usr/bin/env python3
"""Three services that start at the same moment on one empty database and take data at once: each migration runs once; of each background
job one of them is the leader, which another becomes when it is killed; nothing is assembled, chunked, indexed or dropped twice.

    replicas.sh [--seed N] [--seconds S]     TRACEKIN_TEST_FULL: ten minutes instead of ten seconds
"""
import argparse
import collections
import json
import os
import sys
import threading
import time

import clients
from disturbances import FILL_TRACES_SQL
from history import History, violations
from rounds import ASSEMBLED_S, settled, stored_in
from stage import KILL, RUN, Failed, Postgres, Service, say, until

N, HANDED_OVER_S, SECONDS, SECONDS_FULL = 3, 30, 10, 600
ROLES = {"assembler": "tracekin_assembler_is_leader", "chunker": "tracekin_chunker_is_leader",
         "index keeper": "tracekin_vector_index_is_keeper"}
JOBS = "assembler", "chunker", "index-keeper"  # their sessions
SETTINGS = {"request_timeout": "5s", "assembler_quiet": "300ms", "read_workers": 2, "search_workers": 2, "ingest_workers": 8}

# Must be zero once nothing is built any more: a generation under way is beside the one that is used, and not valid yet.
ONE_INDEX = """SELECT (SELECT abs(count(*) - 1) + count(*) FILTER (WHERE NOT indisvalid) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
    WHERE indrelid = 'traces'::regclass AND c.relname LIKE 'ix_traces_embedding%')
    + (SELECT abs(count(*) - 1) + count(*) FILTER (WHERE recall IS NULL) FROM vector_indexes)"""
# Each must be zero in the end.
NEVER_TWICE = {
    "chunks of logs that overlap": "SELECT count(*) FROM log_chunks a JOIN log_chunks b ON a.ctid <> b.ctid AND a.from_ns <= b.from_ns AND b.from_ns <= a.to_ns",
    "chunks of errors that overlap": "SELECT count(*) FROM error_chunks a JOIN error_chunks b ON a.ctid <> b.ctid AND a.from_ns <= b.from_ns AND b.from_ns <= a.to_ns",
    "logs that neither a chunk nor an arrival tells of": """SELECT count(*) FROM logs l
        WHERE NOT EXISTS (SELECT FROM log_chunks c WHERE l.time_ns BETWEEN c.from_ns AND c.to_ns)
        AND NOT EXISTS (SELECT FROM log_arrivals a WHERE l.time_ns BETWEEN a.from_ns AND a.to_ns)""",
    "chunks that count other logs than there are": """SELECT count(*) FROM log_chunks c
        WHERE n_rows <> (SELECT count(*) FROM logs WHERE time_ns BETWEEN c.from_ns AND c.to_ns)
        AND NOT EXISTS (SELECT FROM log_arrivals a WHERE a.to_ns >= c.from_ns AND a.from_ns <= c.to_ns)""",
    "patterns that count other traces than they have": """SELECT count(*) FROM patterns AS p LEFT JOIN
        (SELECT pattern_id, count(*) AS n FROM traces WHERE pattern_id IS NOT NULL GROUP BY 1) AS t USING (pattern_id)
        WHERE p.trace_count <> coalesce(t.n, 0)""",
}


def events(services, name):
    """The events of that name in the logs, as (service, fields)."""
    for service in services:
        for line in service.log.read_text(errors="replace").splitlines():
            if f'"{name}"' in line:
                yield service, json.loads(line)


def check_migrations(postgres, database, services):
    """Each was run by one of them, and by that once."""
    ran = collections.Counter(event["version"] for _, event in events(services, "migration_applied"))
    there = [int(v) for v in postgres.sql(database, "SELECT version FROM schema_migrations WHERE state = 'applied' ORDER BY 1").split()]
    if sorted(ran) != there or set(ran.values()) != {1}:
        raise Failed(f"the services ran migrations {dict(ran)}; there are {there}")
    say(f"{len(there)} migrations, each run by one of {len(services)} services that started at once")


class Leaders(threading.Thread):
    """Looks all the time who leads what: never two at once."""

    def __init__(self, services):
        super().__init__(daemon=True)
        self.services, self.is_over, self.odd, self.n_looks = services, threading.Event(), [], 0
        self.looks = threading.Event()
        self.looks.set()

    def run(self):
        while not self.is_over.wait(0.1):
            for role in ROLES if self.looks.is_set() else ():
                self.n_looks += 1
                leaders = self.of(role)
                if len(leaders) > 1 and self.looks.is_set():
                    self.odd.append(f"{role}: {[s.name for s in leaders]} lead at once")

    def of(self, role):
        return [s for s in self.services if sum(s.metrics(ROLES[role]).values()) == 1]


def hand_over(leaders, services):
    """Kills who leads the assembler, then who leads the others; seconds until another leads."""
    took = {}
    for role in ROLES:
        until(lambda role=role: leaders.of(role), HANDED_OVER_S, f"somebody leads: {role}")
        was = leaders.of(role)[0]
        was.kill()
        took[role] = until(lambda role=role, was=was: [s for s in leaders.of(role) if s is not was], HANDED_OVER_S, f"another leads: {role}")
        was.start()
    return took


def sessions_made(service):
    """How often the session of each job was made again, by job; nothing while one has none."""
    is_open, made = service.open_sessions(), service.metrics("tracekin_db_reconnects_total")
    return {job: made[f'{{pool="{job}"}}'] for job in JOBS} if all(is_open.get(job) for job in JOBS) else {}


def are_made_anew(service, was):
    now = sessions_made(service)
    return bool(now) and all(now[job] > was[job] for job in JOBS)


def lose_all_sessions(postgres, database, leaders):
    """PostgreSQL ends at once and comes back, twice, then all its sessions end with one that is killed: all leads are lost, and
    had again by whoever is first. Who was one may say so until its job has a session again, so nobody looks until all have; what is
    done under a lost lead is undone with its session."""
    def restart():
        if not postgres.control("restart -m immediate -w -t 60"):
            raise Failed("pg_ctl restart -m immediate failed")

    def kill():
        postgres.signal(KILL, postgres.backends(database)[:1])

    leaders.looks.clear()
    for lose in (restart, restart, kill):
        for service in leaders.services:
            until(lambda service=service: sessions_made(service), HANDED_OVER_S, f"each job of {service.name} has a session")
        before = {service: sessions_made(service) for service in leaders.services}
        lose()
        until(postgres.answers, 60, "PostgreSQL answers after its sessions have ended")
        for service, was in before.items():
            until(lambda service=service, was=was: are_made_anew(service, was), HANDED_OVER_S, f"each job of {service.name} has a session again")
    for role in ROLES:
        until(lambda role=role: len(leaders.of(role)) == 1, HANDED_OVER_S, f"one leads again: {role}")
    leaders.looks.set()


def check_retention(postgres, database, services):
    """Days that are too old are dropped once, by whoever comes first, when all start at once."""
    for service in services:
        service.drain()
        service.settings["retention"] = "7d"
    days = "generate_series(20, 24) AS d CROSS JOIN LATERAL (SELECT date_trunc('day', now(), 'UTC') - d * interval '1 day' AS day) AS days"
    postgres.sql(database, f"""DO $$ DECLARE day timestamptz; BEGIN FOR day IN SELECT days.day FROM {days} LOOP
        EXECUTE format('CREATE TABLE spans_%s PARTITION OF spans FOR VALUES FROM (%L) TO (%L)', to_char(day AT TIME ZONE 'UTC', 'YYYYMMDD'),
        day, day + interval '1 day'); END LOOP; END $$""")
    for service in services:
        service.start(wait=False)
    for service in services:
        until(service.is_ready, 60, f"{service.name} is ready")
    old = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'spans'::regclass AND right(inhrelid::regclass::text, 8) < to_char(now() - interval '9 days', 'YYYYMMDD')"
    until(lambda: postgres.sql(database, old) == "0", 60, "the old days are dropped")
    def total(name):
        return sum(sum(s.metrics(name).values()) for s in services)
    until(lambda: total("tracekin_retention_partitions_dropped_total") >= 5, 30, "the services tell of five days dropped")
    n, n_failures = total("tracekin_retention_partitions_dropped_total"), total("tracekin_retention_failures_total")
    if n != 5 or n_failures != 0:
        told = [(service.name, event["partitions"]) for service, event in events(services, "retention_removed")]
        raise Failed(f"of 5 old days the services dropped {n:.0f} in all, and failed {n_failures:.0f} times: {told}")
    say("5 old days, each dropped once")


def play(seed, seconds):
    postgres, database = Postgres(), "replicas"
    postgres.make_database(database, can_be_full=False)
    services = [Service(f"replica_{i}", postgres.url(database), **SETTINGS) for i in range(N)]
    history, senders = History(RUN / "replicas.history"), []
    leaders = Leaders(services)
    try:
        for service in services:
            service.start(wait=False)
        for service in services:
            until(service.is_ready, 60, f"{service.name} is ready")
        check_migrations(postgres, database, services)
        senders = clients.start([s.address for s in services], seed, history, n_each=2)
        leaders.start()
        time.sleep(seconds)
        took = hand_over(leaders, services)
        lose_all_sessions(postgres, database, leaders)
        postgres.sql(database, FILL_TRACES_SQL)
        time.sleep(seconds / 2)
        leaders.is_over.set()
        leaders.join()
        clients.stop(senders)
        settled(postgres, database, max(ASSEMBLED_S, 2 * seconds))
        until(lambda: postgres.sql(database, ONE_INDEX) == "0", 90, "there is one vector index, which is valid, recorded and measured")
        if postgres.sql(database, "SELECT count(*) > 0 FROM log_chunks") != "t":
            raise Failed("no chunk of logs was built, so nothing can be said of them")
        odd = [f"{postgres.sql(database, sql)} {what}" for what, sql in NEVER_TWICE.items() if postgres.sql(database, sql) != "0"]
        odd += violations(history.batches.values(), stored_in(postgres, database)) + leaders.odd + [o for c in senders for o in c.odd]
        if odd:
            raise Failed("\n".join(odd[:20]))
        say(f"seed {seed}: {dict(history.counts())} of {len(history.batches)} batches; of each job one leader in {leaders.n_looks} looks; "
            "handed over within " + ", ".join(f"{s:.1f} s ({role})" for role, s in took.items()))
        check_retention(postgres, database, services)
    except BaseException:
        for service in services:
            say(f"the log of {service.name} ends:\n{service.tail()}")
        raise
    finally:
        leaders.is_over.set()
        clients.stop(senders)
        for service in services:
            service.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=SECONDS_FULL if os.environ.get("TRACEKIN_TEST_FULL") else SECONDS)
    options = parser.parse_args()
    try:
        play(options.seed, options.seconds)
    except Failed as why:
        say(f"FAILED: {why}\nagain: tests/fault/replicas.sh --seed {options.seed}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
