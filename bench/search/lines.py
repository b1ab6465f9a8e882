#!/usr/bin/env python3
"""Prints a day (2023-01-29) of log lines of an invented shop as OTLP/JSON requests of 500: lines.py LINES.

What is called rare is in the oldest hundredth only: the word "quotaexceeded" and the volume vol-7f3a91c2b4d5e6 in five lines,
level error in five, the service "reaper" in five. The word "legacygateway" is in every line of the older half, "request" in all.
"""
import json
import random
import sys

DAY_NS, START_NS, BATCH = 86400 * 10**9, 1674950400 * 10**9, 500
SERVICES = [f"{name}-service" for name in (
    "cart order payment search user stock price mail auth route train ticket food config admin basic travel seat notify report").split()]
DOES = ["query by id", "update inventory", "render page", "refresh token", "publish event", "load configuration", "list items"]


def line(rng, i, n):
    time_ns = START_NS + i * DAY_NS // n
    is_rare = i < n // 100 and i % max(1, n // 500) == 0
    body = (f"{time_ns // 10**9 % 86400} INFO [http-nio-{rng.randrange(64)}] request {rng.getrandbits(128):032x} "
            f"[{rng.choice(DOES)}] order {rng.randrange(10**6)} customer c{rng.randrange(5000)} took {rng.randrange(900)} ms")
    if i < n // 2:
        body += " via legacygateway"
    if is_rare:
        body += " quotaexceeded on volume vol-7f3a91c2b4d5e6"
    return "reaper" if is_rare else rng.choice(SERVICES), {
        "timeUnixNano": str(time_ns), "severityNumber": 17 if is_rare else 9, "body": {"stringValue": body},
        "traceId": f"{rng.getrandbits(128):032x}", "spanId": f"{rng.getrandbits(64):016x}",
        "attributes": [{"key": "thread", "value": {"intValue": str(i % 64)}}]}


def request(lines):
    by_service = {}
    for service, record in lines:
        by_service.setdefault(service, []).append(record)
    return {"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeLogs": [{"logRecords": records}]} for service, records in by_service.items()]}


def main():
    n, rng = int(sys.argv[1]), random.Random(1)
    for begin in range(0, n, BATCH):
        batch = request(line(rng, i, n) for i in range(begin, min(n, begin + BATCH)))
        sys.stdout.write(json.dumps(batch, separators=(",", ":")) + "\n")


main()
