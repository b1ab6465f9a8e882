"""A service of a test's own, on the database that TRACEKIN_DATABASE_URL names, and what it tells of itself.

It dies with the test, however that ends. Requests go over one connection each, so that threads need share nothing.
"""
import ctypes
import gzip
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

START_S, STOP_S, REPLY_S, STEP_S = 60, 60, 60, 0.02
PR_SET_PDEATHSIG = 1
IS_FULL = bool(os.environ.get("TRACEKIN_TEST_FULL"))
_libc = ctypes.CDLL(None)


class Failed(Exception):
    """What was promised did not come true."""


def check(is_true, what):
    if not is_true:
        raise Failed(what)


def say(text):
    print(text, flush=True)


def until(done, within_s, what):
    deadline = time.monotonic() + within_s
    while not done():
        check(time.monotonic() < deadline, f"{what}: not within {within_s} s")
        time.sleep(STEP_S)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Reply:
    def __init__(self, status, headers, body, seconds):
        self.status, self.headers, self.body, self.seconds = status, headers, body, seconds

    def __str__(self):
        return f"{self.status} {self.body[:300]!r}"


class Service:
    def __init__(self, binary, **settings):
        self.log = tempfile.NamedTemporaryFile(prefix="tracekin-served-", suffix=".log")
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TRACEKIN_") or k == "TRACEKIN_DATABASE_URL"}
        environment = {**kept, "TRACEKIN_LISTEN": "127.0.0.1:0", **settings}
        self.process = subprocess.Popen([binary, "serve"], env=environment, stderr=self.log, stdin=subprocess.DEVNULL,
                                        preexec_fn=_die_with_parent)
        self.host, self.port = None, None
        try:
            until(self._is_ready, START_S, "the service is ready")
        except BaseException:
            self.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def events(self):
        for line in pathlib.Path(self.log.name).read_bytes().splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue  # of a line that is being written, or of a sanitizer

    def _is_ready(self):
        if self.process.poll() is not None:
            raise Failed("the service ended:\n" + self.tail())
        if self.port is None:
            for event in self.events():
                if event["event"] == "listening":
                    self.host, port = event["address"].rsplit(":", 1)
                    self.port = int(port)
        return self.port is not None and self.get("/readyz").status == 200

    def tail(self, n=40):
        return b"\n".join(pathlib.Path(self.log.name).read_bytes().splitlines()[-n:]).decode(errors="replace")

    def connect(self, **options):
        """A raw socket; receive_bytes= is how little it takes in before it is read."""
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if "receive_bytes" in options:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options["receive_bytes"])
        s.settimeout(options.get("timeout_s", REPLY_S))
        s.connect((self.host, self.port))
        return s

    def send(self, method, target, headers=None, body=None, timeout_s=REPLY_S):
        began = time.monotonic()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout_s)
        try:
            connection.request(method, target, body, headers or {})
            reply = connection.getresponse()
            data = reply.read()
            return Reply(reply.status, {k.lower(): v for k, v in reply.getheaders()}, data, time.monotonic() - began)
        finally:
            connection.close()

    def get(self, target, **options):
        return self.send("GET", target, **options)

    def post(self, target, body, content_type="application/json", compress=False, **options):
        headers = {"Content-Type": content_type, **({"Content-Encoding": "gzip"} if compress else {})}
        return self.send("POST", target, headers, gzip.compress(body) if compress else body, **options)

    def metrics(self):
        """Every series by its name and labels as they are written."""
        reply = self.get("/metrics")
        check(reply.status == 200, f"/metrics: {reply}")
        lines = (line.rpartition(" ") for line in reply.body.decode().splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    def metric(self, name):
        series = self.metrics()
        check(name in series, f"/metrics has no {name}")
        return series[name]

    def resident_bytes(self, field="VmRSS"):
        """VmHWM: the most there has been."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise Failed("the service is gone:\n" + self.tail())

    def is_alive(self):
        return self.process.poll() is None

    def stop(self, *expected):
        """By SIGTERM; that it ends well, with no error in its log but the messages expected, is a part of every test."""
        check(self.is_alive(), f"the service ended by itself, with {self.process.returncode}:\n" + self.tail())
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            raise Failed(f"the service does not end within {STOP_S} s of SIGTERM:\n" + self.tail()) from None
        check(status == 0, f"the service ended with {status}:\n" + self.tail())
        wrong = [event for event in self.events() if event["level"] == "error" and event.get("message") not in expected]
        check(not wrong, f"in the log: {wrong[:3]}")

    def kill(self):
        if self.is_alive():
            self.process.kill()
        self.process.wait()
        self.log.close()


def sql(with_database, text):
    """Runs SQL; the first field of the last statement's first row, a number."""
    ran = subprocess.run([with_database, "--number", text], capture_output=True, text=True, check=False, timeout=REPLY_S)
    check(ran.returncode == 0, f"{text}: {ran.stdout}{ran.stderr}")
    return int(ran.stdout)


def main(run):
    """run(TRACEKIN, WITH_DATABASE), as the command line says; what failed is the last line."""
    try:
        run(*sys.argv[1:3])
    except Failed as e:
        say(f"FAILED: {e}")
        sys.exit(1)
