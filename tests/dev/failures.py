#!/usr/bin/env python3
"""failures.py: prints traces of an invented railway as OTLP/JSON lines: 6 services, 8 entries, of which half may fail in 12 ways.

Failures of one way differ in numbers, ids and what ran before; several ways differ in one word. What a good embedder brings together.
"""
import json
import random

ENTRIES = ["search trips", "book seat", "pay", "refund", "list orders", "change seat", "print ticket", "check in"]
STEPS = [("trips", "SELECT trips"), ("seats", "reserve seat"), ("orders", "INSERT order"), ("payments", "charge card"),
         ("stations", "GET station"), ("orders", "SELECT order")]
WAYS = [
    ("seats", "seat {n} of coach {n} is taken by order {uuid}"), ("seats", "no seat left on train G{n}"),
    ("payments", "card declined by issuer: insufficient funds"), ("payments", "card declined by issuer: card expired"),
    ("orders", "timeout after {n} ms waiting for table orders"), ("orders", "duplicate key {uuid} in order_number"),
    ("trips", "No instances available for seats-service"), ("trips", "No instances available for stations-service"),
    ("trips", "No instances available for orders-service"), ("stations", "connection to 10.0.{n}.{n}:5432 refused"),
    ("stations", "station {n} is closed"), ("payments", "currency of account {uuid} is not supported"),
]
START_NS, N_TRACES, LINE_TRACES = 1_700_000_000_000_000_000, 1200, 100


def message(rng, text):
    while "{" in text:
        text = text.replace("{n}", str(rng.randrange(1, 250)), 1).replace(
            "{uuid}", f"{rng.getrandbits(32):08x}-{rng.getrandbits(16):04x}-4a{rng.getrandbits(8):02x}-{rng.getrandbits(48):012x}", 1)
    return text


def trace(rng, number):
    """Yields (service, span)."""
    trace_id, root = f"{rng.getrandbits(128):032x}", f"{rng.getrandbits(64):016x}"
    start = START_NS + number * 1_000_000_000
    way = rng.choice(WAYS) if rng.random() < 0.4 else None
    error = message(rng, way[1]) if way else ""
    entry = rng.choice(ENTRIES)
    steps = rng.sample(STEPS, rng.randrange(2, 5))
    if way:
        steps = [s for s in steps if s[0] != way[0]] + [next(s for s in STEPS if s[0] == way[0])]

    def span(name, span_id, parent, at, status):
        return {"traceId": trace_id, "spanId": span_id, "parentSpanId": parent, "name": name, "kind": 2, "startTimeUnixNano": str(start + at),
                "endTimeUnixNano": str(start + at + rng.randrange(1000, 9_000_000)), "status": status, "attributes": []}
    yield "gateway", span(entry, root, "", 0, {})
    for i, (service, name) in enumerate(steps):
        has_failed = way is not None and i == len(steps) - 1
        yield service, span(name, f"{rng.getrandbits(64):016x}", root, 1000 * (i + 1), {"code": 2, "message": error} if has_failed else {})


def main():
    rng = random.Random(7)
    for first in range(0, N_TRACES, LINE_TRACES):
        spans = {}
        for number in range(first, first + LINE_TRACES):
            for service, span in trace(rng, number):
                spans.setdefault(service, []).append(span)
        print(json.dumps({"resourceSpans": [
            {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": s}}]}, "scopeSpans": [{"spans": of_service}]}
            for s, of_service in spans.items()]}))


main()
