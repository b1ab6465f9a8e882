#!/usr/bin/env python3
"""hostile_bodies.py TRACEKIN WITH_DATABASE: bodies made to cost more than they weigh, or to mean what no body should.

Each is answered as its line says, the memory of requests comes back to nothing, the process stays within its bound, and meanwhile
the neighbours' requests are answered as ever.
"""
import gzip
import json
import pathlib
import struct
import subprocess
import sys
import threading
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "integration")]
from served import IS_FULL, Service, check, main, say, sql, until  # noqa: E402
from wiretext import varint  # noqa: E402

MIB = 1 << 20
BODY_MAX, MEMORY_MAX = 17 * MIB, 256 * MIB
STRING = 16 * MIB  # what is around one leaves room in a body
# What the process has besides the memory of requests: code, threads, connections, and what the allocator keeps of freed blocks.
BESIDES_MAX = 96 * MIB
SANITIZER_BESIDES_MAX = 1280 * MIB  # it keeps freed memory, and shadows the rest
LEVELS = 100_000
NEIGHBOUR_S = 20
TRACES, LOGS, METRICS, STORE, SIMILAR = "/v1/traces", "/v1/logs", "/v1/metrics", "/api/v1/traces", "/api/v1/traces/similar"
JSON, PROTO = "application/json", "application/x-protobuf"
TRACE_ID, SPAN_ID = b"\x5b" * 16, b"\xee" * 8
NOW = time.time_ns()


# --- protobuf

def field(number, value):
    return varint(number << 3 | 2) + varint(len(value)) + value


def number(n, value):
    return varint(n << 3) + varint(value)


def fixed64(n, value):
    return varint(n << 3 | 1) + struct.pack("<Q", value)


def double(n, value):
    return varint(n << 3 | 1) + struct.pack("<d", value)


def nested(levels, core, wrap):
    """core inside so many messages, each wrapped by the field numbers given; from the inside, without copying."""
    parts, size = [core], len(core)
    for _ in range(levels):
        for n in wrap:
            head = varint(n << 3 | 2) + varint(size)
            parts.append(head)
            size += len(head)
    return b"".join(reversed(parts))


def text(value):
    return field(1, value)  # an AnyValue


def attribute(key, any_value):
    return field(1, key) + field(2, any_value)


def span(extra=b"", name=b"a", i=0):
    return (field(1, TRACE_ID) + field(2, struct.pack(">Q", i + 1)) + field(5, name) + fixed64(7, NOW) + fixed64(8, NOW + 1) + extra)


def spans(*many):
    return field(1, field(2, b"".join(field(2, one) for one in many)))


def log(extra):
    return field(1, field(2, field(2, fixed64(1, NOW) + extra)))


def point(extra):
    """Of a gauge named m."""
    return field(1, field(2, field(2, field(1, b"m") + field(5, field(1, fixed64(3, NOW) + extra)))))


# --- JSON

def json_span(inner=b"", name=b'"a"'):
    return (b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":'
            + name + b',"startTimeUnixNano":"%d","endTimeUnixNano":"%d"' % (NOW, NOW + 1) + inner + b"}]}]}]}")


def json_log(body):
    return b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":' + body + b"}]}]}]}"


def json_point(inner):
    return b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"timeUnixNano":"%d",' % NOW + inner + b"}]}}]}]}]}"


def json_trace(inner=b"", name=b'"a"'):
    return (b'{"traces":[{"trace_id":"a1","start_time":"2023-01-29T00:00:00Z","duration_ms":1,"name":' + name + inner + b"}]}")


def deep(before, after, core=b"1"):
    return before * LEVELS + core + after * LEVELS


# --- gzip

def zeros(n_bytes, level=9):
    """n_bytes of spaces, compressed a thousand times, by pieces."""
    z = zlib.compressobj(level, zlib.DEFLATED, 31)
    piece = b" " * MIB
    return b"".join(z.compress(piece) for _ in range(n_bytes // MIB)) + z.flush()


def renamed(gz, size):
    """The member with a file name of so many bytes in its header."""
    return gz[:3] + b"\x08" + gz[4:10] + b"n" * size + b"\0" + gz[10:]


SMALL = gzip.compress(b"{}")
GZIPS = [  # name, body, statuses
    ("a gibibyte of spaces in a mebibyte", lambda: zeros(1024 * MIB), {413}),
    ("just past the bound", lambda: zeros(BODY_MAX + MIB), {413}),
    ("spaces of a thousand to one, within the bound", lambda: gzip.compress(b"{}" + b" " * (BODY_MAX - 2)), {200}),
    ("gzip in gzip in gzip", lambda: gzip.compress(gzip.compress(zeros(1024 * MIB))), {400}),
    ("a hundred thousand empty members", lambda: gzip.compress(b"") * 100_000, {400}),
    ("a hundred thousand empty members, and one that is not", lambda: gzip.compress(b"") * 100_000 + SMALL, {200}),
    ("a thousand members of a mebibyte", lambda: zeros(MIB) * 1000, {413}),
    ("a member with a name of 8 MiB", lambda: renamed(SMALL, 8 * MIB), {200}),
    ("a header without an end", lambda: b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * (8 * MIB), {400}),
    ("cut short", lambda: SMALL[:-3], {400}),
    ("with another checksum", lambda: SMALL[:-8] + b"\0\0\0\0" + SMALL[-4:], {400}),
    ("followed by something else", lambda: SMALL + b"x", {400}),
    ("nothing at all", lambda: b"", {400}),
    ("not gzip", lambda: b"{}", {400}),
]

INVALID = b"\xff\xc0\xaf\xed\xa0\x80"  # never UTF-8: a stray byte, an overlong slash, a surrogate
OTHERS = [  # name, target, type, body, statuses
    ("brackets, a hundred thousand deep", TRACES, JSON, lambda: deep(b"[", b"]"), {400}),
    ("an unknown member, a hundred thousand deep", TRACES, JSON, lambda: json_span(b',"x":' + deep(b"[", b"]")), {400}),
    ("a JSON value, a hundred thousand deep", TRACES, JSON, lambda: json_span(
        b',"attributes":[{"key":"a","value":' + deep(b'{"arrayValue":{"values":[', b"]}}", b'{"intValue":1}') + b"}]"), {400}),
    ("a JSON body of a log, a hundred thousand deep", LOGS, JSON, lambda: json_log(
        deep(b'{"kvlistValue":{"values":[{"key":"a","value":', b"}]}}", b'{"intValue":1}')), {400}),
    ("brackets for similar traces, a hundred thousand deep", SIMILAR, JSON, lambda: deep(b"[", b"]"), {400}),
    ("attributes of a trace, a hundred thousand deep", STORE, JSON, lambda: json_trace(b',"attributes":' + deep(b'{"a":', b"}")), {400}),
    ("a value, a hundred thousand deep", TRACES, PROTO, lambda: spans(span(field(9, field(1, b"a") + nested(LEVELS, b"", (1, 5))))),
     {200}),
    ("arrays of values, a hundred thousand deep", TRACES, PROTO,
     lambda: spans(span(field(9, attribute(b"a", nested(LEVELS, text(b"x"), (1, 5)))))), {200}),
    ("lists of values, a hundred thousand deep, in a log", LOGS, PROTO,
     lambda: log(field(5, nested(LEVELS, text(b"x"), (2, 1, 6)))), {200}),
    ("groups, a hundred thousand deep", TRACES, PROTO, lambda: b"\x0b" * LEVELS + b"\x0c" * LEVELS, {400}),
    ("a million attributes of a span", TRACES, PROTO,
     lambda: spans(span(field(9, attribute(b"a", number(3, 1))) * 1_000_000)), {200, 413}),
    ("a million different attributes of a span", TRACES, PROTO,
     lambda: spans(span(b"".join(field(9, attribute(b"%x" % i, b"")) for i in range(1_000_000)))), {200, 413}),
    ("a million values in an array", TRACES, PROTO,
     lambda: spans(span(field(9, attribute(b"a", field(5, field(1, number(3, 1)) * 1_000_000))))), {200, 413}),
    ("a hundred thousand events", TRACES, PROTO, lambda: spans(span(field(11, fixed64(1, NOW) + field(2, b"e")) * 100_000)), {200, 413}),
    ("a hundred thousand links", TRACES, PROTO, lambda: spans(span(field(13, field(1, TRACE_ID) + field(2, SPAN_ID)) * 100_000)), {200, 413}),
    ("a hundred thousand spans", TRACES, PROTO, lambda: spans(*(span(i=i) for i in range(100_000))), {200}),
    ("a hundred thousand resources", TRACES, PROTO,
     lambda: b"".join(field(1, field(1, field(1, attribute(b"r", number(3, i)))) + field(2, field(2, span(i=i)))) for i in range(100_000)),
     {200, 413}),
    ("a hundred thousand buckets", METRICS, PROTO, lambda: field(1, field(2, field(2, field(1, b"h") + field(9, field(
        1, fixed64(3, NOW) + field(6, bytes(8 * 100_000)) + field(7, b"".join(struct.pack("<d", i) for i in range(99_999))))
        + number(2, 2))))), {200}),
    ("a span's name of 16 MiB", TRACES, PROTO, lambda: spans(span(name=b"n" * STRING)), {200}),
    ("a span's name of 16 MiB, in JSON", TRACES, JSON, lambda: json_span(name=b'"' + b"n" * STRING + b'"'), {200}),
    ("an attribute of 16 MiB", TRACES, PROTO, lambda: spans(span(field(9, attribute(b"a", text(b"v" * STRING))))), {200}),
    ("a key of 16 MiB", TRACES, PROTO, lambda: spans(span(field(9, attribute(b"k" * STRING, number(3, 1))))), {200}),
    ("a log of 16 MiB", LOGS, PROTO, lambda: log(field(5, text(b"l" * STRING))), {200}),
    ("a log of 16 MiB, each byte an escape", LOGS, JSON,
     lambda: json_log(b'{"stringValue":"' + b"\\u00e9" * (STRING // 6 + 1) + b'"}'), {200}),
    ("a trace's name of 15 MiB", STORE, JSON, lambda: json_trace(name=b'"' + b"n" * (15 * MIB) + b'"'), {200}),
    ("a trace's name of 16 MiB, past what traces may have", STORE, JSON, lambda: json_trace(name=b'"' + b"n" * STRING + b'"'), {413}),
    ("a text of 16 MiB", SIMILAR, JSON, lambda: b'{"text":"' + b"t " * (STRING // 2) + b'"}', {413}),
    ("an embedding of a million numbers", SIMILAR, JSON, lambda: b'{"embedding":[' + b"0.5," * 1_000_000 + b"0]}", {413}),
    ("a million equal members", STORE, JSON, lambda: json_trace(b',"attributes":{' + b'"a":1,' * 1_000_000 + b'"b":1}'), {400}),
    ("a million digits", STORE, JSON, lambda: json_trace(b',"attributes":{"a":' + b"1" * 1_000_000 + b"}"), {400}),
    ("a million digits of a double", METRICS, JSON, lambda: json_point(b'"asDouble":' + b"1" * 1_000_000), {400}),
    ("NaN", STORE, JSON, lambda: json_trace(b',"attributes":{"a":NaN}'), {400}),
    ("Infinity", STORE, JSON, lambda: json_trace(b',"attributes":{"a":-Infinity}'), {400}),
    ("1e999", STORE, JSON, lambda: json_trace(b',"attributes":{"a":1e999}'), {400}),
    ("a duration of 1e308", STORE, JSON, lambda: json_trace().replace(b'"duration_ms":1', b'"duration_ms":1e308'), {400}),
    ("a NaN in an embedding", SIMILAR, JSON, lambda: b'{"embedding":[' + b"NaN," * 383 + b"1]}", {400}),
    ("1e999 in an embedding", SIMILAR, JSON, lambda: b'{"embedding":[' + b"1e999," * 383 + b"1]}", {400}),
    ("a value that is NaN, without quotes", METRICS, JSON, lambda: json_point(b'"asDouble":NaN'), {400}),
    ("a value that is NaN, as protobuf writes it in JSON", METRICS, JSON, lambda: json_point(b'"asDouble":"NaN"'), {200}),
    ("a value that is 1e999", METRICS, JSON, lambda: json_point(b'"asDouble":1e999'), {400}),
    ("values that are no numbers", METRICS, PROTO, lambda: point(double(4, float("nan"))) + point(double(4, float("inf"))), {200}),
    ("an attribute that is NaN", TRACES, PROTO, lambda: spans(span(field(9, attribute(b"a", double(4, float("nan")))))), {200}),
    ("an integer past 64 bits", TRACES, JSON, lambda: json_span(
        b',"attributes":[{"key":"a","value":{"intValue":"99999999999999999999"}}]'), {400}),
    ("a time past 64 bits", TRACES, JSON, lambda: json_span(b',"x":1').replace(b"%d" % NOW, b"99999999999999999999"), {400}),
    ("the last instant there is", TRACES, PROTO, lambda: spans(span(fixed64(7, (1 << 64) - 1) + fixed64(8, (1 << 64) - 1))), {200, 400}),
    ("bytes that are no UTF-8", TRACES, PROTO, lambda: spans(span(field(9, attribute(INVALID, text(INVALID))), name=INVALID)), {200}),
    ("bytes that are no UTF-8, in JSON", TRACES, JSON, lambda: json_span(name=b'"' + INVALID + b'"'), {200}),
    ("bytes that are no UTF-8, in a trace", STORE, JSON, lambda: json_trace(name=b'"' + INVALID + b'"'), {400}),
    ("a lone surrogate", TRACES, JSON, lambda: json_span(name=b'"\\ud800"'), {200}),
    ("a lone surrogate, in a trace", STORE, JSON, lambda: json_trace(name=b'"\\udc00"'), {400}),
    ("U+0000", TRACES, JSON, lambda: json_span(name=b'"a\\u0000b"'), {200}),
    ("U+0000 in protobuf", LOGS, PROTO, lambda: log(field(5, text(b"a\0b")) + field(6, attribute(b"\0", text(b"\0")))), {200}),
    ("U+0000, in a trace", STORE, JSON, lambda: json_trace(name=b'"a\\u0000b"'), {400}),
    ("U+0000, in a trace's attributes", STORE, JSON, lambda: json_trace(b',"attributes":{"a\\u0000":"\\u0000"}'), {400}),
    ("a varint without an end", TRACES, PROTO, lambda: b"\x08" + b"\xff" * 100_000, {400}),
    ("a length of 2^63", TRACES, PROTO, lambda: b"\x0a" + varint(1 << 63), {400}),
    ("field 0", TRACES, PROTO, lambda: b"\x02\x00", {400}),
]


# --- answers

N_LARGE, LARGE_ATTRIBUTES = 12, 220
TOO_LARGE = "bytes that one may have: ask for less, with a smaller limit or a narrower window"


def large_log(i):
    """Of 14 MiB, all of it kept."""
    return log(field(5, text(b"large %d" % i)) + b"".join(
        field(6, attribute(b"k%d" % k, text(b"%064d" % k * 1000))) for k in range(LARGE_ATTRIBUTES)))


def ask_too_much(service):
    """What the database would send at once is more than all requests may have."""
    for i in range(N_LARGE):
        reply = service.post(LOGS, large_log(i), PROTO)
        check(reply.status == 200, f"a large log: {reply}")
    before = service.resident_bytes()
    reply = service.get("/api/v1/logs?q=large&limit=1000&since=1h")
    say(f"  {reply.status} in {reply.seconds:6.2f} s: {N_LARGE} logs of 14 MiB are asked for; resident {before >> 20} MiB before, "
        f"{service.resident_bytes('VmHWM') >> 20} at most")
    check(reply.status == 422 and TOO_LARGE.encode() in reply.body, f"logs that are too large together: {reply}")
    check(service.get("/api/v1/logs?q=large&limit=1&since=1h").status == 200, "one of them alone is not to be had")


# --- neighbours

class Neighbours(threading.Thread):
    """Asks and stores without a pause; what they must never see is in wrong."""

    def __init__(self, service, turn):
        super().__init__(daemon=True)
        self.service, self.turn, self.n, self.n_put_off, self.slowest_s, self.wrong = service, turn, 0, 0, 0, []
        self.is_over = threading.Event()

    def run(self):
        while not self.is_over.is_set():
            try:
                reply = self.turn()
            except OSError as e:
                self.wrong.append(repr(e))
                return
            self.n += 1
            self.slowest_s = max(self.slowest_s, reply.seconds)
            if reply.status == 503 and reply.headers.get("retry-after", "").isdigit():
                self.n_put_off += 1
            elif reply.status != 200:
                self.wrong.append(str(reply))
            self.is_over.wait(0.05)


def neighbours_of(service):
    return {"health": Neighbours(service, lambda: service.get("/healthz")),
            "reads": Neighbours(service, lambda: service.get("/api/v1/services")),
            "stores": Neighbours(service, lambda: service.post(LOGS, json_log(b'{"stringValue":"as ever"}')))}


# --- the run

def is_sanitized(binary):
    return b"__asan_init" in subprocess.run(["nm", "-D", binary], capture_output=True, check=False).stdout + pathlib.Path(binary).read_bytes()


def attack(service, name, target, headers, body, statuses):
    built = body()
    before = service.resident_bytes("VmHWM")
    reply = service.send("POST", target, headers, built)
    grew = service.resident_bytes("VmHWM") - before
    say(f"  {reply.status} in {reply.seconds:6.2f} s, {len(built):>9} bytes, {grew >> 20:>4} MiB more at most: {name}")
    check(reply.status in statuses, f"{name}: {reply}, not {statuses}")
    check(reply.status == 200 or reply.body != b"", f"{name}: an error without a word")
    if headers["Content-Type"] == JSON and target.startswith("/v1/") and reply.status != 200:
        check(json.loads(reply.body)["message"] != "", f"{name}: {reply}")
    until(lambda: service.metric("tracekin_request_memory_bytes") < MIB, 60, f"{name}: the memory comes back")


def attack_all(service):
    for name, body, statuses in GZIPS:
        attack(service, f"gzip: {name}", TRACES, {"Content-Type": JSON, "Content-Encoding": "gzip"}, body, statuses)
    for name, target, kind, body, statuses in OTHERS:
        attack(service, name, target, {"Content-Type": kind}, body, statuses)


def run(binary, with_database):
    if is_sanitized(binary) and not IS_FULL:
        say("with a sanitizer this takes minutes, and is for the long form: skipped")
        sys.exit(77)
    besides = SANITIZER_BESIDES_MAX if is_sanitized(binary) else BESIDES_MAX
    with Service(binary, TRACEKIN_BODY_MAX_BYTES=str(BODY_MAX), TRACEKIN_MEMORY_MAX_BYTES=str(MEMORY_MAX),
                 TRACEKIN_REQUEST_TIMEOUT="60s") as service:
        began = time.monotonic()
        near = neighbours_of(service)
        for one in near.values():
            one.start()
        attack_all(service)
        ask_too_much(service)
        for one in near.values():
            one.is_over.set()
            one.join(60)
        for what, one in near.items():
            say(f"neighbours, {what}: {one.n} requests, {one.n_put_off} put off, the slowest {one.slowest_s:.2f} s")
            check(not one.wrong, f"neighbours, {what}: {one.wrong[:3]}")
            check(one.n > 20 and one.n_put_off <= one.n // 10, f"neighbours, {what}: {one.n_put_off} of {one.n} put off")
            check(one.slowest_s < NEIGHBOUR_S, f"neighbours, {what}: {one.slowest_s:.1f} s")
        most = service.resident_bytes("VmHWM")
        say(f"{time.monotonic() - began:.0f} s, {most >> 20} MiB resident at most")
        check(most < MEMORY_MAX + besides, f"{most >> 20} MiB were resident")
        check(sql(with_database, "SELECT count(*) FROM spans") > 100_000, "what was acknowledged is not there")
        service.stop(TOO_LARGE)


if __name__ == "__main__":
    main(run)
