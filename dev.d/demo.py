#!/usr/bin/env python3
"""Prints an hour of an invented shop as OTLP/JSON lines, ending now: demo.py SEED.

Three services (storefront, orders, payments), 36 traces, a log record for most spans, a few errors of
two kinds (a declined card, a database that times out), and metrics whose exemplars name the traces.
The same seed gives the same ids, so that documents can name them; only the times differ.
"""
import json
import random
import sys
import time

HOUR_NS = 3_600_000_000_000
MS_NS = 1_000_000
SERVER, CLIENT = 2, 3
OK, ERROR = 1, 2
INFO, WARN, SEVERE = (9, "INFO"), (13, "WARN"), (17, "ERROR")
BOUNDS_MS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500]
SERVICES = {"storefront": "2.4.0", "orders": "1.9.3", "payments": "0.8.1"}


def value(v):
    if isinstance(v, bool):
        return {"boolValue": v}
    if isinstance(v, int):
        return {"intValue": str(v)}
    if isinstance(v, float):
        return {"doubleValue": v}
    return {"stringValue": v}


def attributes(pairs):
    return [{"key": k, "value": value(v)} for k, v in pairs.items()]


class Shop:
    """Collects spans, logs and metric points per service."""

    def __init__(self, rng):
        self.rng = rng
        self.spans = {name: [] for name in SERVICES}
        self.logs = {name: [] for name in SERVICES}
        self.served = {name: [] for name in SERVICES}

    def id(self, n_bytes):
        return self.rng.randbytes(n_bytes).hex()

    def span(self, trace, service, name, kind, parent, start_ns, ms, attrs, error=None):
        span_id = self.id(8)
        span = {
            "traceId": trace, "spanId": span_id, "name": name, "kind": kind,
            "startTimeUnixNano": str(start_ns), "endTimeUnixNano": str(start_ns + int(ms * MS_NS)),
            "attributes": attributes(attrs), "status": {"code": OK},
        }
        if parent:
            span["parentSpanId"] = parent
        if error:
            kind_of_error, message = error
            span["status"] = {"code": ERROR, "message": message}
            span["events"] = [{
                "name": "exception", "timeUnixNano": str(start_ns + int(ms * MS_NS)),
                "attributes": attributes({"exception.type": kind_of_error, "exception.message": message}),
            }]
        self.spans[service].append(span)
        if kind == SERVER:
            self.served[service].append((start_ns + int(ms * MS_NS), ms, trace, span_id))
        return span_id

    def log(self, service, time_ns, severity, body, trace, span_id, **attrs):
        number, text = severity
        self.logs[service].append({
            "timeUnixNano": str(time_ns), "observedTimeUnixNano": str(time_ns + MS_NS), "severityNumber": number,
            "severityText": text, "body": value(body), "attributes": attributes(attrs), "traceId": trace, "spanId": span_id,
        })

    def browse(self, at_ns):
        trace, item = self.id(16), self.rng.randrange(1, 400)
        ms = self.rng.uniform(4, 30)
        root = self.span(trace, "storefront", "GET /items/{id}", SERVER, None, at_ns, ms,
                         {"http.request.method": "GET", "http.route": "/items/{id}", "http.response.status_code": 200})
        self.span(trace, "storefront", "SELECT items", CLIENT, root, at_ns + MS_NS, ms * 0.6,
                  {"db.system": "postgresql", "db.operation.name": "SELECT"})
        self.log("storefront", at_ns + 2 * MS_NS, INFO, f"item {item} shown", trace, root, item=item)

    def checkout(self, at_ns, failure):
        trace, order = self.id(16), self.rng.randrange(10_000, 99_999)
        card_ms = self.rng.uniform(40, 180)
        db_ms = 3000.0 if failure == "timeout" else self.rng.uniform(3, 20)
        total_ms = card_ms + db_ms + 12
        why = {None: None,
               "declined": ("CardDeclined", "card declined by issuer: insufficient funds"),
               "timeout": ("DatabaseTimeout", "timeout after 3000 ms waiting for table orders")}[failure]
        status = {None: 201, "declined": 402, "timeout": 504}[failure]
        root = self.span(trace, "storefront", "POST /checkout", SERVER, None, at_ns, total_ms,
                         {"http.request.method": "POST", "http.route": "/checkout", "http.response.status_code": status}, why)
        place = self.span(trace, "orders", "PlaceOrder", SERVER, root, at_ns + 3 * MS_NS, total_ms - 6,
                          {"rpc.system": "grpc", "order.items": self.rng.randrange(1, 6)}, why)
        self.log("orders", at_ns + 4 * MS_NS, INFO, f"order {order} received", trace, place, order=order)
        charge = self.span(trace, "payments", "Charge", SERVER, place, at_ns + 5 * MS_NS, card_ms,
                           {"rpc.system": "grpc", "payment.method": "card"}, why if failure == "declined" else None)
        charged_ns = at_ns + int((5 + card_ms) * MS_NS)
        if failure == "declined":
            self.log("payments", charged_ns, SEVERE, f"charge for order {order} failed: {why[1]}", trace, charge, order=order)
            return
        self.log("payments", charged_ns, INFO, f"order {order} charged", trace, charge, order=order)
        insert = self.span(trace, "orders", "INSERT orders", CLIENT, place, charged_ns + MS_NS, db_ms,
                           {"db.system": "postgresql", "db.operation.name": "INSERT"}, why)
        done_ns = charged_ns + int((1 + db_ms) * MS_NS)
        if failure == "timeout":
            self.log("orders", charged_ns + 1000 * MS_NS, WARN, "waiting for a lock on table orders", trace, insert)
            self.log("orders", done_ns, SEVERE, f"order {order} not stored: {why[1]}", trace, insert, order=order)
        else:
            self.log("orders", done_ns, INFO, f"order {order} stored", trace, insert, order=order)


def resource(service):
    return {"attributes": attributes({"service.name": service, "service.version": SERVICES[service],
                                      "host.name": f"{service}-1", "deployment.environment.name": "demo"})}


SCOPE = {"name": "tracekin.demo", "version": "1.0.0"}


def metrics(served, start_ns, end_ns):
    counts = [0] * (len(BOUNDS_MS) + 1)
    exemplars = []
    for at_ns, ms, trace, span_id in served:
        counts[sum(ms > bound for bound in BOUNDS_MS)] += 1
        exemplars.append({"timeUnixNano": str(at_ns), "asDouble": round(ms, 3), "traceId": trace, "spanId": span_id})
    window = {"startTimeUnixNano": str(start_ns), "timeUnixNano": str(end_ns)}
    return [
        {"name": "http.server.request.duration", "unit": "ms", "description": "how long requests took",
         "histogram": {"aggregationTemporality": 2, "dataPoints": [{
             **window, "count": str(len(served)), "sum": round(sum(s[1] for s in served), 3),
             "explicitBounds": BOUNDS_MS, "bucketCounts": [str(n) for n in counts], "exemplars": exemplars}]}},
        {"name": "requests", "unit": "{request}", "description": "requests served",
         "sum": {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [{**window, "asInt": str(len(served))}]}},
        {"name": "process.memory.usage", "unit": "By", "description": "resident memory",
         "gauge": {"dataPoints": [{"timeUnixNano": str(end_ns), "asInt": str(64 << 20)}]}},
    ]


def main():
    shop = Shop(random.Random(int(sys.argv[1])))
    now_ns = time.time_ns()
    start_ns = now_ns - HOUR_NS
    failures = [None, None, "declined", None, None, "timeout", None, "declined", None, None, None, "timeout"]
    for i in range(36):
        at_ns = start_ns + i * (HOUR_NS - 10_000 * MS_NS) // 36
        if i % 3 == 2:
            shop.checkout(at_ns, failures[i // 3])
        else:
            shop.browse(at_ns)
    for service in SERVICES:
        of, scope = resource(service), SCOPE
        for line in (
            {"resourceSpans": [{"resource": of, "scopeSpans": [{"scope": scope, "spans": shop.spans[service]}]}]},
            {"resourceLogs": [{"resource": of, "scopeLogs": [{"scope": scope, "logRecords": shop.logs[service]}]}]},
            {"resourceMetrics": [{"resource": of, "scopeMetrics": [
                {"scope": scope, "metrics": metrics(shop.served[service], start_ns, now_ns)}]}]},
        ):
            print(json.dumps(line, separators=(",", ":")))


if __name__ == "__main__":
    main()
