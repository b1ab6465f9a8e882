#!/usr/bin/env python3
"""store.py URL: asks a service of each thing that a loaded store (bench/store) has; fails when an answer is empty or does not fit."""
import json
import sys
import urllib.parse
import urllib.request

url = sys.argv[1]


def get(path, **parameters):
    query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
    with urllib.request.urlopen(f"{url}/api/v1/{path}{query}", timeout=60) as reply:
        return json.load(reply)


def items(path, **parameters):
    found = get(path, **parameters)["items"]
    assert found, f"{path} {parameters} finds nothing"
    return found


def check_services():
    services = {s["name"] for s in items("services")}
    assert len(services) == 20, services
    for service in services:
        assert items(f"services/{service}/operations")


def check_trace(trace_id):
    trace = get(f"traces/{trace_id}")
    assert len(trace["spans"]) == trace["span_count"], trace["span_count"]
    assert {s["service"] for s in trace["spans"]} == set(trace["services"])
    ids = {s["span_id"] for s in trace["spans"]}
    assert all(s["parent_span_id"] is None or s["parent_span_id"] in ids for s in trace["spans"])
    assert items("logs", trace_id=trace_id)
    assert get(f"traces/{trace_id}/context")["logs"]
    similar = items(f"traces/{trace_id}/similar", threshold=0.3)
    assert similar[0]["similarity"] >= similar[-1]["similarity"]


def check_errors():
    failed = items("traces", status="error", limit=50)
    errors = items("errors", limit=1000)
    assert 20 <= len({e["message"] for e in errors}) <= 40
    assert 0.05 < len(items("traces", status="error", limit=1000)) / 2000 < 0.2
    for error in errors[:10]:
        assert error["message"] in get(f"traces/{error['trace_id']}")["error_message"]
        assert any(e["span_id"] == error["span_id"] for e in items("errors", pattern=error["message"][:10] + "%", limit=1000))
    check_trace(failed[0]["trace_id"])


def check_logs():
    line = items("logs", level="warn", limit=1)[0]
    word = max((w for w in line["message"].split() if w.isalpha()), key=len)
    assert line in items("logs", q=word, level="warn")
    assert all(word in found["message"] for found in items("logs", contains=word))


def check_metrics():
    names = {m["name"]: m["type"] for m in items("metrics/names")}
    assert len(names) == 5, names
    for name in names:
        points = items("metrics/query", name=name)
        assert all(p["count"] > 0 if names[name] == "histogram" else p["value"] >= 0 for p in points)
    exemplar = items("metrics/query", name="http.server.request.duration")[0]["exemplars"][0]
    assert get(f"traces/{exemplar['trace_id']}/context")["metrics"]
    check_trace(exemplar["trace_id"])


def check_patterns():
    patterns = items("patterns", limit=1000)
    assert sum(p["trace_count"] for p in patterns) == 2000
    for pattern in patterns[:5]:
        assert get(f"patterns/{pattern['pattern_id']}")["pattern"]["trace_count"] == pattern["trace_count"]


for check in (check_services, check_errors, check_logs, check_metrics, check_patterns):
    check()
print("every endpoint answers")
