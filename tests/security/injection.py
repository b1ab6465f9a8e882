#!/usr/bin/env python3
"""injection.py TRACEKIN WITH_DATABASE: SQL in every parameter, header, path part and body field, which changes nothing.

What there is to inject into is read from openapi.yaml, so that none is forgotten; the fields of OTLP are written down here. The
proof is the statement log of PostgreSQL: whatever was sent stands in it as the value of a parameter, and nowhere else.
TRACEKIN_TEST_DIR is where ./dev test keeps that log; without it there is nothing to read, and this is skipped.
"""
import copy
import hashlib
import json
import os
import pathlib
import re
import sys
import tempfile
import time
import urllib.parse

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from served import Service, check, main, say, sql, until  # noqa: E402

TREE = pathlib.Path(__file__).resolve().parents[2]
CONTRACT = yaml.safe_load((TREE / "openapi.yaml").read_text())
MARK = "i7n3j9"  # in every payload, and in nothing else; behind it, the number of the place that it was sent to
PAYLOADS = [
    f"{MARK}' OR '1'='1",
    f"{MARK}'; DROP TABLE spans CASCADE; --",
    f"{MARK}\\'; DROP TABLE traces; --",
    f'{MARK}"; DROP TABLE errors; --',
    f"{MARK}'||pg_sleep(30)||'",
    f"{MARK}') UNION SELECT usename, passwd FROM pg_shadow --",
    f"{MARK}$1$$; DELETE FROM logs; $$",
    f"{MARK}\uff07; TRUNCATE spans; --\u02bc",
]
# Those of fields that are parsed before they are asked for: the payload behind what is well formed.
BEHIND = {"attr": "k:", "start": "2023-01-29T00:00:00Z", "end": "2023-01-30T00:00:00Z", "since": "15m", "new_since": "15m",
          "trace_id": "a1", "span_id": "a1", "pattern_id": "8c60caa44f11d7f0", "limit": "1", "threshold": "0.5", "level": "warn",
          "target": "/api/v1/errors?q=", "min_duration": "1s", "max_duration": "1s", "Content-Encoding": "gzip, "}
HEADERS = ["X-Request-Id", "Accept", "Content-Type", "User-Agent", "Cookie", "Authorization", "traceparent", "Host", "Referer",
           "X-Forwarded-For", "X-API-Key", "Origin"]
KEY = "key-of-the-test"  # which may do all
WITH_KEY = {"Authorization": "Bearer " + KEY}
SCHEMA = """SELECT hashtext(string_agg(x, ',' ORDER BY x)) FROM (
    SELECT table_name || '.' || column_name || ':' || data_type FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name NOT IN (SELECT relname FROM pg_class WHERE relispartition)
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT rolname FROM pg_roles) AS t(x)"""
ROWS = "SELECT (SELECT count(*) FROM spans) + (SELECT count(*) FROM traces) + (SELECT count(*) FROM logs) + (SELECT count(*) FROM errors)"
STORED = f"SELECT count(*) FROM spans WHERE name LIKE '%{MARK[:3]}' || '{MARK[3:]}x%'"

VALUE = {"arrayValue": {"values": [{"stringValue": "a"}, {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}}]}}
ATTRIBUTES = [{"key": "service.name", "value": {"stringValue": "shop"}}, {"key": "a.b", "value": {"stringValue": "c"}},
              {"key": "list", "value": VALUE}, {"key": "bytes", "value": {"bytesValue": "YWJj"}}]
NOW = str(time.time_ns())
IDS = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}
POINT = {"attributes": ATTRIBUTES, "startTimeUnixNano": NOW, "timeUnixNano": NOW,
         "exemplars": [{"timeUnixNano": NOW, "asDouble": 1, "filteredAttributes": ATTRIBUTES, **IDS}]}
RESOURCE = {"resource": {"attributes": ATTRIBUTES}, "schemaUrl": "https://a/b"}
SCOPE = {"scope": {"name": "lib", "version": "1", "attributes": ATTRIBUTES}, "schemaUrl": "https://a/c"}
OTLP = {
    "/v1/traces": {"resourceSpans": [{**RESOURCE, "scopeSpans": [{**SCOPE, "spans": [{
        **IDS, "parentSpanId": "00f067aa0ba902b7", "traceState": "a=b", "name": "checkout", "kind": 2, "startTimeUnixNano": NOW,
        "endTimeUnixNano": NOW, "attributes": ATTRIBUTES, "status": {"code": 2, "message": "card declined"},
        "events": [{"timeUnixNano": NOW, "name": "exception", "attributes": [
            {"key": "exception.type", "value": {"stringValue": "E"}}, {"key": "exception.message", "value": {"stringValue": "no"}}]}],
        "links": [{**IDS, "traceState": "a=b", "attributes": ATTRIBUTES}]}]}]}]},
    "/v1/logs": {"resourceLogs": [{**RESOURCE, "scopeLogs": [{**SCOPE, "logRecords": [{
        "timeUnixNano": NOW, "observedTimeUnixNano": NOW, "severityNumber": 17, "severityText": "ERROR", "eventName": "e",
        "body": {"stringValue": "it broke"}, "attributes": ATTRIBUTES, **IDS}]}]}]},
    "/v1/metrics": {"resourceMetrics": [{**RESOURCE, "scopeMetrics": [{**SCOPE, "metrics": [
        {"name": "m", "description": "d", "unit": "s", "gauge": {"dataPoints": [{**POINT, "asDouble": 1.5}]}},
        {"name": "s", "unit": "By", "sum": {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [{**POINT, "asInt": "3"}]}},
        {"name": "h", "histogram": {"aggregationTemporality": 2, "dataPoints": [
            {**POINT, "count": "2", "sum": 3, "bucketCounts": ["1", "1"], "explicitBounds": [1]}]}}]}]}]},
}


# --- what there is to inject into

def resolve(node):
    while "$ref" in node:
        at = CONTRACT
        for part in node["$ref"].lstrip("#/").split("/"):
            at = at[part]
        node = at
    return node


def sample(schema):
    """A value that a schema allows, with all its properties."""
    schema = resolve(schema)
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if "default" in schema or "enum" in schema:
        return schema.get("default", schema.get("enum", [None])[0])
    if kind == "object":
        return {name: sample(inner) for name, inner in schema.get("properties", {"key": {"type": "string"}}).items()}
    if kind == "array":
        return [sample(schema["items"])] * schema.get("minItems", 1)
    return {"integer": 1, "number": 0.5, "boolean": True}.get(kind, "a1" if "pattern" in schema else "2023-01-29T00:00:00Z")


def leaves(value, at=()):
    """The ways to every value in a body, and to every name."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*at, key), "name"
            yield from leaves(inner, (*at, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value[:3]):
            yield from leaves(inner, (*at, i))
    else:
        yield at, "value"


def replaced(body, way, what, payload):
    body = copy.deepcopy(body)
    at = body
    for step in way[:-1]:
        at = at[step]
    if what == "value":
        at[way[-1]] = payload
    else:
        at[payload] = at.pop(way[-1])
    return body


def bodies(path, operation):
    if path in OTLP:
        return [OTLP[path]]
    media = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if media is None:
        return []
    found = [example["value"] for example in media.get("examples", {}).values()]
    whole = sample(media["schema"])
    ways = resolve(media["schema"]).get("oneOf", [{}])  # one of these at a time
    several = {name for way in ways for name in way.get("required", [])} if len(ways) > 1 else set()
    return found + [{k: v for k, v in whole.items() if k not in several or k == one} for one in several or {None}]


def parameters(operation):
    return [resolve(p) for p in operation.get("parameters", [])]


def operations():
    for path, item in CONTRACT["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


# --- requests

def target_of(path, operation, name=None, value=None):
    """The target with a value for one parameter, and examples for the rest that it must have."""
    query = []
    for p in parameters(operation):
        given = p.get("example", "a1")
        if p["in"] == "path":
            given = value if p["name"] == name else given
            path = path.replace("{%s}" % p["name"], urllib.parse.quote(str(given), safe=""))
        elif p["in"] == "query" and (p["name"] == name or p.get("required")):
            query.append((p["name"], value if p["name"] == name else given))
    return path + ("?" + urllib.parse.urlencode(query) if query else "")


def encoded(text):
    """A header's value, as bytes that http.client does not look at."""
    return text.encode()


class Attacker:
    def __init__(self, service):
        self.service, self.n, self.statuses, self.places = service, 0, {}, []

    def payloads(self, *place):
        """Those for one place, told apart from those for others."""
        self.places.append(" ".join(place))
        return [payload.replace(MARK, f"{MARK}x{len(self.places) - 1:04d}") for payload in PAYLOADS]

    def send(self, method, target, headers=None, body=None):
        given = {**WITH_KEY, **(headers or {})}
        if body is not None:
            given.setdefault("Content-Type", "application/json")
        reply = self.service.send(method, target, given, body)
        check(reply.status not in (500, 503, 504), f"{method} {target} {headers} {body}: {reply}")
        check(reply.seconds < 20, f"{method} {target} took {reply.seconds} s")  # pg_sleep would take 30
        self.n += 1
        self.statuses[reply.status] = self.statuses.get(reply.status, 0) + 1

    def attack_parameters(self, method, path, operation):
        whole = bodies(path, operation)
        body = json.dumps(whole[0]).encode() if whole else None
        for p in parameters(operation):
            for payload in self.payloads(method, path, p["in"], p["name"]):
                for value in {payload, BEHIND.get(p["name"], "") + payload}:
                    if p["in"] == "header":
                        self.send(method, target_of(path, operation), {p["name"]: encoded(value)}, body)
                    else:
                        self.send(method, target_of(path, operation, p["name"], value), None, body)

    def attack_names(self, method, path, operation):
        """What is no parameter, and no path."""
        for payload in self.payloads(method, path, "a name"):
            quoted = urllib.parse.quote(payload, safe="")
            for target in (target_of(path, operation) + "?" + quoted + "=1", "/" + quoted + target_of(path, operation), path + "/" + quoted):
                self.send(method, target, None, b"{}" if method == "POST" else None)

    def attack_headers(self, method, path, operation):
        whole = bodies(path, operation)
        for name in HEADERS:
            for payload in self.payloads(method, path, "header", name)[::3]:
                self.send(method, target_of(path, operation), {name: encoded(payload)}, json.dumps(whole[0]).encode() if whole else None)

    def attack_bodies(self, method, path, operation):
        for body in bodies(path, operation):
            for i, (way, what) in enumerate(leaves(body)):
                for payload in self.payloads(method, path, "body", what, ".".join(map(str, way)))[i % 4::4]:
                    text = json.dumps(replaced(body, way, what, payload))
                    # The same span is stored once.
                    self.send(method, target_of(path, operation), None, text.replace(IDS["spanId"], f"{self.n + 1:016x}").encode())


# --- the statement log

def entries(log, database):
    """The entries of one database, lines that go on joined to the one that began."""
    entry = None
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("\t") and entry is not None:
            entry += "\n" + line
            continue
        if entry is not None:
            yield entry
        entry = line if f"@{database}/" in line else None
    if entry is not None:
        yield entry


def is_of_parameters(entry):
    head = entry.split("DETAIL:", 1)
    return len(head) == 2 and MARK not in head[0] and head[1].lstrip().lower().startswith("parameters:")


def run(binary, with_database):
    folder = os.environ.get("TRACEKIN_TEST_DIR")
    log = pathlib.Path(folder or "/nonexistent") / "cluster/log/postgres.log"
    if not os.access(log, os.R_OK):
        say("there is no statement log to read: skipped")
        sys.exit(77)
    database = urllib.parse.urlsplit(os.environ["TRACEKIN_DATABASE_URL"]).path.lstrip("/")
    sql(with_database, f"ALTER DATABASE {database} SET log_statement = 'all'; SELECT 1")
    with tempfile.NamedTemporaryFile("w", prefix="tracekin-keys-") as keys:
        keys.write(f"all {hashlib.sha256(KEY.encode()).hexdigest()} read,ingest,admin\n")
        keys.flush()
        attack(binary, with_database, keys.name, log, database)


def attack(binary, with_database, keys, log, database):
    # Every question is slow, so that its plan is asked for too, with the same values.
    with Service(binary, TRACEKIN_API_KEYS_FILE=keys, TRACEKIN_SLOW_QUERY="1us", TRACEKIN_ASSEMBLER_QUIET="100ms") as service:
        for path, body in OTLP.items():
            check(service.send("POST", path, {**WITH_KEY, "Content-Type": "application/json"}, json.dumps(body).encode()).status == 200, f"the honest {path} is not stored")
        until(lambda: sql(with_database, "SELECT count(*) FROM traces") > 0, 30, "the honest trace is assembled")
        schema, rows = sql(with_database, SCHEMA), sql(with_database, ROWS)
        attacker = Attacker(service)
        for method, path, operation in operations():
            attacker.attack_parameters(method, path, operation)
            attacker.attack_names(method, path, operation)
            attacker.attack_headers(method, path, operation)
        check(sql(with_database, ROWS) >= rows, "rows are gone")
        for method, path, operation in operations():
            attacker.attack_bodies(method, path, operation)
        # What was stored is assembled, cut into chunks, explained: statements that run later.
        until(lambda: sql(with_database, "SELECT count(*) FROM trace_arrivals") == 0, 60, "all traces are assembled")
        check(sql(with_database, SCHEMA) == schema, "the tables are not as they were")
        check(sql(with_database, ROWS) >= rows, "rows are gone")
        check(sql(with_database, STORED) > 0, "what was sent is not stored as it was sent")
        service.stop()
    sql(with_database, f"SELECT 1 /* the alarm: {MARK} */")
    marked = [entry for entry in entries(log, database) if MARK in entry]
    wrong = [entry for entry in marked if not is_of_parameters(entry)]
    check(len(wrong) == 1 and "the alarm" in wrong[0], f"{len(wrong)} statements hold what was sent, such as: {wrong[:1]}")
    reached = sorted({int(n) for entry in marked for n in re.findall(MARK + r"x(\d{4})", entry)})
    for n in reached:
        say(f"  reached PostgreSQL: {attacker.places[n]}")
    say(f"{attacker.n} requests to {len(attacker.places)} places, answered {dict(sorted(attacker.statuses.items()))}; {len(marked) - 1} statements had it as a parameter")
    check(len(reached) >= 20, "hardly anything reached PostgreSQL: the test tests nothing")


if __name__ == "__main__":
    main(run)
