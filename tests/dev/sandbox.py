#!/usr/bin/env python3
"""sandbox.py TRACEKIN: the service lives in the sandboxes that are made for it.

In a container's: nothing can be written anywhere, no capability, a user that has no name. In the unit file's: the system calls
of service/tracekin.service.in, and no other; one more ends the process here, where systemd would only refuse it. Each does a
round of all that the service does, an embeddings endpoint looked up by name included. On the database that
TRACEKIN_DATABASE_URL names; 77 where there is no bwrap, no systemd-analyze or no libseccomp for Python.
"""
import errno
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

try:
    import seccomp
except ImportError:
    seccomp = None

TREE = pathlib.Path(__file__).resolve().parents[2]
UNIT = TREE / "service/tracekin.service.in"
START_S, UNTIL_S, STOP_S, PAUSE_S, SKIPPED = 60, 30, 30, 0.05, 77
KEY = "key-of-the-sandbox"
DIMENSIONS = 384
ENDED_BY_FILTER = 128 + signal.SIGSYS
PROT_WRITE_EXEC, PROT_EXEC = 6, 4
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
CLONE_NAMESPACES = 0x7E020080
SHELL = ["/bin/sh", "-c"]


# --- the unit file

def unit(name):
    """The values of a setting of the unit, in order."""
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    return [line.split("=", 1)[1] for line in lines if line.startswith(name + "=")]


def system_calls(group):
    """The names in a group of systemd's, groups within it resolved."""
    listed = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True).stdout
    names = [line.strip() for line in listed.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    return {call for name in names for call in (system_calls(name) if name.startswith("@") else {name})}


def allowed_calls():
    allowed = set()
    for words in unit("SystemCallFilter"):
        calls = {call for word in words.lstrip("~").split() for call in (system_calls(word) if word.startswith("@") else {word})}
        allowed = allowed - calls if words.startswith("~") else allowed | calls
    return allowed


def filter_program(out):
    """Writes what systemd would make of the unit; a call that it does not allow ends the process."""
    rules = seccomp.SyscallFilter(defaction=seccomp.KILL_PROCESS)
    special = {"socket", "clone", "clone3", "mmap", "mprotect", "pkey_mprotect"}
    for name in allowed_calls() - special:
        if seccomp.resolve_syscall(seccomp.Arch(), name) >= 0:
            rules.add_rule(seccomp.ALLOW, name)
    families = [FAMILIES[name] for name in unit("RestrictAddressFamilies")[0].split()]
    for family in range(max(FAMILIES.values()) + 40):
        action = seccomp.ALLOW if family in families else seccomp.ERRNO(errno.EAFNOSUPPORT)
        rules.add_rule(action, "socket", seccomp.Arg(0, seccomp.EQ, family))
    # RestrictNamespaces: the flags of clone3 are in memory, where no filter looks, so the C library is made to use clone.
    rules.add_rule(seccomp.ALLOW, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_NAMESPACES, 0))
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    # MemoryDenyWriteExecute
    rules.add_rule(seccomp.ALLOW, "mmap", seccomp.Arg(2, seccomp.MASKED_EQ, PROT_EXEC, 0))
    rules.add_rule(seccomp.ALLOW, "mmap", seccomp.Arg(2, seccomp.MASKED_EQ, PROT_WRITE_EXEC, PROT_EXEC))
    rules.add_rule(seccomp.ALLOW, "mprotect", seccomp.Arg(2, seccomp.MASKED_EQ, PROT_EXEC, 0))
    rules.export_bpf(out)


# --- the service and what it talks to

class Embeddings(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.n_requests += 1
        vectors = [{"index": i, "embedding": [1.0] + [0.0] * (DIMENSIONS - 1)} for i in range(len(asked["input"]))]
        body = json.dumps({"data": vectors, "model": asked["model"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def database_user():
    """Who may use the database's socket."""
    (folder,) = urllib.parse.parse_qs(urllib.parse.urlsplit(os.environ["TRACEKIN_DATABASE_URL"]).query)["host"]
    return os.stat(folder).st_uid


def read_only():
    """Nothing to write to and no capability; root starts it as somebody else."""
    command = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--die-with-parent"]
    if os.geteuid() != 0:
        return [*command, "--cap-drop", "ALL"]
    user = str(database_user())
    return [*command, "setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--no-new-privs",
            "--bounding-set=-all", "--inh-caps=-all"]


def innermost(pid):
    """bwrap stays, and passes no signal on."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return innermost(children[0]) if children else int(pid)


def keys_file():
    """Of one key that may do all; anybody may read the file."""
    keys = tempfile.NamedTemporaryFile("w", prefix="tracekin-sandbox-", suffix=".keys")
    keys.write(f"all {hashlib.sha256(KEY.encode()).hexdigest()} read,ingest,admin\n")
    keys.flush()
    os.chmod(keys.name, 0o644)
    return keys


class Service:
    def __init__(self, sandbox, embeddings_port, model):
        self.keys = keys_file()
        settings = {"TRACEKIN_LISTEN": "127.0.0.1:0", "TRACEKIN_ASSEMBLER_QUIET": "100ms", "TRACEKIN_API_KEYS_FILE": self.keys.name,
                    "TRACEKIN_EMBEDDINGS_URL": f"http://localhost:{embeddings_port}/v1", "TRACEKIN_EMBEDDINGS_MODEL": model}
        self.log = tempfile.TemporaryFile(prefix="tracekin-sandbox-")
        self.process = subprocess.Popen([*sandbox, BINARY, "serve"], env={**os.environ, **settings}, stderr=self.log,
                                        stdin=subprocess.DEVNULL)
        self.address = self.wait_listening()

    def said(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def wait_listening(self):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.said().splitlines():
                if '"listening"' in line and line.endswith("}"):
                    return json.loads(line)["address"]
            time.sleep(PAUSE_S)
        self.process.kill()
        raise AssertionError(f"it did not start ({self.process.wait()}):\n{self.said()}")

    def ask(self, target, body=None):
        request = urllib.request.Request(f"http://{self.address}{target}", data=body and json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        request.add_header("Authorization", "Bearer " + KEY)
        try:
            with urllib.request.urlopen(request, timeout=START_S) as reply:
                return reply.read()
        except OSError as error:
            raise AssertionError(f"{target}: {error}; it ended with {self.process.poll()}:\n{self.said()}") from error

    def stop(self):
        if self.process.poll() is None:
            os.kill(innermost(self.process.pid), signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        finally:
            self.process.kill()


def attribute(name, value):
    return {"key": name, "value": {"stringValue": value}}


def export(trace_id, now_ns):
    """A request of each kind of telemetry, of one trace."""
    resource = {"attributes": [attribute("service.name", "boxed")]}
    span = {"traceId": trace_id, "spanId": "00f067aa0ba902b7", "name": "GET /box", "startTimeUnixNano": str(now_ns),
            "endTimeUnixNano": str(now_ns + 10 ** 6), "status": {"code": 2, "message": "it leaks"}}
    record = {"timeUnixNano": str(now_ns), "severityNumber": 17, "body": {"stringValue": "water in the box"}, "traceId": trace_id}
    point = {"timeUnixNano": str(now_ns), "asDouble": 0.5}
    return {
        "/v1/traces": {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]},
        "/v1/logs": {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]},
        "/v1/metrics": {"resourceMetrics": [{"resource": resource, "scopeMetrics": [
            {"metrics": [{"name": "box.level", "gauge": {"dataPoints": [point]}}]}]}]}}


class Sandbox(unittest.TestCase):
    def setUp(self):
        self.endpoint = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Embeddings)
        self.endpoint.n_requests = 0
        threading.Thread(target=self.endpoint.serve_forever, daemon=True).start()
        self.addCleanup(self.endpoint.server_close)
        self.addCleanup(self.endpoint.shutdown)

    def live(self, sandbox, trace_id):
        # A model of its own: what another has embedded is not embedded anew.
        service = Service(sandbox, self.endpoint.server_port, "model-" + trace_id)
        try:
            for target, body in export(trace_id, time.time_ns()).items():
                service.ask(target, body)
            self.await_embedded(service, trace_id)
            for target in ("/healthz", "/readyz", "/metrics", "/api/v1/stats", "/api/v1/services", "/api/v1/errors?pattern=%25leaks%25",
                           "/api/v1/logs?q=water", f"/api/v1/traces/{trace_id}/context", "/api/v1/admin/explain?target=/api/v1/services",
                           "/api/v1/metrics/query?name=box.level"):
                service.ask(target)
            service.ask("/api/v1/traces/similar", {"text": "GET /box"})
            healthy = subprocess.run([*sandbox, BINARY, "healthcheck", "--listen", service.address], check=False)
            self.assertEqual(0, healthy.returncode)
        finally:
            status = service.stop()
            said = service.said()
            service.log.close()
        self.assertEqual(0, status, said)
        self.assertNotIn('"level":"error"', said)

    def await_embedded(self, service, trace_id):
        deadline = time.monotonic() + UNTIL_S
        while self.endpoint.n_requests == 0 or b"GET /box" not in service.ask("/api/v1/traces?service=boxed"):
            self.assertLess(time.monotonic(), deadline, service.said())
            time.sleep(PAUSE_S)

    def test_a_container_that_can_write_nothing(self):
        sandbox = read_only()
        for folder in ("/", "/tmp", "/var/tmp", "/run", str(pathlib.Path.cwd())):
            tried = subprocess.run([*sandbox, *SHELL, f"echo x >{folder}/tracekin-sandbox"], capture_output=True, text=True, check=False)
            self.assertNotEqual(0, tried.returncode, f"{folder} can be written: the sandbox proves nothing")
        self.live(sandbox, "4bf92f3577b34da6a3ce929d0e0e4736")

    def filtered(self, program):
        """The sandbox of the unit; its filter is read anew for each command."""
        return ["/bin/sh", "-c", f'exec bwrap --ro-bind / / --dev /dev --die-with-parent --seccomp 9 "$@" 9<"{program.name}"', "sh"]

    @unittest.skipUnless(seccomp and shutil.which("systemd-analyze"), "no systemd-analyze, or no libseccomp for Python")
    def test_the_units_system_calls(self):
        with tempfile.NamedTemporaryFile(prefix="tracekin-seccomp-") as program:
            filter_program(program)
            program.flush()
            sandbox = self.filtered(program)
            for call, ends in (("pass", 0), ("import os; os.chroot('/')", ENDED_BY_FILTER), ("import os; os.nice(1)", ENDED_BY_FILTER)):
                tried = subprocess.run([*sandbox, "/usr/bin/python3", "-c", call], capture_output=True, check=False)
                self.assertEqual(ends, tried.returncode, f"{call}: the filter proves nothing: {tried.stderr}")
            self.live(sandbox, "5bf92f3577b34da6a3ce929d0e0e4736")


if __name__ == "__main__":
    if shutil.which("bwrap") is None:
        print("no bwrap: skipped")
        sys.exit(SKIPPED)
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
