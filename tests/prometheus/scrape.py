#!/usr/bin/env python3
"""scrape.py TRACEKIN: what a real Prometheus, with docker/prometheus' rules, sees of a real service.

The service is the binary TRACEKIN on the database that TRACEKIN_DATABASE_URL names; Prometheus and promtool are those of
$PROMETHEUS and $PROMTOOL, which ./dev test sets. 77 without them.
"""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import yaml

TREE = pathlib.Path(__file__).resolve().parents[2]
RULES = TREE / "docker/prometheus"
DASHBOARD = TREE / "docker/grafana/tracekin.json"
STOP_S, SOON_S, PAUSE_S, REPLY_S, SKIPPED = 30, 30, 0.1, 30, 77
SETTINGS = {"TRACEKIN_LISTEN": "127.0.0.1:0", "TRACEKIN_ASSEMBLER_QUIET": "300ms"}
TEXT, OPENMETRICS = "text/plain", "application/openmetrics-text; version=1.0.0"


def await_(what, condition):
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline:
        got = condition()
        if got:
            return got
        time.sleep(PAUSE_S)
    raise AssertionError(f"{what}: not within {SOON_S} s")


def end(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# --- the two processes

class Service:
    def __init__(self, binary):
        self.log = tempfile.NamedTemporaryFile(prefix="tracekin-scrape-", suffix=".log")
        self.process = subprocess.Popen([binary, "serve"], env={**os.environ, **SETTINGS}, stderr=self.log, stdin=subprocess.DEVNULL)
        self.address = await_("the service listens", self.listening)

    def listening(self):
        found = re.search(rb'"event":"listening".*?"address":"([^"]+)"', pathlib.Path(self.log.name).read_bytes())
        return found and found[1].decode()

    def ask(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection(self.address, timeout=REPLY_S)
        connection.request(method, target, body, headers or {})
        reply = connection.getresponse()
        try:
            return reply.status, reply.read().decode()
        finally:
            connection.close()

    def metrics(self, accept):
        status, text = self.ask("GET", "/metrics", headers={"Accept": accept})
        assert status == 200, status
        return text

    def exercise(self):
        """A trace with an error, logs, a metric, and one of each question, some of them wrong."""
        now = time.time_ns()
        span = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "GET /", "kind": 2,
                "startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 10 ** 7), "status": {"code": 2, "message": "no"}}
        record = {"timeUnixNano": str(now), "severityNumber": 17, "body": {"stringValue": "it failed"}, "traceId": span["traceId"]}
        point = {"timeUnixNano": str(now), "asDouble": 1.5}
        for path, body in (
                ("traces", {"resourceSpans": [{"scopeSpans": [{"spans": [span, {**span, "spanId": ""}]}]}]}),
                ("logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}),
                ("metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [point]}}]}]}]})):
            status, text = self.ask("POST", f"/v1/{path}", json.dumps(body), {"Content-Type": "application/json"})
            assert status == 200, text
        await_("the trace is assembled", lambda: span["traceId"] in self.ask("GET", "/api/v1/traces")[1])
        trace = f"/api/v1/traces/{span['traceId']}"
        for target in (trace, trace + "/context", trace + "/similar", "/api/v1/services", "/api/v1/services/x/operations",
                       "/api/v1/patterns", "/api/v1/errors", "/api/v1/logs?q=failed", "/api/v1/metrics/names",
                       "/api/v1/metrics/query?name=m", "/api/v1/stats", "/readyz"):
            assert self.ask("GET", target)[0] == 200, target
        assert self.ask("GET", "/api/v1/logs?limit=x")[0] == 400
        assert self.ask("GET", "/nowhere")[0] == 404


class Prometheus:
    """With the rules of docker/prometheus, every second."""

    def __init__(self, binary, target):
        self.folder = tempfile.TemporaryDirectory(prefix="tracekin-prometheus-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % probe.getsockname()[1]
        config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                  "rule_files": [str(RULES / name) for name in ("recording.yml", "alerts.yml")],
                  "scrape_configs": [{"job_name": "tracekin", "static_configs": [{"targets": [target]}]}]}
        path = pathlib.Path(self.folder.name)
        (path / "prometheus.yml").write_text(yaml.safe_dump(config))
        with open(path / "log", "wb") as log:
            self.process = subprocess.Popen(
                [binary, f"--config.file={path}/prometheus.yml", f"--storage.tsdb.path={path}/data", f"--web.listen-address={self.address}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        await_("Prometheus is ready", self.is_ready)

    def is_ready(self):
        assert self.process.poll() is None, (pathlib.Path(self.folder.name) / "log").read_text()
        try:
            return urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=REPLY_S).status == 200
        except OSError:
            return False

    def api(self, path, **parameters):
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=REPLY_S) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as e:
            raise AssertionError(f"{path} {parameters}: {e.read().decode()}") from e

    def query(self, expression):
        """The series that an expression gives now."""
        return self.api("query", query=expression)["result"]


def setUpModule():
    global service, prometheus
    service = Service(sys.argv[1])
    unittest.addModuleCleanup(lambda: end(service.process))
    prometheus = Prometheus(os.environ["PROMETHEUS"], service.address)
    unittest.addModuleCleanup(lambda: end(prometheus.process))
    service.exercise()


# --- the expressions of the dashboard

def expressions():
    """(title, expression) of every query in the dashboard; its variables stand for everything."""
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"].replace("$job", ".*").replace("$instance", ".*")
    for variable in dashboard["templating"]["list"]:
        found = re.fullmatch(r"label_values\((.*), \w+\)", variable.get("definition", ""))
        if found:
            yield variable["name"], found[1].replace("$job", ".*")


def names_in(expression):
    """The metrics that an expression reads: every identifier that is no function, keyword, label or unit."""
    bare = re.sub(r'\{[^}]*\}|\[[^\]]*\]|\b(by|without|on|ignoring)\s*\([^)]*\)', " ", expression)
    found = re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\w)(?!\s*\()", bare)
    return set(found) - {"and", "or", "unless", "bool", "offset"}


def known_names():
    exposed = re.findall(r"^(\w+)[{ ]", service.metrics(TEXT), flags=re.M)
    recorded = [rule["record"] for group in yaml.safe_load((RULES / "recording.yml").read_text())["groups"] for rule in group["rules"]]
    return set(exposed) | set(recorded) | {"up"}


class Exposition(unittest.TestCase):
    def test_promtool_has_nothing_to_say(self):
        for accept in (TEXT, "*/*"):
            checked = subprocess.run([os.environ["PROMTOOL"], "check", "metrics"], input=service.metrics(accept),
                                     capture_output=True, text=True, timeout=REPLY_S, check=False)
            self.assertEqual((0, ""), (checked.returncode, checked.stdout + checked.stderr))

    def test_both_formats_hold_the_same_series(self):
        def series(text):
            return {line.rsplit(" ", 1)[0] for line in text.splitlines() if line and not line.startswith("#")}
        openmetrics = service.metrics(OPENMETRICS)
        self.assertTrue(openmetrics.endswith("# EOF\n"))
        self.assertEqual(series(service.metrics(TEXT)), series(openmetrics))

    def test_labels_are_bounded(self):
        """None of what clients send is in a label, so that their number is that of routes, queries, indexes."""
        for telltale in ("nowhere", "5b8efff798038103d269b633813fc60c", "failed"):
            self.assertNotIn(telltale, re.sub(r"^#.*\n", "", service.metrics(TEXT), flags=re.M))


class Scrape(unittest.TestCase):
    def test_is_up(self):
        await_("up is 1", lambda: [s for s in prometheus.query('up{job="tracekin"} == 1') if s["metric"]["instance"] == service.address])
        (target,) = prometheus.api("targets")["activeTargets"]
        self.assertEqual(("up", ""), (target["health"], target["lastError"]))

    def test_has_what_happened(self):
        for expression in (
                'tracekin_http_requests_total{route="/api/v1/errors",code="200"} >= 1',
                'tracekin_http_requests_total{route="none",code="404"} >= 1',
                'tracekin_db_query_duration_seconds_count{query="find_similar_traces"} >= 1',
                'tracekin_ingest_items_total{signal="logs",result="stored"} == 1',
                'tracekin_otlp_rejected_items_total{signal="traces"} == 1',
                'tracekin_index_size_bytes{index="ix_traces_attributes",type="gin"} > 0',
                'tracekin_assembler_traces_total >= 1',
                'sum(tracekin_db_connections{state="idle"}) > 0',
                'process_resident_memory_bytes > 1e6',
                'tracekin_queue_wait_seconds_bucket{lane="search",le="+Inf"} >= 1'):
            await_(expression, lambda e=expression: prometheus.query(e))

    def test_types_and_help_arrive(self):
        metadata = prometheus.api("metadata")
        # Prometheus asks for OpenMetrics, where a counter's family has no _total.
        for name, kind in (("tracekin_http_requests", "counter"), ("tracekin_ingest_batch_items", "histogram"), ("tracekin_queue_depth", "gauge")):
            self.assertEqual(kind, metadata[name][0]["type"])
            self.assertTrue(metadata[name][0]["help"])

    def test_rules_evaluate(self):
        def all_ok():
            rules = [rule for group in prometheus.api("rules")["groups"] for rule in group["rules"]]
            wrong = [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] == "err"]
            self.assertEqual([], wrong)
            return all(rule["health"] == "ok" for rule in rules)
        await_("each rule has been evaluated", all_ok)

    def test_every_recording_rule_gives_series(self):
        for group in yaml.safe_load((RULES / "recording.yml").read_text())["groups"]:
            for rule in group["rules"]:
                await_(rule["record"], lambda name=rule["record"]: prometheus.query(name))


class Dashboard(unittest.TestCase):
    def test_every_expression_names_metrics_that_exist(self):
        known = known_names()
        for title, expression in expressions():
            with self.subTest(title, expression=expression):
                names = names_in(expression)
                self.assertTrue(names)
                self.assertEqual(set(), names - known)

    def test_prometheus_answers_every_expression(self):
        for title, expression in expressions():
            with self.subTest(title, expression=expression):
                await_(expression, lambda e=expression: prometheus.query(e))

    def test_a_name_that_is_not_there_is_found_out(self):
        self.assertEqual({"tracekin_a_total", "b"}, names_in('sum by (x) (rate(tracekin_a_total{y=~"$z"}[5m])) / on (c) b > bool 0'))


if __name__ == "__main__":
    if "PROMETHEUS" not in os.environ:
        print("PROMETHEUS names no Prometheus; ./dev test sets it", file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1], verbosity=2)
