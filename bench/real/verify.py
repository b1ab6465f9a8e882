#!/usr/bin/env python3
"""verify.py TRACES LOGS [--url URL] [--sql COMMAND] [--samples N]: holds a service that imported the two files to them.

Every answer is compared, whole, with what reading the files line by line gives. COMMAND runs the SQL statement that is
its last argument and prints the bare value; without it nothing is counted by SQL. Prints a Markdown table of the checks,
and ends with 1 when one failed.
"""
import argparse
import collections
import http.client
import json
import random
import shlex
import subprocess
import sys
import time
import urllib.parse

import telemetry

PAGE, REPLY_S, SHOWN = 1000, 60, 3

ERROR_SEARCHES = [
    {"pattern": "%"}, {"pattern": "%No instances available%"}, {"pattern": "[getAllFood]%"},
    {"pattern": "%Order Status Wrong%orderId: ________-____-____-____-____________]"}, {"pattern": "%order status wrong%"},
    {"pattern": "%]"}, {"pattern": "%50\\%%"}, {"q": "ORDER STATUS WRONG"}, {"q": "contactsId"}, {"q": "reGetTrainFood"},
    {"q": "%"}, {"service": "ts-execute-service"}, {"service": "ts-food-service", "q": "failed"},
]
LOG_SEARCHES = [
    {"level": "error"}, {"level": "warn"}, {"level": "info"}, {"q": "failed"}, {"q": "exception"}, {"q": "Order Status"},
    {"q": '"Status Wrong"'}, {"q": "contact*"}, {"q": "contact* -success*"}, {"q": 'order -"get"', "level": "warn"},
    {"q": 'cancel* -"cancel order"'}, {"q": "-info"}, {"q": "null"}, {"q": '"calculate time："'},
    {"q": "trip shanghai -nanjing"}, {"q": "noSuchWordAnywhere"},
    {"contains": "NO INSTANCES"}, {"contains": "100%"}, {"contains": "FDSE_MICRO"}, {"contains": "fdse%micro"}, {"contains": '\\"'},
    {"regex": r"Status (Wrong|Right)"}, {"regex": r"^1[67]:[0-9]{2}:00\.[0-9]+ WARN"}, {"regex": r"ticket.*error.*-[0-9a-f]{12}\]$"},
    {"service": "ts-food-service"}, {"service": "ts-order-service", "level": "warn", "q": "order"},
]


class Service:
    def __init__(self, url):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=REPLY_S)

    def get(self, path, parameters):
        self.connection.request("GET", path + "?" + urllib.parse.urlencode(parameters))
        reply = self.connection.getresponse()
        body = reply.read()
        if reply.status != 200:
            raise SystemExit(f"GET {path} {parameters}: {reply.status} {body[:500].decode(errors='replace')}")
        return json.loads(body)

    def pages(self, path, parameters):
        """All items, page by page."""
        cursor = {}
        while True:
            page = self.get(path, {**parameters, "limit": PAGE, **cursor})
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}


class Report:
    def __init__(self):
        self.failures = []
        print("| What | In the files | Answered | |\n|---|--:|--:|---|")

    def line(self, what, expected, got, is_right, note=""):
        print(f"| {what} | {expected} | {got} | {note or ('equal' if is_right else '**WRONG**')} |", flush=True)
        if not is_right:
            self.failures.append(what)

    def sets(self, what, expected, got):
        """Compares two collections as multisets and tells some of what differs."""
        expected, got = collections.Counter(expected), collections.Counter(got)
        self.line(what, f"{expected.total():,}", f"{got.total():,}", expected == got)
        for name, items in (("missing", expected - got), ("too many", got - expected)):
            for item, n in list(items.items())[:SHOWN]:
                print(f"    {name} ({n} times): {item}", file=sys.stderr)


def check_counts(report, known, sql):
    def count(what, expected, statement):
        got = int(subprocess.run([*shlex.split(sql), statement], check=True, stdout=subprocess.PIPE, text=True).stdout)
        report.line(what, f"{expected:,}", f"{got:,}", got == expected)
    count("distinct spans, by SQL", len(known.spans), "SELECT count(*) FROM spans")
    count("traces, by SQL", len(known.traces), "SELECT count(*) FROM traces")
    count("logs, by SQL", len(known.logs), "SELECT count(*) FROM logs")
    count("errors, by SQL", len(known.errors), "SELECT count(*) FROM errors")
    count("traces counted by their patterns, by SQL", len(known.traces), "SELECT sum(trace_count) FROM patterns")
    count("traces still to be assembled, by SQL", 0, "SELECT count(*) FROM trace_arrivals")
    count("dead letters, by SQL", 0, "SELECT count(*) FROM dead_letters")


def check_traces(report, known, service):
    items = service.pages("/api/v1/traces", known.window())
    expected = [(t, len(spans), min(s.start_ns for s in spans), any(s.status == telemetry.ERROR_STATUS for s in spans))
                for t, spans in known.traces.items()]
    got = [(i["trace_id"], i["span_count"], int(i["start_time_unix_nano"]), i["error_count"] > 0) for i in items]
    report.sets("traces listed: id, spans, start, failed or not", expected, got)
    report.sets("services", {s.service for s in known.spans.values()} | {log.service for log in known.logs},
                [i["name"] for i in service.pages("/api/v1/services", {})])
    names = {s.service for s in known.spans.values()}
    report.sets("operations of all services", {(s.service, s.name, s.kind) for s in known.spans.values()},
                [(n, i["name"], i["kind"]) for n in names
                 for i in service.pages(f"/api/v1/services/{urllib.parse.quote(n, safe='')}/operations", {})])


def check_contexts(report, known, service, trace_ids):
    expected, got = [], []
    for trace_id in trace_ids:
        context = service.get(f"/api/v1/traces/{trace_id}/context", {"log_limit": 10000})
        expected += [(s.trace_id, s.span_id, s.start_ns, s.end_ns, s.service, s.name) for s in known.traces[trace_id]]
        expected += known.logs_of[trace_id]
        got += [(s["trace_id"], s["span_id"], int(s["start_time_unix_nano"]), int(s["end_time_unix_nano"]), s["service"], s["name"])
                for s in context["spans"]]
        got += [log_of(i) for i in context["logs"]]
    report.sets(f"spans and logs in the context of {len(trace_ids)} traces", expected, got)


def log_of(item):
    return telemetry.Log(int(item["time_unix_nano"]), item["trace_id"], item["span_id"], item["service"],
                         item["severity_number"], item["message"])


def check_errors(report, known, service):
    for search in ERROR_SEARCHES:
        tests = []
        if "pattern" in search:
            tests.append(lambda e, matches=telemetry.like(search["pattern"]): matches(e.message))
        if "q" in search:
            tests.append(lambda e: search["q"].lower() in e.message.lower())
        if "service" in search:
            tests.append(lambda e: e.service == search["service"])
        items = service.pages("/api/v1/errors", {**search, **known.window()})
        report.sets(f"errors, `{shown(search)}`",
                    [(e.trace_id, e.span_id, e.message, e.source, e.start_ns, e.service, e.operation)
                     for e in known.errors if all(t(e) for t in tests)],
                    [(i["trace_id"], i["span_id"], i["message"], i["source"], int(i["start_time_unix_nano"]), i["service"],
                      i["name"]) for i in items])


LEVELS = {"info": 9, "warn": 13, "error": 17}


def log_tests(search):
    """One test for each parameter of the search."""
    make = {
        "level": lambda v: lambda log: log.severity >= LEVELS[v],
        "service": lambda v: lambda log: log.service == v,
        "trace_id": lambda v: lambda log: log.trace_id == v,
        "q": lambda v: lambda log, matches=telemetry.query(v): matches(log.message),
        "contains": lambda v: lambda log: v.lower() in log.message.lower(),
        "regex": lambda v: lambda log, found=telemetry.re.compile(v): found.search(log.message),
    }
    return [make[name](value) for name, value in search.items()]


def shown(search):
    return "&".join(f"{k}={v}" for k, v in search.items()).replace("|", "\\|")


def check_logs(report, known, service, trace_ids):
    for search in LOG_SEARCHES + [{"trace_id": t} for t in trace_ids] + [{"trace_id": trace_ids[0], "level": "warn"}]:
        tests = log_tests(search)
        items = list(service.pages("/api/v1/logs", {**search, **known.window()}))
        report.sets(f"logs, `{shown(search)}`", [log for log in known.logs if all(t(log) for t in tests)], map(log_of, items))
        times = [int(i["time_unix_nano"]) for i in items]
        if times != sorted(times, reverse=True):
            report.line(f"logs, `{shown(search)}`, newest first", "sorted", "not sorted", False)


def check_similar(report, known, service, trace_ids, least_share):
    """Of the ten traces nearest to a failed one, how many failed first with the same masked message, where so many did."""
    first = known.first_errors()
    n_of_error = collections.Counter(first.values())
    same = total = 0
    for trace_id in trace_ids:
        items = service.get(f"/api/v1/traces/{trace_id}/similar", {"limit": 10})["items"]
        same += sum(first.get(i["trace_id"]) == first[trace_id] for i in items)
        total += min(len(items), n_of_error[first[trace_id]] - 1)
    share = same / max(total, 1)
    report.line(f"ten most similar of {len(trace_ids)} failed traces: fail with the same error", f"{total:,}", f"{same:,}",
                share >= least_share, f"{share:.1%}")


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    options.add_argument("traces")
    options.add_argument("logs")
    options.add_argument("--url", default="http://127.0.0.1:4318")
    options.add_argument("--sql", help="a command that runs the statement given as its last argument")
    options.add_argument("--samples", type=int, default=200, help="traces whose context and similar traces are looked at")
    options.add_argument("--least-share", type=float, default=0.9, help="of similar traces with the same error")
    given = options.parse_args()
    began = time.monotonic()
    known = telemetry.Telemetry(given.traces, given.logs)
    service, report = Service(given.url), Report()

    def sample(items, n):
        return random.Random(1).sample(sorted(items), min(n, len(items)))
    if given.sql:
        check_counts(report, known, given.sql)
    check_traces(report, known, service)
    check_contexts(report, known, service, sample(known.traces, given.samples))
    check_errors(report, known, service)
    check_logs(report, known, service, sample(known.logs_of, 3))
    check_similar(report, known, service, sample(known.first_errors(), given.samples), given.least_share)
    print(f"\n{len(report.failures)} wrong; took {time.monotonic() - began:.0f} s", file=sys.stderr)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
