"""OTLP requests with the ids of a template replaced, so that a thousand new spans cost a millisecond.

A template is made once from a seed, as OTLP/JSON; where an id goes that each request has its own of, it holds a mark: MARK and
a number of four bytes.
"""
import base64
import copy
import functools
import gzip
import hashlib
import json
import random
import re
import time

import otlp_pb2
from google.protobuf import json_format

MARK = "f00dfeed"
_MARKS_IN_BYTES = re.compile(bytes.fromhex(MARK) + b"(....)", re.DOTALL)
_MARKS_IN_TEXT = re.compile(MARK.encode() + b"([0-9a-f]{8})")
ENCODINGS = {
    "protobuf": {"Content-Type": "application/x-protobuf"},
    "protobuf+gzip": {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"},
    "json": {"Content-Type": "application/json"},
}
SERVICES, OPERATIONS, SPANS_OF_TRACE, ERROR_SHARE = 20, 50, 8, 0.1
WORDS = ("payment accepted for order", "cache miss for key", "user session renewed", "inventory checked in warehouse",
         "retrying after timeout of upstream", "message published to topic", "query took longer than expected")


def _attributes(**values):
    kinds = {int: "intValue", str: "stringValue", bool: "boolValue", float: "doubleValue"}
    return [{"key": key.replace("__", "."), "value": {kinds[type(value)]: str(value) if isinstance(value, int) and not
             isinstance(value, bool) else value}} for key, value in values.items()]


def _resource(service):
    return {"attributes": _attributes(service__name=f"service-{service:02}", service__version="1.4.2",
                                      service__instance__id=f"service-{service:02}-7d9f", deployment__environment="production",
                                      k8s__pod__name=f"service-{service:02}-7d9f-x2x9"), "droppedAttributesCount": 0}


def _mark(number):
    return f"{MARK}{number:08x}"


class Clock:
    """Begins ten minutes ago, so that the times are such as an exporter sends, or when it is told to."""

    def __init__(self, begin_s=None):
        self.begin_ns = (int(time.time()) - 600 if begin_s is None else begin_s) * 10**9

    def at(self, offset_ns):
        return str(self.begin_ns + offset_ns)


def _span(rng, clock, i):
    trace, place = divmod(i, SPANS_OF_TRACE)
    operation = rng.randrange(OPERATIONS)
    begin = i * 50_000
    span = {"traceId": f"{_mark(trace)}{trace:016x}", "spanId": f"{i + 1:016x}", "name": f"GET /api/resource-{operation:02}/{{id}}",
            "kind": 2 if place == 0 else rng.choice((1, 3)), "startTimeUnixNano": clock.at(begin),
            "endTimeUnixNano": clock.at(begin + rng.randrange(10_000, 50_000_000)),
            "attributes": _attributes(http__request__method="GET", http__route=f"/api/resource-{operation:02}/{{id}}",
                                      http__response__status_code=200, url__path=f"/api/resource-{operation:02}/{rng.randrange(10**6)}",
                                      server__address="10.0.3.17", server__port=8080, user_agent__original="okhttp/4.12.0",
                                      network__protocol__version="1.1"), "status": {}}
    if place > 0:
        span["parentSpanId"] = f"{i + 1 - rng.randrange(1, place + 1):016x}"
    if rng.random() < ERROR_SHARE:
        span["status"] = {"code": 2, "message": "upstream connect error: deadline exceeded"}
        span["events"] = [{"timeUnixNano": clock.at(begin + 5_000), "name": "exception", "attributes": _attributes(
            exception__type="java.net.SocketTimeoutException", exception__message="timeout after 2000 ms")}]
    return span


def _log(rng, clock, i):
    return {"timeUnixNano": clock.at(i * 50_000), "observedTimeUnixNano": clock.at(i * 50_000 + 700), "severityNumber": 17 if
            rng.random() < ERROR_SHARE else 9, "severityText": "INFO", "body": {"stringValue":
            f"{rng.choice(WORDS)} {rng.randrange(10**6)} request {_mark(i)}"}, "traceId": f"{_mark(i // 4)}{i:016x}", "spanId": f"{i + 1:016x}",
            "attributes": _attributes(logger__name="com.example.OrderService", thread__name=f"http-nio-{rng.randrange(16)}",
                                      code__lineno=rng.randrange(500))}


def _point(rng, clock, i):
    return {"timeUnixNano": clock.at(i * 50_000), "startTimeUnixNano": clock.at(0), "asDouble": rng.random() * 100,
            "attributes": _attributes(http__route=f"/api/resource-{rng.randrange(OPERATIONS):02}", request=_mark(i))}


def _traces(rng, clock, n):
    spans = [_span(rng, clock, i) for i in range(n)]
    return {"resourceSpans": [{"resource": _resource(s), "scopeSpans": [{"scope": {"name": "io.opentelemetry.okhttp", "version": "2.1"},
            "spans": spans[s::SERVICES]}]} for s in range(SERVICES)]}


def _logs(rng, clock, n):
    logs = [_log(rng, clock, i) for i in range(n)]
    return {"resourceLogs": [{"resource": _resource(s), "scopeLogs": [{"scope": {"name": "logback"}, "logRecords": logs[s::SERVICES]}]}
                             for s in range(SERVICES)]}


def _points(rng, clock, n):
    points = [_point(rng, clock, i) for i in range(n)]
    return {"resourceMetrics": [{"resource": _resource(s), "scopeMetrics": [{"scope": {"name": "runtime"}, "metrics": [
        {"name": f"http.server.request.duration.{m}", "unit": "ms", "gauge": {"dataPoints": points[s::SERVICES][m::5]}}
        for m in range(5)]}]} for s in range(SERVICES)]}


MAKERS = {"traces": (_traces, otlp_pb2.ExportTraceServiceRequest), "logs": (_logs, otlp_pb2.ExportLogsServiceRequest),
          "metrics": (_points, otlp_pb2.ExportMetricsServiceRequest)}


def _to_base64(node):
    """The ids of OTLP/JSON are hexadecimal; those of protobuf's JSON are base64."""
    for key, value in node.items():
        if key in ("traceId", "spanId", "parentSpanId"):
            node[key] = base64.b64encode(bytes.fromhex(value)).decode()
        elif isinstance(value, dict):
            _to_base64(value)
        elif isinstance(value, list):
            for item in value:
                _to_base64(item)
    return node


class Template:
    """Requests of one signal, of n items each; the same in every run where begin_s is given."""

    def __init__(self, signal, n_items, seed=1, begin_s=None):
        make, message = MAKERS[signal]
        content = make(random.Random(seed), Clock(begin_s), n_items)
        self.n_items = n_items
        self.json = json.dumps(content, separators=(",", ":")).encode()
        self.protobuf = json_format.ParseDict(_to_base64(copy.deepcopy(content)), message()).SerializeToString()

    def body(self, encoding, number):
        """The request of this number; two numbers share no item."""
        @functools.cache
        def id_of(mark):
            return hashlib.blake2b(mark, digest_size=8, salt=number.to_bytes(16, "big")).digest()

        def in_text(match):
            return id_of(bytes.fromhex(match.group(1).decode())).hex().encode()
        if encoding == "json":
            return _MARKS_IN_TEXT.sub(in_text, self.json)
        body = _MARKS_IN_BYTES.sub(lambda match: id_of(match.group(1)), _MARKS_IN_TEXT.sub(in_text, self.protobuf))
        return gzip.compress(body, 6) if encoding == "protobuf+gzip" else body
