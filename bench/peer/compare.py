#!/usr/bin/env python3
"""compare.py SERVICE PEER [PATH...]: whether both, on one database, answer these requests with the same items.

Without a PATH, some of each kind about what the service has stored; and a trace sent to each must be read back as the same spans.
Exits 1 and shows the first difference of each request that is answered differently.
"""
import json
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

MS_NS = 1_000_000


def get(url, path):
    try:
        with urllib.request.urlopen(url + path, timeout=60) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as e:
        return {"items": [{"status": e.code}], "next_cursor": None}


def difference(service, peer, path):
    """The first, in words, or None."""
    here, there = get(service, path), get(peer, path)
    for i, (a, b) in enumerate(zip(here["items"], there["items"])):
        for key in a.keys() | b.keys():
            if a.get(key) != b.get(key):
                return f"item {i}, {key}: {json.dumps(a.get(key))} and {json.dumps(b.get(key))}"
    if len(here["items"]) != len(there["items"]) or bool(here["next_cursor"]) != bool(there["next_cursor"]):
        return f"{len(here['items'])} items, next {here['next_cursor']}, and {len(there['items'])}, next {there['next_cursor']}"
    return None if here["items"] else "neither finds anything"


def quoted(**parameters):
    return urllib.parse.urlencode({name: value for name, value in parameters.items() if value})


def paths_of(service):
    """Requests that a store of any kind of traces has answers to; those before an instant find the same whatever comes now."""
    end = time.time_ns()
    error = get(service, f"/api/v1/errors?{quoted(end=end)}")["items"][0]
    log = get(service, f"/api/v1/logs?{quoted(q='-xyzzy', end=end, limit=1)}")["items"][0]
    word = max((w for w in log["message"].split() if w.isalpha()), key=len)
    similar, at = f"/api/v1/traces/{error['trace_id']}/similar", {"end": end}
    return [
        f"{similar}?{quoted(threshold=0.1, **at)}", f"{similar}?{quoted(threshold=0.1, status='error', service=error['service'], **at)}",
        f"{similar}?{quoted(threshold=0.1, group='pattern', limit=5, **at)}", f"{similar}?{quoted(threshold=0.1, exact='true', **at)}",
        f"/api/v1/errors?{quoted(limit=5, **at)}", f"/api/v1/errors?{quoted(q=error['message'].upper(), **at)}",
        f"/api/v1/errors?{quoted(pattern=error['message'][:12] + '%', service=error['service'], **at)}",
        f"/api/v1/errors?{quoted(type=error['type'], operation=error['name'], **at)}",
        f"/api/v1/logs?{quoted(q=word, limit=7, **at)}", f"/api/v1/logs?{quoted(q=word[:4].upper() + '* -xyzzy', order='asc', **at)}",
        f"/api/v1/logs?{quoted(contains=word[1:], level=log['level'], service=log['service'], **at)}",
        f"/api/v1/logs?{quoted(level='error', **at)}", f"/api/v1/logs?{quoted(trace_id=log['trace_id'], **at)}",
        f"/api/v1/logs?{quoted(regex=word + '.*', limit=3, **at)}",
    ]


def value(v):
    return {"intValue": str(v)} if isinstance(v, int) else {"stringValue": v}


def request_of(trace_id, at_ns):
    attributes = [{"key": k, "value": value(v)} for k, v in {"http.route": "/peer", "items": 3}.items()]
    spans = [{"traceId": trace_id, "spanId": f"{i + 1:016x}", "name": f"step {i}", "kind": 2, "attributes": attributes,
              "startTimeUnixNano": str(at_ns + i * MS_NS), "endTimeUnixNano": str(at_ns + 9 * MS_NS),
              "status": {"code": 2, "message": "out of stock"} if i == 2 else {},
              "events": [{"timeUnixNano": str(at_ns), "name": "picked", "attributes": attributes}],
              **({"parentSpanId": f"{i:016x}"} if i else {})} for i in range(3)]
    resource = {"attributes": [{"key": "service.name", "value": value("peer-check")}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "compare"}, "spans": spans}]}]}


def stored_as(service, to, at_ns):
    """The spans of a trace sent there, as the service gives them, and what it makes of them."""
    trace_id = secrets.token_hex(16)
    body = json.dumps(request_of(trace_id, at_ns)).encode()
    for _ in range(2):
        sent = urllib.request.Request(to + "/v1/traces", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(sent, timeout=60).close()
    until = time.monotonic() + 30
    while "spans" not in (trace := get(service, f"/api/v1/traces/{trace_id}")) or trace.get("status") != "error":
        if time.monotonic() > until:
            return None
        time.sleep(0.2)
    return [{**span, "trace_id": None} for span in trace["spans"]], trace["error_message"], trace["span_count"]


def main():
    service, peer, *paths = sys.argv[1:]
    n_wrong, asked = 0, paths or paths_of(service)
    for path in asked:
        told = difference(service, peer, path)
        n_wrong += told is not None
        if told:
            print(f"{path}: {told}", file=sys.stderr)
    at_ns = time.time_ns()
    if not paths and (stored := stored_as(service, service, at_ns)) != (stored_by_peer := stored_as(service, peer, at_ns)):
        n_wrong += 1
        print(f"POST /v1/traces: {stored} and {stored_by_peer}", file=sys.stderr)
    print(f"{len(asked) - n_wrong + (not paths)} of {len(asked) + (not paths)} requests are answered alike")
    sys.exit(1 if n_wrong else 0)


if __name__ == "__main__":
    main()
