"""What the tortures share: the injector, a service under it, a client that takes nothing for granted, and the verdicts.

The injector (inject.c) is a library preloaded to the service, told what to fail by memory that it shares with the test: so one
process lives through thousands of failures.
"""
import hashlib
import json
import mmap
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

OFF, ONCE, FROM = 0, 1, 2
MEMORY, LIBPQ, SYSTEM = 1, 2, 4
KINDS = {MEMORY: "memory", LIBPQ: "libpq", SYSTEM: "system"}
WAYS = 4  # how many ways a call may fail, at most
NEVER = 1 << 62
# Threads that answer requests; the writer, the listener and the keepers of connections have the name of the process.
OF_REQUESTS = ("MHD-", "tk-", "tracekin")

START_S, STOP_S, REPLY_S, RECOVER_S, SETTLE_S, PAUSE_S = 60, 60, 20, 15, 20, 0.01
SANITIZER_EXIT = 99
SUPPRESSIONS = pathlib.Path(__file__).with_name("lsan.supp")
LOOKS, LOOK_S = 5, 0.2
FULL = bool(os.environ.get("TRACEKIN_TEST_FULL"))


class Failure(Exception):
    """What must not be."""


def await_(what, condition, seconds=SETTLE_S):
    deadline = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(PAUSE_S)


# --- the injector

class Injector:
    """The shared memory of inject.h."""
    MODE, KINDS, WAY, KEEP, K, N_CALLS, N_FAILED, BLOCKS, BYTES, KEEP_FILES, THREADS, CALL, TRACE, SIZE = (
        0, 4, 8, 12, 16, 24, 32, 40, 48, 56, 64, 192, 224, 4096)

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile(prefix="tracekin-inject-")
        self.file.truncate(self.SIZE)
        self.memory = mmap.mmap(self.file.fileno(), self.SIZE)

    def put(self, at, form, value):
        struct.pack_into(form, self.memory, at, value)

    def get(self, at, form):
        return struct.unpack_from(form, self.memory, at)[0]

    def environment(self, library, sanitizer):
        options = f"verify_asan_link_order=0:exitcode={SANITIZER_EXIT}:allocator_may_return_null=1"
        return {"LD_PRELOAD": f"{library}:{sanitizer}" if sanitizer else library, "FAULT_FILE": self.file.name,
                "ASAN_OPTIONS": options, "LSAN_OPTIONS": f"exitcode={SANITIZER_EXIT}:print_suppressions=0:suppressions={SUPPRESSIONS}",
                "UBSAN_OPTIONS": "print_stacktrace=1"}

    def of(self, threads):
        """Only calls of threads whose names begin so count."""
        self.disarm()
        for i in range(8):
            name = threads[i].encode() if i < len(threads) else b""
            self.memory[self.THREADS + 16 * i:self.THREADS + 16 * (i + 1)] = name.ljust(16, b"\0")

    def arm(self, mode, kinds, k, way=0):
        self.disarm()
        self.put(self.KINDS, "=I", kinds)
        self.put(self.WAY, "=I", way % WAYS)
        self.put(self.K, "=Q", k)
        self.put(self.N_CALLS, "=Q", 0)
        self.put(self.N_FAILED, "=Q", 0)
        self.put(self.MODE, "=I", mode)

    def disarm(self):
        self.put(self.MODE, "=I", OFF)

    def keep(self, memory=0, files=0):
        """Sabotage: of so many free(), and of so many close(), one does nothing. 0: all do."""
        self.put(self.KEEP, "=I", memory)
        self.put(self.KEEP_FILES, "=I", files)

    @property
    def n_calls(self):
        return self.get(self.N_CALLS, "=Q")

    @property
    def n_failed(self):
        return self.get(self.N_FAILED, "=Q")

    @property
    def live_blocks(self):
        return self.get(self.BLOCKS, "=q")

    @property
    def live_bytes(self):
        return self.get(self.BYTES, "=q")

    def call(self):
        """The first that failed."""
        return self.memory[self.CALL:self.CALL + 32].rstrip(b"\0").decode()

    def failed_call(self, pid):
        """And who made it, by addr2line."""
        call = self.call()
        frames = [f for f in struct.unpack_from("=24Q", self.memory, self.TRACE) if f]
        return "\n        ".join([call] + [name_of(pid, frame) for frame in frames[2:]])


def name_of(pid, address):
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
            for line in maps:
                fields = line.split()
                first, last = (int(n, 16) for n in fields[0].split("-"))
                if first <= address < last and len(fields) > 5:
                    offset = address - first + int(fields[2], 16) - 1
                    out = subprocess.run(["addr2line", "-fpse", fields[5], hex(offset)], stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL, text=True, check=False).stdout.strip()
                    return f"{pathlib.Path(fields[5]).name} {out}"
    except OSError:
        pass
    return hex(address)


# --- the service

class Binaries:
    """TRACEKIN WITH_DATABASE LIBRARY [SANITIZER]: what CMake has made, as given on the command line."""

    def __init__(self, arguments):
        self.tracekin, self.with_database, self.preloaded, *rest = arguments
        self.sanitizer = rest[0] if rest else ""

    def number(self, sql):
        out = subprocess.run([self.with_database, "--number", sql], check=True, stdout=subprocess.PIPE, text=True)
        return int(out.stdout)


SETTINGS = {
    "TRACEKIN_LISTEN": "127.0.0.1:0", "TRACEKIN_READ_WORKERS": "1", "TRACEKIN_SEARCH_WORKERS": "1", "TRACEKIN_INGEST_WORKERS": "1",
    "TRACEKIN_WRITER_THREADS": "1", "TRACEKIN_HTTP_THREADS": "2", "TRACEKIN_ASSEMBLER_QUIET": "100ms",
    "TRACEKIN_REQUEST_TIMEOUT": "5s", "TRACEKIN_TRANSFER_TIMEOUT": "10s",
    "TRACEKIN_HEADER_TIMEOUT": "5s", "TRACEKIN_DRAIN_TIMEOUT": "5s", "TRACEKIN_SLOW_QUERY": "1ms",
}


# One key that may do all.
KEY = "tk_" + "torture" * 4
KEYS = tempfile.NamedTemporaryFile("w", prefix="tracekin-torture-", suffix=".keys")
KEYS.write(f"torture {hashlib.sha256(KEY.encode()).hexdigest()} read,ingest,admin\n")
KEYS.flush()


def check_log_line(line):
    """Whatever fails, what is logged is whole."""
    try:
        return json.loads(line.decode("utf-8"))
    except ValueError:
        raise Failure(f"not a line of JSON in the log: {line[:2000].decode(errors='replace')}")


class Process:
    """A tracekin under the injector."""

    def __init__(self, binaries, injector, arguments, settings=None):
        self.log = tempfile.NamedTemporaryFile(prefix="tracekin-torture-", suffix=".log")
        environment = {**os.environ, **SETTINGS, "TRACEKIN_API_KEYS_FILE": KEYS.name, **(settings or {}), **injector.environment(binaries.preloaded, binaries.sanitizer)}
        self.process = subprocess.Popen([binaries.tracekin, *arguments], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE if arguments[0] != "serve" else subprocess.DEVNULL, stderr=self.log)

    @property
    def pid(self):
        return self.process.pid

    def lines(self):
        return pathlib.Path(self.log.name).read_bytes().splitlines()

    def tail(self, n=60):
        return b"\n".join(self.lines()[-n:]).decode(errors="replace")

    def is_alive(self):
        return self.process.poll() is None

    def wait(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            stacks = self.stacks()
            self.kill()
            raise Failure(f"it did not end within {seconds} s{stacks}:\n{self.tail()}")

    def stacks(self):
        """What its threads wait for, as far as the kernel tells."""
        try:
            tasks = pathlib.Path(f"/proc/{self.pid}/task").iterdir()
            return "; threads: " + ", ".join(f"{(t / 'comm').read_text().strip()} in {(t / 'wchan').read_text().strip()}" for t in tasks)
        except OSError:
            return ""

    def kill(self):
        if self.is_alive():
            self.process.kill()
            self.process.wait()

    def check_end(self, status, allowed):
        if status not in allowed:
            raise Failure(f"it ended with {status}:\n{self.tail()}")


class Service(Process):
    """`tracekin serve`."""

    def __init__(self, binaries, injector, settings=None):
        super().__init__(binaries, injector, ["serve"], settings)
        self.injector = injector
        self.address = None

    def await_listening(self, seconds=START_S):
        """False when it ended instead."""
        def found():
            for line in self.lines():
                if b'"listening"' in line and line.endswith(b"}"):
                    return json.loads(line)["address"]
            return None if self.is_alive() else "ended"
        got = await_("the service listens", found, seconds)
        if got == "ended":
            return False
        host, port = got.rsplit(":", 1)
        self.address = (host, int(port))
        return True

    def stop(self, allowed=(0,)):
        self.injector.disarm()
        if self.is_alive():
            self.process.send_signal(signal.SIGTERM)
        self.check_end(self.wait(STOP_S), allowed)
        for line in self.lines():
            check_log_line(line)

    def check_alive(self):
        if not self.is_alive():
            self.wait(STOP_S)
            raise Failure(f"the service has ended with {self.process.returncode}:\n{self.tail()}")

    def n_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def n_threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def gauge(self, name, label=""):
        """The sum of its series that have the label."""
        reply = exchange(self.address, request("GET", "/metrics"))
        return sum(float(n) for labels, n in re.findall(rf"^{name}({{[^}}]*}})? (\S+)$", reply.body.decode(), re.M) if label in labels)

    def n_sessions_lost(self):
        return self.gauge("tracekin_db_connections", 'state="closed"')

    def n_sessions(self):
        return self.gauge("tracekin_db_connections") - self.n_sessions_lost()


# --- a client

STATUS, HEADER = re.compile(r"HTTP/1\.1 [2-5]\d\d [\t -~]*"), re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*")
PART_OF_STATUS = re.compile(r"([2-5]\d?)?|[2-5]\d\d( [\t -~]*\r?)?")
PART_OF_HEADER = re.compile(r"\r?|[!#$%&'*+.^_`|~0-9A-Za-z-]+(:[\t -~]*\r?)?")


def request(method, target, body=None, headers=None):
    """The bytes of a request after whose reply the connection ends."""
    head = {"Host": "torture", "Connection": "close", "X-API-Key": KEY, **(headers or {})}
    if body is not None:
        head["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + (body or b"")


class Reply:
    """What came: nothing (status 0), a whole reply, or something else (broken says what; is_cut when one reply begins so, which then
    has a status when its first line is whole)."""

    def __init__(self, status=0, headers=None, body=b"", broken=None, is_cut=False):
        self.status, self.headers, self.body, self.broken, self.is_cut = status, headers or {}, body, broken, is_cut

    def __str__(self):
        return self.broken or f"{self.status} {self.body[:300]!r}"


def read_all(connection):
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except ConnectionError:
        pass
    return data


def begins_well(line, first):
    """Whether what has come of the last line of a head, which has no end yet, may go on to be a good one."""
    start = "HTTP/1.1 "
    if first:
        return start.startswith(line) or (line.startswith(start) and bool(PART_OF_STATUS.fullmatch(line[len(start):])))
    return bool(PART_OF_HEADER.fullmatch(line))


def parse_cut_head(data):
    *whole, last = data.decode("latin-1").split("\r\n")
    if not begins_well(last, first=not whole) or (whole and not STATUS.fullmatch(whole[0])) or not all(map(HEADER.fullmatch, whole[1:])):
        return Reply(broken=f"not the beginning of a reply: {data[:300]!r}")
    return Reply(int(whole[0].split()[1]) if whole else 0, broken=f"half a header: {data[:300]!r}", is_cut=True)


def parse(data):
    if not data:
        return Reply()
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return parse_cut_head(data)
    first, *lines = head.decode("latin-1").split("\r\n")
    wrong = [line for line in lines if not HEADER.fullmatch(line)]
    if not STATUS.fullmatch(first) or wrong:
        return Reply(broken=f"not a status line and headers: {[first, *wrong]!r}")
    status, fields = int(first.split()[1]), [line.partition(":") for line in lines]
    headers = {name.lower(): value.strip() for name, _, value in fields}
    lengths = [value.strip() for name, _, value in fields if name.lower() == "content-length"]
    if len(lengths) != 1 or not lengths[0].isdecimal():
        return Reply(broken=f"{len(body)} bytes of the {lengths} promised: {data[:300]!r}")
    if len(body) != int(lengths[0]):
        return Reply(status, headers, body, f"{len(body)} bytes of the {lengths[0]} promised: {data[:300]!r}", len(body) < int(lengths[0]))
    return Reply(status, headers, body)


def exchange(address, data):
    """Sends a request on a connection of its own; everything up to its end is the reply."""
    try:
        with socket.create_connection(address, REPLY_S) as connection:
            try:
                connection.sendall(data)
            except ConnectionError:
                pass
            return parse(read_all(connection))
    except (TimeoutError, socket.timeout):
        return Reply(broken=f"neither a reply nor an end within {REPLY_S} s")
    except ConnectionError:
        return Reply()


def check_problem(reply):
    """A document of an error is whole, or there is none."""
    if not reply.body:
        return
    kind = reply.headers.get("content-type")
    if kind == "application/problem+json":
        problem = json.loads(reply.body)
        if problem.get("status") != reply.status or not all(isinstance(problem.get(n), str) for n in ("type", "title", "detail")):
            raise Failure(f"not a problem document: {problem}")
    elif kind == "application/json":
        json.loads(reply.body)


def check_reply(reply, expected, is_of_system):
    """Whole and as expected, or an honest error at once, or nothing. Where the system fails, a connection that was broken may have cut
    such a reply short, as its length tells the client, and what will not be ready may be waited for."""
    if reply.broken and not (is_of_system and reply.is_cut):
        raise Failure(reply.broken)
    if reply.status in (0, expected):
        return
    if reply.status != 503 and not (is_of_system and reply.status == 504):
        raise Failure(f"not an honest answer: {reply}")
    if not reply.broken:
        check_problem(reply)


# --- growth

class Holdings:
    """What a service holds when nothing is asked of it."""

    def __init__(self, service):
        self.blocks, self.bytes = service.injector.live_blocks, service.injector.live_bytes
        # Those of sessions come and go with them, and a connection that has just ended is not closed yet on a busy machine.
        n_sessions = service.n_sessions()
        self.files, self.threads = min(service.n_files() for _ in range(LOOKS) if not time.sleep(LOOK_S)) - n_sessions, service.n_threads()

    def excess(self, before, more_blocks, more_bytes):
        """What there is more of than before, beyond what may be kept for the next time."""
        found = []
        for name, more in (("blocks", more_blocks), ("bytes", more_bytes), ("files", 0), ("threads", 0)):
            had, has = getattr(before, name), getattr(self, name)
            if has > had + more:
                found.append(f"{has} {name}, {had} before")
        return found


def check_growth(service, before, more_blocks, more_bytes, seconds=SETTLE_S):
    """Fails when what is held does not come back to what it was."""
    deadline = time.monotonic() + seconds
    while True:
        found = Holdings(service).excess(before, more_blocks, more_bytes)
        if not found:
            return
        if time.monotonic() > deadline:
            raise Failure("it has grown: " + ", ".join(found))


def run(main):
    """Ends with 1, and what failed."""
    try:
        main(Binaries(sys.argv[1:]))
    except Failure as failure:
        sys.exit(f"FAIL {failure}")
