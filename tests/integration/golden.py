#!/usr/bin/env python3
"""golden.py [--write] TRACEKIN WITH_DATABASE [CASE...]: sends the requests of tests/golden to a real server.

The server is the binary TRACEKIN on the database that TRACEKIN_DATABASE_URL names; WITH_DATABASE answers SQL about it.
tests/golden/README.md says what a case holds. --write puts the replies that came into the cases, what varies replaced
by placeholders, to be read before they are kept. With TRACEKIN_TEST_RECORD every exchange is appended to that file, one
JSON object a line: method, path, status, content_type, body.
"""
import gzip
import hashlib
import http.client
import json
import math
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

import yaml

import wiretext

CASES = pathlib.Path(__file__).resolve().parents[1] / "golden"
BODY_MAX_BYTES = 128 * 1024
DIMENSIONS = 384
SETTINGS = {"TRACEKIN_LISTEN": "127.0.0.1:0", "TRACEKIN_LOG_LEVEL": "debug", "TRACEKIN_ASSEMBLER_QUIET": "300ms",
            "TRACEKIN_BODY_MAX_BYTES": str(BODY_MAX_BYTES), "TRACEKIN_MEMORY_MAX_BYTES": "64MiB"}
KEY = "golden-key"  # sent with each request that brings no Authorization of its own
KEYS = {"golden": (KEY, "read,ingest"), "admin": ("golden-admin", "admin")}  # and their scopes, by name
START_S, UNTIL_S, PAUSE_S, REPLY_S, STOP_S = 60, 15, 0.05, 30, 30
SETTLED_S = 2  # by then traces are assembled, for --write

PLACEHOLDER = re.compile(r"<(any|text|number|time|nanos)(?: as (\w+))?>")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
IS = {
    "any": lambda v: True,
    "text": lambda v: isinstance(v, str) and v != "",
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "time": lambda v: isinstance(v, str) and TIME.fullmatch(v),
    "nanos": lambda v: isinstance(v, str) and v.isdigit(),
}
# What --write puts for the values of these keys.
VARIES = {"took_ms": "<number>", "request_id": "<text>", "next_cursor": "<text as next>", "uptime_s": "<number>"}


class Failure(Exception):
    """What did not come as expected."""


# --- the server

class Server:
    def __init__(self, binary):
        # A file, not a pipe: nobody reads while requests run.
        self.log = tempfile.NamedTemporaryFile(prefix="tracekin-golden-", suffix=".log")
        self.keys = tempfile.NamedTemporaryFile("w", prefix="tracekin-golden-", suffix=".keys")
        self.keys.writelines(f"{name} {hashlib.sha256(key.encode()).hexdigest()} {scopes}\n" for name, (key, scopes) in KEYS.items())
        self.keys.flush()
        environment = {**os.environ, **SETTINGS, "TRACEKIN_API_KEYS_FILE": self.keys.name}
        self.process = subprocess.Popen([binary, "serve"], env=environment, stderr=self.log, stdin=subprocess.DEVNULL)
        self.address = self.wait_listening()

    def lines(self):
        return pathlib.Path(self.log.name).read_bytes().splitlines()

    def wait_listening(self):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.lines():
                if b'"listening"' in line and line.endswith(b"}"):
                    return json.loads(line)["address"]
            time.sleep(PAUSE_S)
        self.process.kill()
        raise Failure("the server did not start:\n" + b"\n".join(self.lines()).decode(errors="replace"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure(f"the server did not stop within {STOP_S} s of SIGTERM")
        if status != 0:
            raise Failure(f"the server ended with {status}; its log ends:\n" + self.tail(40))

    def tail(self, n):
        return b"\n".join(self.lines()[-n:]).decode(errors="replace")

    def check_log(self):
        """Each line is one JSON object in clean UTF-8, and nothing went wrong on our side."""
        for line in self.lines():
            try:
                event = json.loads(line.decode("utf-8"))
            except ValueError:
                raise Failure(f"not a line of JSON in the log: {line[:200]!r}")
            if event["level"] == "error" or any(c < 0x20 for c in line):
                raise Failure(f"in the log: {line[:1000]!r}")


# --- requests and replies as files

def parse(path):
    """A file's first line, directives (@name), headers and body; lines before the first that begin with '#' are comments."""
    head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    lines = [line for line in head.splitlines() if not line.startswith("#")]
    directives = {line[1:].split()[0]: line[1:].split()[1:] for line in lines[1:] if line.startswith("@")}
    headers = dict(line.split(": ", 1) for line in lines[1:] if not line.startswith("@"))
    return lines[0], directives, headers, body


def numbers(name):
    """ones383, zeros384: so many equal numbers; e0_5: 384 dimensions, 1 in those named and 0 in the others."""
    kind, count = re.fullmatch(r"(ones|zeros|e)([\d_]+)", name).groups()
    if kind != "e":
        return [int(kind == "ones")] * int(count)
    ones = {int(i) for i in count.split("_")}
    return [int(i in ones) for i in range(DIMENSIONS)]


def generated(name):
    """text60000: so many letters, without quotes; else numbers."""
    letters = re.fullmatch(r"text(\d+)", name)
    return "x" * int(letters[1]) if letters else json.dumps(numbers(name))


def substitute(text, captured):
    """Replaces ${name} by what a placeholder captured, or by what is generated."""
    return re.sub(r"\$\{(\w+)\}", lambda m: captured[m[1]] if m[1] in captured else generated(m[1]), text)


def encode(directives, body):
    if "wire" in directives:
        data = wiretext.encode(body)
    elif "hex" in directives:
        data = bytes.fromhex(body)
    elif "fill" in directives:
        data = b" " * int(directives["fill"][0])
    else:
        data = body.encode()
    return gzip.compress(data) if "gzip" in directives else data


class Client:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=REPLY_S)
        self.record = os.environ.get("TRACEKIN_TEST_RECORD")

    def send(self, method, target, headers=(), body=None, key=KEY):
        headers = dict(headers)
        if key and "Authorization" not in headers:
            headers["X-API-Key"] = key
        self.connection.request(method, target, body, headers)
        reply = self.connection.getresponse()
        data = reply.read()
        if self.record:
            self.write_record(method, target, reply, data)
        return reply, data

    def write_record(self, method, target, reply, data):
        line = json.dumps({"method": method, "path": target, "status": reply.status,
                           "content_type": reply.headers.get("Content-Type"), "body": data.decode("utf-8", "replace")})
        with open(self.record, "a", encoding="utf-8") as out:
            out.write(line + "\n")


# --- comparing

def match_text(expected, actual, captured):
    """Whether actual is the text, or what the placeholder stands for; a placeholder that is named captures."""
    placeholder = PLACEHOLDER.fullmatch(expected) if isinstance(expected, str) else None
    if not placeholder:
        return expected == actual
    if placeholder[2]:
        captured[placeholder[2]] = actual
    return IS[placeholder[1]](actual)


def differences(expected, actual, captured, at="$"):
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted(expected.keys() | actual.keys()):
            if key not in actual or key not in expected:
                yield f"{at}.{key}: {'missing' if key not in actual else 'not expected: ' + json.dumps(actual[key])[:300]}"
            else:
                yield from differences(expected[key], actual[key], captured, f"{at}.{key}")
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield f"{at}: {len(actual)} items, expected {len(expected)}: {json.dumps(actual)[:300]}"
        for i, (e, a) in enumerate(zip(expected, actual)):
            yield from differences(e, a, captured, f"{at}[{i}]")
    elif isinstance(expected, float) and IS["number"](actual):
        if not math.isclose(expected, actual, rel_tol=1e-6, abs_tol=1e-9):
            yield f"{at}: {actual}, expected {expected}"
    elif type(expected) is bool and expected is not actual or not match_text(expected, actual, captured):
        yield f"{at}: {json.dumps(actual)[:300]}, expected {json.dumps(expected)[:300]}"


def body_differences(directives, expected, data, captured):
    if "wire" in directives:
        if wiretext.encode(expected) != data:
            yield f"bytes {data.hex()}, expected {wiretext.encode(expected).hex()}"
    elif "contains" in directives:
        have = data.decode().splitlines()
        yield from (f"no line {line!r}" for line in expected.splitlines()
                    if not any(re.fullmatch(line, h) for h in have))
    elif expected[:1] in ("{", "["):
        try:
            yield from differences(json.loads(expected), json.loads(data), captured)
        except ValueError:
            yield f"not JSON: {data[:300]!r}"
    elif expected.rstrip("\n") != data.decode(errors="replace").rstrip("\n"):
        yield f"body {data[:300]!r}, expected {expected[:300]!r}"


def reply_differences(path, reply, data, captured):
    status, directives, headers, body = parse(path)
    if int(status) != reply.status:
        yield f"status {reply.status}, expected {status}: {data[:600].decode(errors='replace')}"
        return
    for name, expected in headers.items():
        if not match_text(expected, reply.headers.get(name), captured):
            yield f"{name}: {reply.headers.get(name)}, expected {expected}"
    yield from body_differences(directives, substitute(body, captured), data, captured)


# --- a case

def masked(key, value):
    if isinstance(value, dict):
        is_now = value.get("is_default") is True
        return {k: "<time>" if is_now and IS["time"](v) else masked(k, v) for k, v in value.items()}
    if isinstance(value, list):
        return [masked("", v) for v in value]
    return VARIES.get(key, value) if value is not None else None


def write_reply(path, reply, data):
    kept = ("Content-Type", "Allow", "Retry-After")
    head = [str(reply.status)] + [f"{name}: {reply.headers[name]}" for name in kept if reply.headers[name]]
    try:
        body = json.dumps(masked("", json.loads(data)), indent=1, ensure_ascii=False) + "\n"
    except ValueError:
        body = data.decode(errors="replace")
    path.write_text("\n".join(head) + "\n\n" + body, encoding="utf-8")


def run_exchange(client, request_path, captured, write):
    """Sends the request, again until the reply is as expected where it says @until; the last differences are what fails."""
    line, directives, headers, body = parse(request_path)
    method, target = substitute(line, captured).split(" ", 1)
    data = encode(directives, substitute(body, captured)) if method == "POST" else None
    reply_path = request_path.with_suffix(".reply")
    deadline = time.monotonic() + (UNTIL_S if "until" in directives else 0)
    if write and "until" in directives and not reply_path.exists():
        time.sleep(SETTLED_S)
    while True:
        reply, answer = client.send(method, target, headers, data, None if "anonymous" in directives else KEY)
        if write and not reply_path.exists():
            write_reply(reply_path, reply, answer)
        found = list(reply_differences(reply_path, reply, answer, captured))
        if not found:
            return
        if time.monotonic() > deadline:
            raise Failure(f"{method} {target}\n    " + "\n    ".join(found))
        time.sleep(PAUSE_S)


def refusal_differences(row, reply, data):
    """A problem document that names the parameter and says what is allowed."""
    if reply.status != row["status"]:
        yield f"status {reply.status}, expected {row['status']}: {data[:300]!r}"
        return
    if reply.headers["Content-Type"] != "application/problem+json":
        yield f"Content-Type: {reply.headers['Content-Type']}"
    problem = json.loads(data)
    if problem.get("status") != row["status"] or not problem.get("title") or not problem.get("type"):
        yield f"not a problem document: {problem}"
    if problem.get("parameter") != row.get("parameter"):
        yield f"parameter {problem.get('parameter')!r}, expected {row.get('parameter')!r}: {problem.get('detail')}"
    if row.get("says", "") not in problem.get("detail", ""):
        yield f"detail {problem.get('detail')!r} does not say {row['says']!r}"
    for name, value in row.get("headers", {}).items():
        if reply.headers.get(name) != value:
            yield f"{name}: {reply.headers.get(name)}, expected {value}"


def run_refusals(client, path, captured):
    wrong = []
    for row in yaml.safe_load(path.read_text(encoding="utf-8")):
        method, target = substitute(row["send"], captured).split(" ", 1)
        body = None
        headers = {}
        if "body" in row:
            body = substitute(row["body"] if isinstance(row["body"], str) else json.dumps(row["body"]), captured)
            headers = {"Content-Type": row.get("content_type", "application/json")}
        reply, data = client.send(method, target, headers, body)
        wrong += [f"{row['send']} {str(body or '')[:80]}: {d}" for d in refusal_differences(row, reply, data)]
    if wrong:
        raise Failure("\n    ".join(wrong))


def run_case(client, folder, write):
    captured = {}
    for path in sorted(folder.iterdir()):
        try:
            if path.suffix == ".http":
                run_exchange(client, path, captured, write)
            elif path.suffix == ".yaml":
                run_refusals(client, path, captured)
        except Failure as failure:
            raise Failure(f"{path.relative_to(CASES)}: {failure}")


# --- all of them

NOW_US = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
SESSIONS = ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend' AND application_name <> '' AND backend_start < to_timestamp({now_us} / 1000000.0)")


class Sessions:
    """The server's database sessions of one moment, of which none may be lost. Those of the tests, which may not have ended
    when they are counted, have no name."""

    def __init__(self, with_database):
        self.with_database = with_database
        self.now_us = self.number(NOW_US)
        self.n = self.count()

    def number(self, sql):
        return int(subprocess.run([self.with_database, "--number", sql], check=True, stdout=subprocess.PIPE, text=True).stdout)

    def count(self):
        return self.number(SESSIONS.format(now_us=self.now_us))

    def check(self):
        if self.n == 0 or self.count() != self.n:
            raise Failure(f"of {self.n} database sessions that the server had before, {self.count()} are left")


def run_all(server, with_database, names, write):
    client = Client(server.address)
    failures = []
    for folder in sorted(p for p in CASES.iterdir() if p.is_dir() and (not names or p.name in names)):
        before = Sessions(with_database)
        try:
            run_case(client, folder, write)
            before.check()
            print(f"ok   {folder.name}", flush=True)
        except Failure as failure:
            failures.append(folder.name)
            print(f"FAIL {failure}", flush=True)
    return failures


def main(arguments):
    write = "--write" in arguments
    binary, with_database, *names = [a for a in arguments if a != "--write"]
    server = Server(binary)
    try:
        failures = run_all(server, with_database, names, write)
    except BaseException:
        print(server.tail(20), file=sys.stderr)
        server.process.kill()
        raise
    server.stop()
    server.check_log()
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as said:
        sys.exit(f"FAIL {said}")
