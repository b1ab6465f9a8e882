"""Rows as the items of the service's lists (api/json/items.c, api/endpoint/why.c)."""
import re
import time
from functools import lru_cache

LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
NAMED_MAX = 10
NUMBERS = re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b[0-9a-f]{16,}\b|\d+(?:\.\d+)*", re.IGNORECASE)


@lru_cache(maxsize=65536)
def _second(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def at(name, ns):
    seconds, rest = divmod(ns, 1_000_000_000)
    fraction = f".{rest:09d}" if rest % 1000 else f".{rest // 1000:06d}" if rest % 10**6 else f".{rest // 10**6:03d}" if rest else ""
    return {name: f"{_second(seconds)}{fraction}Z", f"{name}_unix_nano": str(ns)}


def _hex(value):
    return None if value is None else value.hex()


def error(row):
    start, _, trace_id, span_id, service, name, kind, message, source, duration = row
    return {"trace_id": _hex(trace_id), "span_id": _hex(span_id), "service": service, "name": name, "type": kind,
            "message": message, "source": source, **at("start_time", start), "duration_ms": duration}


def log(row):
    when, _, trace_id, span_id, severity, severity_text, event_name, service, body, body_json, attributes, resource = row
    return {**at("time", when), "level": LEVELS[(severity - 1) // 4] if severity else "unspecified", "severity_number": severity,
            "severity_text": severity_text, "service": service, "message": body, "body": body_json,
            "event_name": event_name, "trace_id": _hex(trace_id), "span_id": _hex(span_id), "attributes": attributes,
            "resource": resource}


def similar(row, by_pattern, why):
    (trace_id, service, name, start, end, duration, status, n_spans, n_errors, message, services, attributes, similarity,
     pattern_id, trace_count, error_count, first_seen, last_seen, _) = row
    item = {"similarity": similarity, "trace_id": trace_id.hex(), "service": service, "name": name, **at("start_time", start),
            **at("end_time", end), "duration_ms": duration, "status": status, "span_count": n_spans, "error_count": n_errors,
            "services": services, "error_message": message, "attributes": attributes,
            "pattern_id": None if pattern_id is None else f"{pattern_id & (1 << 64) - 1:016x}"}
    if by_pattern:
        item.update(trace_count=trace_count, pattern_error_count=error_count, **at("first_seen", first_seen),
                    **at("last_seen", last_seen))
    item["why"] = why
    return item


def _named(operations):
    pairs = (operation.split("\x1f", 1) for operation in operations[:NAMED_MAX])
    return {"items": [{"service": service, "name": name} for service, name in pairs], "count": len(operations)}


@lru_cache(maxsize=4096)
def _masked(message):
    return NUMBERS.sub("<n>", message.strip())


def why(asked, found, asked_error, error_message):
    """What two traces share: their operations in order, when both are known, and the error, but for its numbers and ids."""
    shared = None
    if asked_error and error_message:
        a, b = _masked(asked_error), _masked(error_message)
        shared = error_message if a in b or b in a else None
    if asked is None or found is None:
        return shared and {"shared_operations": None, "only_in_query": None, "only_in_this": None, "shared_error": shared}
    here, there = set(asked), set(found)
    return {"shared_operations": _named([o for o in asked if o in there]), "only_in_query": _named([o for o in asked if o not in there]),
            "only_in_this": _named([o for o in found if o not in here]), "shared_error": shared}
