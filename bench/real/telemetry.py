"""OTLP/JSON lines read one by one, with nothing of the service: what verify.py holds its answers against."""
import collections
import contextlib
import json
import re
import subprocess

ERROR_STATUS, ERROR_SEVERITY = 2, 17

Span = collections.namedtuple("Span", "trace_id span_id start_ns end_ns service name kind status message")
Log = collections.namedtuple("Log", "time_ns trace_id span_id service severity message")
Error = collections.namedtuple("Error", "trace_id span_id message source start_ns service operation")

KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"]


@contextlib.contextmanager
def lines(path):
    """The lines of a plain file, or of one compressed by gzip or xz."""
    command = {"gz": ["gzip", "-dc"], "xz": ["xz", "-dc"]}.get(path.rsplit(".", 1)[-1], ["cat"])
    with subprocess.Popen([*command, path], stdout=subprocess.PIPE) as process:
        yield process.stdout
        process.stdout.read()
    if process.returncode != 0:
        raise SystemExit(f"{path} cannot be read")


def service_of(resource):
    return next((a["value"]["stringValue"] for a in resource["attributes"] if a["key"] == "service.name"), "unknown_service")


def read_spans(path):
    """Every span of every line, repeats too."""
    with lines(path) as source:
        for line in source:
            for of_resource in json.loads(line)["resourceSpans"]:
                service = service_of(of_resource["resource"])
                for of_scope in of_resource["scopeSpans"]:
                    for s in of_scope["spans"]:
                        yield Span(s["traceId"], s["spanId"], int(s["startTimeUnixNano"]), int(s["endTimeUnixNano"]), service,
                                   s["name"], KINDS[s["kind"]], s["status"].get("code", 0), s["status"].get("message", ""))


def read_logs(path):
    with lines(path) as source:
        for line in source:
            for of_resource in json.loads(line)["resourceLogs"]:
                service = service_of(of_resource["resource"])
                for of_scope in of_resource["scopeLogs"]:
                    for r in of_scope["logRecords"]:
                        yield Log(int(r["timeUnixNano"]), r["traceId"], r["spanId"], service, r["severityNumber"],
                                  r["body"]["stringValue"])


class Telemetry:
    """Both files in memory, spans once each."""

    def __init__(self, traces_path, logs_path):
        self.n_span_lines = 0
        self.spans = {}
        for span in read_spans(traces_path):
            self.n_span_lines += 1
            self.spans.setdefault((span.trace_id, span.span_id, span.start_ns), span)
        self.logs = list(read_logs(logs_path))
        self.traces = collections.defaultdict(list)
        for span in self.spans.values():
            self.traces[span.trace_id].append(span)
        self.logs_of = collections.defaultdict(list)
        for log in self.logs:
            self.logs_of[log.trace_id].append(log)
        self.errors = self.find_errors()

    def find_errors(self):
        """One for the status of each failed span, and one for each error log of a span that says something else."""
        by_span = {(s.trace_id, s.span_id): s for s in self.spans.values()}
        errors = {(k, s.message): Error(*k, s.message, "span_status", s.start_ns, s.service, s.name)
                  for k, s in by_span.items() if s.status == ERROR_STATUS}
        for log in self.logs:
            key = (log.trace_id, log.span_id)
            span = by_span.get(key)
            if log.severity < ERROR_SEVERITY or (span and span.status == ERROR_STATUS and span.message in log.message):
                continue
            errors[key, log.message] = Error(*key, log.message, "log", span.start_ns if span else log.time_ns,
                                             span.service if span else log.service, span.name if span else "")
        return list(errors.values())

    def window(self):
        """From the first start to after the last, as parameters."""
        times = [s.start_ns for s in self.spans.values()] + [log.time_ns for log in self.logs]
        return {"start": str(min(times)), "end": str(max(times) + 1)}

    def first_errors(self):
        """The masked message of the first failed span of each trace that failed."""
        failed = collections.defaultdict(list)
        for span in self.spans.values():
            if span.status == ERROR_STATUS:
                failed[span.trace_id].append((span.start_ns, span.span_id, mask(span.message)))
        return {trace_id: min(of_trace)[2] for trace_id, of_trace in failed.items()}


def mask(message):
    """The message without what differs between two occurrences: digits, and hexadecimal ids around them."""
    return re.sub(r"\b[0-9a-f]*\d[0-9a-f-]*\b", "#", message)


# --- what matches, as a reader of the contract would program it

def like(pattern):
    """SQL LIKE: % any text, _ any character, a backslash takes the next as it is."""
    out = re.sub(r"\\(.)|(%)|(_)|(.)", lambda m: ".*" if m[2] else "." if m[3] else re.escape(m[1] or m[4]), pattern, flags=re.S)
    return re.compile(out, re.S).fullmatch


def term(text):
    """One word, word*, or "phrase" of q."""
    if text.startswith('"'):
        return re.compile(re.escape(text.strip('"')), re.I).search
    prefix = text.endswith("*")
    return re.compile(r"(?<!\w)" + re.escape(text.rstrip("*")) + ("" if prefix else r"(?!\w)"), re.I).search


def query(q):
    terms = re.findall(r'(-?)("[^"]*"|\S+)', q)
    wanted = [term(t) for minus, t in terms if not minus]
    excluded = [term(t) for minus, t in terms if minus]
    return lambda message: all(w(message) for w in wanted) and not any(x(message) for x in excluded)
