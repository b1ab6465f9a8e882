"""Telemetry to torture the service with: item i of any signal is the one of the instant BASE_NS + i microseconds, by which it is
found again."""
import gzip
import json
import struct
import time

BASE_NS = time.time_ns() // 1_000_000_000 * 1_000_000_000 - 3600 * 1_000_000_000
ITEMS = 3  # of a request


def instant(i):
    return BASE_NS + i * 1000


def trace_id(i):
    return f"{0xabcd << 64 | instant(i):032x}"


def span_id(i):
    return f"{instant(i):016x}"


# --- protobuf: a field's number and its value

def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field_varint(number, value):
    return varint(number << 3) + varint(value)


def field_fixed64(number, value):
    return varint(number << 3 | 1) + struct.pack("<Q", value)


def field_bytes(number, value):
    return varint(number << 3 | 2) + varint(len(value)) + value


def attribute_wire(key, value):
    return field_bytes(1, key.encode()) + field_bytes(2, field_bytes(1, value.encode()))


RESOURCE_WIRE = field_bytes(1, field_bytes(1, attribute_wire("service.name", "shop")))
SCOPE_WIRE = field_bytes(1, field_bytes(1, b"torture"))


def export_wire(items):
    return field_bytes(1, RESOURCE_WIRE + field_bytes(2, SCOPE_WIRE + b"".join(field_bytes(2, item) for item in items)))


def spans_wire(first):
    return export_wire(
        field_bytes(1, bytes.fromhex(trace_id(first))) + field_bytes(2, bytes.fromhex(span_id(i))) +
        field_bytes(4, bytes.fromhex(span_id(first)) if i > first else b"") + field_bytes(5, f"GET /items/{i % ITEMS}".encode()) +
        field_varint(6, 2) + field_fixed64(7, instant(i)) + field_fixed64(8, instant(i) + 5_000_000) +
        field_bytes(9, attribute_wire("http.route", "/items/{id}")) for i in range(first, first + ITEMS))


def logs_wire(first):
    return export_wire(
        field_fixed64(1, instant(i)) + field_varint(2, 9) + field_bytes(5, field_bytes(1, f"payment accepted for order {i}".encode())) +
        field_bytes(6, attribute_wire("customer", "c1")) + field_bytes(9, bytes.fromhex(trace_id(first)))
        for i in range(first, first + ITEMS))


def points_wire(first):
    points = b"".join(field_bytes(1, field_fixed64(3, instant(i)) + field_fixed64(6, i) + field_bytes(7, attribute_wire("queue", "in")))
                      for i in range(first, first + ITEMS))
    return export_wire([field_bytes(1, b"queue.length") + field_bytes(5, points)])


# --- the same in JSON

def attribute(key, value):
    return {"key": key, "value": {"stringValue": value}}


def export_json(resources, scopes, items, what):
    return json.dumps({resources: [{"resource": {"attributes": [attribute("service.name", "shop")]},
                                    scopes: [{"scope": {"name": "torture"}, items: what}]}]}).encode()


def spans_json(first):
    """The last of a trace fails."""
    return export_json("resourceSpans", "scopeSpans", "spans", [
        {"traceId": trace_id(first), "spanId": span_id(i), "parentSpanId": span_id(first) if i > first else "",
         "name": f"GET /items/{i % ITEMS}", "kind": 2, "startTimeUnixNano": str(instant(i)), "endTimeUnixNano": str(instant(i) + 5_000_000),
         "attributes": [attribute("http.route", "/items/{id}")],
         "events": [{"timeUnixNano": str(instant(i)), "name": "exception", "attributes": [
             attribute("exception.type", "IOError"), attribute("exception.message", f"no answer from node {i}")]}] if i == first + 2 else [],
         "status": {"code": 2, "message": f"connection {i} lost"} if i == first + 2 else {}} for i in range(first, first + ITEMS)])


def logs_json(first):
    return export_json("resourceLogs", "scopeLogs", "logRecords", [
        {"timeUnixNano": str(instant(i)), "severityNumber": 9, "traceId": trace_id(first), "spanId": span_id(first),
         "body": {"stringValue": f"payment accepted for order {i}"}, "attributes": [attribute("customer", "c1")]}
        for i in range(first, first + ITEMS)])


def points_json(first):
    return export_json("resourceMetrics", "scopeMetrics", "metrics", [
        {"name": "queue.length", "unit": "1", "gauge": {"dataPoints": [
            {"timeUnixNano": str(instant(i)), "asInt": str(i), "attributes": [attribute("queue", "in")]}
            for i in range(first, first + ITEMS)]}}])


def traces_json(first):
    return json.dumps({"traces": [
        {"trace_id": f"{0xfeed << 64 | instant(i):032x}", "name": "whole", "start_time": str(instant(i)), "duration_ms": 5, "status": "ok",
         "service": "shop", "attributes": {"region": "eu"}} for i in range(first, first + ITEMS)]}).encode()


JSON, PROTOBUF = {"Content-Type": "application/json"}, {"Content-Type": "application/x-protobuf"}
GZIP = {"Content-Encoding": "gzip"}

# operation, target, header, body of the items from the first on, and where they are found again
EXPORTS = (
    ("export_traces", "/v1/traces", JSON, spans_json, "spans.start_ns"),
    ("export_traces", "/v1/traces", {**PROTOBUF, **GZIP}, lambda i: gzip.compress(spans_wire(i)), "spans.start_ns"),
    ("export_traces", "/v1/traces", PROTOBUF, spans_wire, "spans.start_ns"),
    ("export_logs", "/v1/logs", JSON, logs_json, "logs.time_ns"),
    ("export_logs", "/v1/logs", {**JSON, **GZIP}, lambda i: gzip.compress(logs_json(i)), "logs.time_ns"),
    ("export_logs", "/v1/logs", PROTOBUF, logs_wire, "logs.time_ns"),
    ("export_metrics", "/v1/metrics", JSON, points_json, "metric_points.time_ns"),
    ("export_metrics", "/v1/metrics", PROTOBUF, points_wire, "metric_points.time_ns"),
    ("store_traces", "/api/v1/traces", JSON, traces_json, "traces.start_ns"),
)
