"""The PostgreSQL of lib.sh and services on it, to be killed, stopped and started again; and what they tell of themselves."""
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time

TREE = pathlib.Path(os.environ["tree"])
BINARY = pathlib.Path(os.environ.get("TRACEKIN_FAULT_BINARY", TREE / "build/release/tracekin"))
CLUSTER, RUN = pathlib.Path(os.environ["cluster"]), pathlib.Path(os.environ["run_dir"])
LOG = pathlib.Path(os.environ["log_dir"])


class Failed(Exception):
    """The test has found something wrong."""


def say(text):
    print(text, flush=True)


def until(done, within_s, what):
    """Waits for done() to be true; the seconds that took. Failed when it takes longer; what is said of it, or tells that then."""
    began = time.monotonic()
    while not done():
        if time.monotonic() - began > within_s:
            raise Failed(f"{what() if callable(what) else what}: not within {within_s:.3g} s")
        time.sleep(0.02)
    return time.monotonic() - began


def free_port():
    """Below those that the kernel gives to whoever asks for any, so that nobody gets it while its service is down."""
    while True:
        port = random.randrange(10000, 32000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def _parent(pid):
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return -1


class Postgres:
    """The server of the cluster. Its processes are those of this machine, whatever sandbox it is in."""

    socket_path = os.environ["postgres_socket"] + "/.s.PGSQL.5432"
    small = RUN.joinpath("small").read_text().strip()  # where a file system is mounted to be filled, or ""
    rooms = CLUSTER / "small", CLUSTER / "wal"
    log = LOG / "postgres.log"

    def shell(self, command):
        ran = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                             text=True, check=False)
        return ran.returncode == 0, ran.stdout

    def url(self, database):
        return f"postgresql://tracekin@/{database}?host={os.environ['postgres_socket']}&port=5432"

    def pid(self):
        return int(CLUSTER.joinpath("postmaster.pid").read_text().split()[0])

    def is_there(self):
        try:
            return os.path.samefile(f"/proc/{self.pid()}/cwd", CLUSTER)
        except (OSError, ValueError, IndexError):
            return False

    def processes(self):
        postmaster = self.pid()
        return [postmaster] + [int(p.name) for p in pathlib.Path("/proc").iterdir() if p.name.isdigit() and _parent(p.name) == postmaster]

    def start(self):
        done, said = self.shell("cluster_boot")
        if not done:
            raise Failed(f"PostgreSQL does not start: {said[-2000:]}")

    def log_bytes(self):
        return self.log.stat().st_size

    def logged(self, since, pattern):
        """The lines that came to its log after so many bytes, and have the pattern in them."""
        with open(self.log, "rb") as log:
            log.seek(since)
            return [line for line in log.read().decode(errors="replace").splitlines() if re.search(pattern, line)]

    def tail(self):
        """What it told last, but for the statements of it and those that came too early."""
        return "\n".join(self.logged(max(0, self.log_bytes() - 200_000), r" (LOG|ERROR|PANIC): ")[-15:])

    def control(self, words):
        return self.shell(f'postgres_run "$cluster" pg_ctl {words} >>"$log_dir/postgres.log"')[0]

    def signal(self, number, pids):
        """How many of them were there."""
        n = 0
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                n += 1
        return n

    def backends(self, database):
        """The sessions of the services, background jobs included; none while the server is recovering."""
        ran = self._psql(database, "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name <> 'psql'"
                                   " AND backend_type = 'client backend'")
        return [int(pid) for pid in ran.stdout.split()] if ran.returncode == 0 else []

    def pools(self, database, since):
        """Sessions of the service by pool, as (all, those that did something after that time); none while the server is recovering."""
        ran = self._psql(database, f"""SELECT regexp_replace(application_name, '^tracekin ', ''), count(*),
            count(*) FILTER (WHERE state_change > to_timestamp({since})) FROM pg_stat_activity WHERE datname = current_database()
            GROUP BY 1""")
        rows = (line.split("|") for line in ran.stdout.splitlines()) if ran.returncode == 0 else ()
        return {pool: (int(n), int(n_at_work)) for pool, n, n_at_work in rows}

    def answers(self, database="postgres", sql="SELECT 1"):
        return self._psql(database, sql).returncode == 0

    def _psql(self, database, sql):
        return subprocess.run(["bash", "-c", 'cluster_client psql "$0" -XqAt -v ON_ERROR_STOP=1', self.url(database)], input=sql, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def sql(self, database, sql):
        """What it selects. A deadlock, of which it may be the victim, is tried again."""
        ran = self._psql(database, sql)
        while "deadlock detected" in ran.stderr:
            ran = self._psql(database, sql)
        if ran.returncode != 0:
            raise Failed(f"psql says {ran.stderr.strip()} of {sql}")
        return ran.stdout.strip()

    def session(self, database, sql):
        """A psql at work on the statements, up to the first that fails; to be waited for."""
        ran = subprocess.Popen(["bash", "-c", 'cluster_client psql "$0" -XqAt -v ON_ERROR_STOP=1', self.url(database)], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        ran.stdin.write(sql)
        ran.stdin.close()
        return ran

    def make_database(self, name, can_be_full=True):
        where = ""
        if self.small and can_be_full:
            self.sql("postgres", "SELECT 1" if self.sql("postgres", "SELECT 1 FROM pg_tablespace WHERE spcname = 'small'")
                     else f"CREATE TABLESPACE small LOCATION '{self.small}'")
            where = " TABLESPACE small"
        self.sql("postgres", f"CREATE DATABASE {name}{where}")

    def drop_database(self, name):
        self.sql("postgres", f"DROP DATABASE {name} WITH (FORCE)")


class Service:
    """One service at a port of its own, which it keeps when it is started again. Its log goes on in one file."""

    def __init__(self, name, url, **settings):
        self.name, self.url, self.port, self.process = name, url, free_port(), None
        self.address, self.settings, self.log = f"127.0.0.1:{self.port}", settings, RUN / f"{name}.log"

    def start(self, wait=True):
        """From the main thread only: the service ends with the thread that started it."""
        settings = {f"TRACEKIN_{k.upper()}": str(v) for k, v in self.settings.items()}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", str(BINARY), "serve"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": "/usr/bin:/bin", "TSAN_OPTIONS": "halt_on_error=1", "TRACEKIN_DATABASE_URL": self.url,
                     "TRACEKIN_LISTEN": self.address, **settings})
        if wait:
            return until(self.is_ready, 60, f"{self.name} becomes ready")
        return 0

    def kill(self):
        """What it ended with."""
        self.process.kill()
        return self.process.wait()

    def drain(self):
        """SIGTERM; the seconds until it has ended, as it should."""
        began = time.monotonic()
        self.process.terminate()
        status = self.process.wait(60)
        if status != 0:
            raise Failed(f"{self.name} ended with {status} on SIGTERM: {self.tail()}")
        return time.monotonic() - began

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def tail(self):
        """What matters at the end of its log: errors at any time, and the last lines of another kind than requests that failed."""
        lines = self.log.read_text(errors="replace").splitlines()
        errors = [line for line in lines if '"level":"error"' in line]
        return "\n".join(errors[-5:] + [line for line in lines if '"request_failed"' not in line][-15:])

    def get(self, path, timeout_s=15, content=None):
        """Status, body and headers; status 0 when there is no reply. With content it is sent, as JSON."""
        connection = http.client.HTTPConnection(self.address, timeout=timeout_s)
        try:
            body = None if content is None else json.dumps(content)
            connection.request("GET" if content is None else "POST", path, body, {"Content-Type": "application/json"} if content else {})
            reply = connection.getresponse()
            return reply.status, reply.read().decode(), reply.headers
        except (OSError, http.client.HTTPException):
            return 0, "", {}
        finally:
            connection.close()

    def is_ready(self):
        if self.process.poll() is not None:
            raise Failed(f"{self.name} ended with {self.process.returncode}: {self.tail()}")
        return self.get("/readyz")[0] == 200

    def why_not_ready(self):
        """What /readyz says of it when it is 503."""
        status, body, _ = self.get("/readyz")
        return [check["why"] for check in json.loads(body)["checks"] if not check["ok"]] if status == 503 else []

    def metrics(self, name):
        """The series of a metric: value by labels."""
        lines = self.get("/metrics")[1].splitlines()
        found = (re.fullmatch(rf"{name}(\{{.*\}})? (\S+)", line) for line in lines)
        return {m[1] or "": float(m[2]) for m in found if m}

    def reconnects(self):
        """How many sessions were made in place of lost ones."""
        return sum(self.metrics("tracekin_db_reconnects_total").values())

    def open_sessions(self):
        """Sessions that are not closed, by pool."""
        counts = {}
        for labels, n in self.metrics("tracekin_db_connections").items():
            pool, state = re.search(r'pool="([^"]*)"', labels)[1], re.search(r'state="([^"]*)"', labels)[1]
            counts[pool] = counts.get(pool, 0) + (int(n) if state != "closed" else 0)
        return counts


STOP, GO, KILL = signal.SIGSTOP, signal.SIGCONT, signal.SIGKILL
