"""What is done to a service and its PostgreSQL while clients send: each is one function of the stage, and leaves all in order.

Each has a witness that it was felt, in what PostgreSQL, the proxy or the service tells, and is Failed without; what takes luck is done
until it was. Who called it waits for the recovery, and sees that those in ENDS_SESSIONS did end some. reason_to_skip tells why one
cannot be had here.
"""
import concurrent.futures
import contextlib
import subprocess
import time

from stage import BINARY, GO, KILL, STOP, Failed, Service, until

AWAY_S = 3  # how long what is taken away stays away, at least: longer than the probe of readiness takes to notice
FELT_S, TRIES_MAX, BUILT_S = 20, 40, 120
CRASHED = "was not properly shut down; automatic recovery in progress"


def _until_felt(disturb, is_felt, what):
    """Again and again, as luck has a part in it."""
    for _ in range(TRIES_MAX):
        disturb()
        if is_felt():
            return
    raise Failed(f"{what}: not once in {TRIES_MAX} times")


def _see_logged(stage, since, pattern, what):
    until(lambda: stage.postgres.logged(since, pattern), FELT_S, f"the log of PostgreSQL tells that {what}")


def _run(stage, sql):
    """Whether it was done; else it was the victim of a deadlock."""
    session = stage.postgres.session(stage.database, sql)
    said = session.stderr.read()
    if session.wait() != 0 and "40P01" not in said and "deadlock detected" not in said:
        raise Failed(f"psql says {said.strip()} of {sql}")
    return session.returncode == 0


def kill_backend(stage):
    victims = []

    def kill():
        pids = stage.postgres.backends(stage.database)
        victims.extend([stage.rng.choice(pids)] if pids else [])
        return pids and stage.postgres.signal(KILL, victims[-1:]) > 0

    for _ in range(3):
        since = stage.postgres.log_bytes()
        until(kill, 60, "the service has sessions after the end of one")
        _see_logged(stage, since, rf"\(PID {victims[-1]}\) was terminated by signal 9", "a backend was killed")
    until(stage.postgres.answers, 60, "PostgreSQL answers after the end of a backend")


def kill_postmaster(stage):
    since = stage.postgres.log_bytes()
    stage.postgres.signal(KILL, [stage.postgres.pid()])
    stage.watch_outage(AWAY_S)
    stage.postgres.start()
    _see_logged(stage, since, CRASHED, "it had crashed")


def kill_service(stage):
    status = stage.service.kill()
    if status != -KILL:
        raise Failed(f"the service had ended with {status} before it was killed: {stage.service.tail()}")
    stage.service.start()


def restart_immediate(stage):
    since = stage.postgres.log_bytes()
    if not stage.postgres.control("restart -m immediate -w -t 60"):
        raise Failed("pg_ctl restart -m immediate failed")
    _see_logged(stage, since, CRASHED, "it had crashed")


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


def _answer_s(stage):
    """How long a question takes; 0 when it is not answered."""
    began = time.monotonic()
    return time.monotonic() - began if stage.service.get("/api/v1/services")[0] == 200 else 0


def delay_network(stage):
    """Both ways, so that a question takes twice the delay at least."""
    stage.proxy.delay_s = stage.rng.choice((0.05, 0.2))
    stage.proxy.set("delay")
    until(lambda: min(_answer_s(stage) for _ in range(5)) > 2 * stage.proxy.delay_s, FELT_S, "questions are answered late")
    time.sleep(2)
    stage.proxy.set("pass")


def half_open_network(stage):
    stage.proxy.set("stuck")
    stage.watch_outage(5, is_fast=False)
    stage.proxy.set("pass")


def lose_replies(stage):
    """The server does what it is told, and nobody learns of it: sessions end with its answers in them, and no other is to be had."""
    def lose():
        stage.proxy.set("mute")
        time.sleep(0.1 + 0.2 * stage.rng.random())
        stage.proxy.set("cut")
        time.sleep(0.3)
        stage.proxy.set("pass")
        time.sleep(0.3)

    for _ in range(6):
        n = stage.proxy.n_lost
        _until_felt(lose, lambda n=n: stage.proxy.n_lost > n, "an answer is lost")


def reset_network(stage):
    ended = []

    def reset():
        ended.append(stage.proxy.reset())
        time.sleep(0.3)

    for _ in range(4):
        _until_felt(reset, lambda: ended[-1] > 0, "a session is reset")


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
    """Long enough for writers and background jobs to meet it; 53100 is disk_full."""
    since = stage.postgres.log_bytes()
    with _full(stage.postgres.rooms[0]):
        time.sleep(4)
        _see_logged(stage, since, f"@{stage.database}/tracekin writer ERROR:  53100", "a writer found no room")


MUCH_WAL_SQL = "SELECT count(pg_logical_emit_message(false, 'fill', repeat('x', 1000000))) FROM generate_series(1, 4)"


def fill_wal(stage):
    """PostgreSQL ends itself when it can write no WAL, and does not start while it cannot. The files that it has ready for WAL to come are
    used up here, as the clients may take longer than its checkpoints to do so."""
    _move_wal(stage, "pg_wal", "wal")
    time.sleep(1)
    since = stage.postgres.log_bytes()
    with _full(stage.postgres.rooms[1]):
        until(lambda: not stage.postgres.answers(sql=MUCH_WAL_SQL), 60, "PostgreSQL ends without room for its WAL")
        _see_logged(stage, since, "PANIC:  53100", "there was no room for its WAL")
        time.sleep(1)
    until(lambda: _is_back(stage.postgres), 60, "PostgreSQL answers once its WAL has room")
    _move_wal(stage, "wal", "pg_wal")


def _is_back(postgres):
    """It may end once more, of a recovery that began while there was no room."""
    if not postgres.is_there():
        postgres.start()
    return postgres.answers()


def _move_wal(stage, source, target):
    stage.postgres.control("stop -m immediate -w -t 60")
    done, said = stage.postgres.shell(f"fault_wal_move {source} {target}")
    if not done:
        raise Failed(f"the WAL cannot be moved: {said}")
    stage.postgres.start()


# Sessions of the service that wait for what psql has to itself.
HELD_UP_SQL = """SELECT count(*) FROM pg_locks AS held JOIN pg_stat_activity AS holder USING (pid)
    JOIN pg_locks AS asked ON asked.database = held.database AND asked.relation = held.relation AND NOT asked.granted
    JOIN pg_stat_activity AS asker ON asker.pid = asked.pid AND asker.datname = current_database() AND asker.application_name <> 'psql'
    WHERE held.granted AND held.mode = 'AccessExclusiveLock' AND holder.application_name = 'psql'"""


def lock_tables(stage):
    tables = stage.rng.choice(("spans, logs, metric_points", "traces, patterns", "resources", "trace_arrivals, log_arrivals"))
    held_up = []

    def lock():
        with concurrent.futures.ThreadPoolExecutor(1) as other:
            done = other.submit(_run, stage, f"BEGIN; LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(4); COMMIT;")
            held_up.append(0)
            while not done.done():
                held_up[-1] = max(held_up[-1], int(stage.postgres.sql(stage.database, HELD_UP_SQL)))
            held_up[-1] *= done.result()

    _until_felt(lock, lambda: held_up[-1] > 0, f"a session of the service waits for {tables}")


def deadlock(stage):
    """Sessions that take in turn, in the other order, what a writer takes; they are more patient than the service's, which so are those to fail."""
    since, n = stage.postgres.log_bytes(), []

    def meet():
        n.append(_run(stage, """SET deadlock_timeout = '2s'; BEGIN; LOCK TABLE metric_points, logs, spans, traces IN EXCLUSIVE MODE;
            SELECT pg_sleep(0.15); LOCK TABLE resources, trace_arrivals, patterns IN EXCLUSIVE MODE; COMMIT;"""))

    def has_victims():
        return len(n) >= 8 and stage.postgres.logged(since, f"@{stage.database}/(?!psql).* ERROR:  40P01")

    _until_felt(meet, has_victims, "a session of the service is the victim of a deadlock")


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


GENERATION_SQL = "SELECT coalesce(max(generation), 0) FROM vector_indexes WHERE recall IS NOT NULL"


def rebuild_index(stage):
    """While data comes in, whose traces the index is over. It ends when there is an index of a new generation, which is measured."""
    stage.postgres.sql(stage.database, FILL_TRACES_SQL)
    before = int(stage.postgres.sql(stage.database, GENERATION_SQL))
    ran = subprocess.run([BINARY, "index", "rebuild"], env={"TRACEKIN_DATABASE_URL": stage.postgres.url(stage.database)}, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=BUILT_S, check=False)
    after = int(stage.postgres.sql(stage.database, GENERATION_SQL))
    if ran.returncode != 0 or after <= before:
        raise Failed(f"index rebuild ended with {ran.returncode}, generation {before} became {after}: {ran.stdout[-2000:]}")


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
ENDS_SESSIONS = {"kill_backend", "kill_postmaster", "restart_immediate", "cut_network", "half_open_network", "lose_replies",
                 "reset_network", "fill_wal"}
_NEEDS = {"fill_tables": _no_room, "fill_wal": _no_room}


def reason_to_skip(stage, kind):
    return _NEEDS[kind](stage) if kind in _NEEDS else None
