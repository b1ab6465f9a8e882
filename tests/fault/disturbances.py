"""What is done to a service and its PostgreSQL while clients send: each is one function of the stage, and leaves all in order.

A disturbance that takes the database away returns nothing; who called it waits for the recovery. `skip` tells why one cannot be had here.
"""
import contextlib
import subprocess
import time

from stage import BINARY, GO, KILL, STOP, Failed, Service, until

AWAY_S = 3  # how long what is taken away stays away, at least: longer than the probe of readiness takes to notice


def kill_backend(stage):
    seen = []
    for _ in range(3):
        until(lambda: seen.append(stage.postgres.backends(stage.database)) or seen[-1], 60, "the service has sessions after the end of one")
        stage.postgres.signal(KILL, [stage.rng.choice(seen[-1])])
    until(stage.postgres.answers, 60, "PostgreSQL answers after the end of a backend")


def kill_postmaster(stage):
    stage.postgres.signal(KILL, [stage.postgres.pid()])
    stage.watch_outage(AWAY_S)
    stage.postgres.start()


def kill_service(stage):
    stage.service.kill()
    stage.service.start()


def restart_immediate(stage):
    if not stage.postgres.control("restart -m immediate -w -t 60"):
        raise Failed("pg_ctl restart -m immediate failed")


def freeze_postgres(stage):
    pids = stage.postgres.processes()
    stage.postgres.signal(STOP, pids)
    try:
        stage.watch_outage(5, is_fast=False)
    finally:
        stage.postgres.signal(GO, pids)


def cut_network(stage):
    stage.proxy.set("cut")
    stage.watch_outage(AWAY_S)
    stage.proxy.set("pass")


def delay_network(stage):
    stage.proxy.delay_s = stage.rng.choice((0.05, 0.2))
    stage.proxy.set("delay")
    time.sleep(3)
    stage.proxy.set("pass")


def half_open_network(stage):
    stage.proxy.set("stuck")
    stage.watch_outage(5, is_fast=False)
    stage.proxy.set("pass")


def lose_replies(stage):
    """The server does what it is told, and nobody learns of it: sessions end with its answers in them, and no other is to be had."""
    for _ in range(6):
        stage.proxy.set("mute")
        time.sleep(0.1 + 0.2 * stage.rng.random())
        stage.proxy.set("cut")
        time.sleep(0.3)
        stage.proxy.set("pass")
        time.sleep(0.3)


def reset_network(stage):
    for _ in range(4):
        stage.proxy.reset()
        time.sleep(0.3)


@contextlib.contextmanager
def _full(room):
    """A file that takes all there is left."""
    filler = room / "filler"
    with open(filler, "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"\0" * 65536)
        except OSError:
            pass
    try:
        yield
    finally:
        filler.unlink()


def fill_tables(stage):
    with _full(stage.postgres.rooms[0]):
        time.sleep(4)


def fill_wal(stage):
    """PostgreSQL ends itself when it can write no WAL, and does not start while it cannot."""
    _move_wal(stage, "pg_wal", "wal")
    time.sleep(1)
    with _full(stage.postgres.rooms[1]):
        stage.postgres.sql("postgres", "SELECT 1")
        deadline = time.monotonic() + 20
        while stage.postgres.is_there() and stage.postgres.answers() and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(1)
    if not stage.postgres.is_there():
        stage.postgres.start()
    until(stage.postgres.answers, 60, "PostgreSQL answers once its WAL has room")
    _move_wal(stage, "wal", "pg_wal")


def _move_wal(stage, source, target):
    stage.postgres.control("stop -m immediate -w -t 60")
    done, said = stage.postgres.shell(f"fault_wal_move {source} {target}")
    if not done:
        raise Failed(f"the WAL cannot be moved: {said}")
    stage.postgres.start()


def lock_tables(stage):
    tables = stage.rng.choice(("spans, logs, metric_points", "traces, patterns", "resources", "trace_arrivals, log_arrivals"))
    stage.postgres.session(stage.database, f"BEGIN; LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(4); COMMIT;").wait()


def deadlock(stage):
    """Sessions that take in turn, in the other order, what a writer takes; they are more patient than the service's, which so are those to fail."""
    for _ in range(8):
        stage.postgres.session(stage.database, """SET deadlock_timeout = '2s'; BEGIN; LOCK TABLE metric_points, logs, spans, traces IN EXCLUSIVE MODE;
            SELECT pg_sleep(0.15); LOCK TABLE resources, trace_arrivals, patterns IN EXCLUSIVE MODE; COMMIT;""").wait()


def migrate_again(stage):
    """A second service starts on a database whose last migrations are not made yet."""
    stage.postgres.sql(stage.database, """BEGIN; DROP INDEX ix_errors_service; DELETE FROM schema_migrations WHERE version = 50;
        DROP INDEX ix_traces_status_start; DELETE FROM schema_migrations WHERE version = 21; COMMIT""")
    second = Service("second", stage.postgres.url(stage.database), **stage.service.settings)
    try:
        second.start()
        subprocess.run([BINARY, "migrate"], env={"TRACEKIN_DATABASE_URL": second.url}, check=True, stdout=subprocess.DEVNULL)
        if stage.postgres.sql(stage.database, "SELECT count(*) FROM schema_migrations WHERE version IN (21, 50) AND state = 'applied'") != "2":
            raise Failed("the second service has not made the migrations")
        second.drain()
    finally:
        second.end()


# As many traces as a vector index begins to be worth while with.
FILL_TRACES_SQL = """INSERT INTO traces (trace_id, service, name, start_time, end_time, start_ns, end_ns, duration_ms, status, span_count,
    error_count, embedding, embedding_model) SELECT decode('03' || lpad(to_hex(i), 30, '0'), 'hex'), 'filled', 'n', to_timestamp(i), to_timestamp(i),
    i::bigint * 1000000000, i::bigint * 1000000000, 0, 'ok', 0, 0, (SELECT array_agg(CASE WHEN d = i % 20 THEN 1 ELSE 0 END
        + 0.03 * sin(i * 7.13 + d * (1 + i % 17)) ORDER BY d)::vector FROM generate_series(1, 384) AS d), 'given'
        FROM generate_series(1, 1500) AS i ON CONFLICT DO NOTHING"""


def rebuild_index(stage):
    """While data comes in, whose traces the index is over."""
    stage.postgres.sql(stage.database, FILL_TRACES_SQL)
    env = {"TRACEKIN_DATABASE_URL": stage.postgres.url(stage.database)}
    with subprocess.Popen([BINARY, "index", "rebuild"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as rebuild:
        try:
            rebuild.wait(4)
        except subprocess.TimeoutExpired:
            rebuild.terminate()


def drain_service(stage):
    took_s = stage.service.drain()
    if took_s > 30:
        raise Failed(f"the service took {took_s:.0f} s to drain")
    time.sleep(0.3)
    stage.service.start()


def _no_room(stage):
    return None if stage.postgres.small else "no file system can be mounted here to be filled: that takes root and the right to mount"


KINDS = {f.__name__: f for f in (kill_backend, kill_postmaster, kill_service, restart_immediate, freeze_postgres, cut_network, delay_network,
                                 half_open_network, lose_replies, reset_network, fill_tables, fill_wal, lock_tables, deadlock, migrate_again,
                                 rebuild_index, drain_service)}
_NEEDS = {"fill_tables": _no_room, "fill_wal": _no_room}


def reason_to_skip(stage, kind):
    return _NEEDS[kind](stage) if kind in _NEEDS else None
