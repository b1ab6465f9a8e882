"""What a user would write instead of the service: its three searches and its spans behind FastAPI, SQLAlchemy and asyncpg.

The same paths, parameters and items, on the same tables. DATABASE_URL names the database; peer.sh starts it."""
import base64
import os
import re
import time
from typing import Literal, Optional

import grams
import items
import log_query
import statements
import ujson
from database import Database
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from spans import Spans
from walk import Walk

DAY_NS, FOREVER_NS = 86_400_000_000_000, (1 << 63) - 1
UNITS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": DAY_NS}
SEVERITIES = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
ROUNDING, SHAPES_MAX = 1e-6, 5000



class Reply(JSONResponse):
    def render(self, content):
        return ujson.dumps(content, ensure_ascii=False, escape_forward_slashes=False).encode()


app = FastAPI(openapi_url=None)
database = Database(os.environ["DATABASE_URL"])
# A plan for any values would not use the index over vectors; for the other searches it is as good, and they are spared the planning.
planned_anew = Database(os.environ["DATABASE_URL"], plan_cache_mode="force_custom_plan")
spans = Spans(database)


# --- parameters

def refuse(detail):
    return HTTPException(400, detail)


def instant(value):
    """Digits are an epoch in a unit told by their number, else RFC 3339."""
    if value.isdigit():
        return int(value) * next(unit for digits, unit in ((11, 10**9), (14, 10**6), (17, 10**3), (99, 1)) if len(value) <= digits)
    when = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", value)
    if not when:
        raise refuse("a time is RFC 3339 in UTC or an epoch")
    return int(time.mktime(time.strptime(when[1], "%Y-%m-%dT%H:%M:%S")) - time.timezone) * 10**9 + int((when[2] or "0").ljust(9, "0"))


def window(start, end, since, default_ns):
    is_open = default_ns is None and not since
    last = instant(end) if end else FOREVER_NS if is_open else time.time_ns()
    if since:
        ago = re.fullmatch(r"(\d+)(ms|s|m|h|d)", since)
        if not ago or start:
            raise refuse("since is a duration, such as 15m, and stands for start")
        default_ns = int(ago[1]) * UNITS[ago[2]]
    first = instant(start) if start else 0 if is_open else max(0, last - default_ns)
    return first, last, not start and not since


def cursor_of(row):
    return base64.urlsafe_b64encode(row[0].to_bytes(8, "big") + row[1]).decode()


def after_of(cursor):
    key = base64.urlsafe_b64decode(cursor) if cursor else None
    return key and (int.from_bytes(key[:8], "big"), key[8:])


def identifier(value, n_bytes):
    if value is None:
        return None
    try:
        return bytes.fromhex(value.zfill(2 * n_bytes))
    except ValueError as e:
        raise refuse("an id is hexadecimal digits") from e


def answer(found, limit, began, within, cursor=None, **meta):
    ends = [None if bound in (0, FOREVER_NS) else items.at("t", bound)["t"] for bound in within[:2]]
    return Reply({"items": found, "next_cursor": cursor, "meta": {
        "took_ms": round((time.perf_counter() - began) * 1e3, 3), "limit": limit, "limit_clamped": False,
        "window": {"start": ends[0], "end": ends[1], "is_default": within[2]}, **meta}})


def page(rows, read, limit, began, within, resume=None, **meta):
    """resume: where a search that spent its budget goes on, even when it found nothing."""
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else resume
    return answer([read(row) for row in shown], limit, began, within, last and cursor_of(last), **meta)


# --- similar traces

async def search_similar(connection, way, by_pattern, params):
    """The rows, and the way that found them: an index that gave too few is not trusted, its filters may have hidden the rest."""
    rows = (await connection.execute(statements.SIMILAR[way, by_pattern], params)).all()
    found = [row for row in rows if row[0] is not None]
    n_looked_for = params["limit"] * (statements.PER_PATTERN if by_pattern else 1)
    is_complete = bool(rows) and rows[0][-1] >= n_looked_for and (not by_pattern or len(found) >= params["limit"])
    if way == statements.INDEX and not is_complete:
        return await search_similar(connection, statements.SCAN, by_pattern, params)
    return found, way


async def operations_of(connection, asked, rows):
    if asked is None or not rows:
        return {}
    ids = {asked, *(row[13] for row in rows if row[13] is not None)}
    return dict(tuple(row) for row in await connection.execute(statements.OPERATIONS, {"ids": list(ids)}))


@app.get("/api/v1/traces/{trace_id}/similar")
async def find_similar_traces(
        trace_id: str, threshold: float = Query(0.85, ge=0, le=1), limit: int = Query(10, ge=1, le=200),
        group: Literal["trace", "pattern"] = "trace", service: Optional[str] = None,
        status: Optional[Literal["unset", "ok", "error"]] = None, exact: bool = False,
        start: Optional[str] = None, end: Optional[str] = None, since: Optional[str] = None):
    began, by_pattern, within = time.perf_counter(), group == "pattern", window(start, end, since, None)
    key = identifier(trace_id, 16)
    async with planned_anew.connect() as connection:
        target = (await connection.execute(statements.TARGET, {"trace_id": key})).one()
        embedding, model, pattern_id, message, has_unshaped, n_patterns = target
        if embedding is None:
            raise HTTPException(404, "there is no trace of this id, or it has no embedding")
        has_index = planned_anew.method is not None and not exact
        has_shapes = model != "given" and not has_unshaped
        way = statements.INDEX if has_index else statements.SCAN
        if has_shapes and (not has_index or by_pattern or n_patterns <= SHAPES_MAX):
            way = statements.SHAPES
        rows, way = await search_similar(connection, way, by_pattern, {
            "embedding": embedding, "model": model, "trace_id": key, "status": status, "start": within[0], "end": within[1],
            "service": service, "distance": 1 - threshold + ROUNDING, "limit": limit})
        operations = await operations_of(connection, pattern_id, rows)
    asked = operations.get(pattern_id)
    found = [items.similar(row, by_pattern, items.why(asked, operations.get(row[13]), message, row[9])) for row in rows]
    index = {statements.INDEX: planned_anew.method, statements.SCAN: None}.get(way, way)
    return answer(found, limit, began, within, threshold=threshold, model=model, index=index, exact=way != statements.INDEX)


# --- traces by error

@app.get("/api/v1/errors")
async def get_traces_by_error(
        pattern: Optional[str] = None, q: Optional[str] = None, service: Optional[str] = None, operation: Optional[str] = None,
        type: Optional[str] = None, limit: int = Query(50, ge=1, le=1000), cursor: Optional[str] = None,
        start: Optional[str] = None, end: Optional[str] = None, since: Optional[str] = None):
    began, within, wanted = time.perf_counter(), window(start, end, since, DAY_NS), set()
    for kind, value in ((grams.TAG_SERVICE, service), (grams.TAG_NAME, operation), (grams.TAG_TYPE, type)):
        wanted |= grams.of_tag(kind, value) if value else set()
    wanted |= grams.of_like(pattern) if pattern else set()
    wanted |= grams.of_part(q) if q else set()
    filters = {"service": service, "operation": operation, "type": type, "pattern": pattern, "part": log_query.like_of(q) if q else None}
    statement = statements.ERRORS_OF_SERVICE if service else statements.ERRORS
    async with database.connect() as connection:
        rows = await Walk(connection, "error", statement, filters, within[0], within[1], wanted, limit + 1,
                          after=after_of(cursor)).run()
    return page(rows, items.error, limit, began, within)


# --- log search

def log_filters(q, contains, regex, span_id, severity, service):
    try:
        parts, words, excluded, wanted = log_query.parse(q) if q is not None else ([], [], [], frozenset())
    except ValueError as e:
        raise refuse(str(e)) from e
    wanted = wanted | grams.of_part(contains) if contains else wanted
    if service:
        wanted = wanted | grams.of_tag(grams.TAG_SERVICE_LEVEL + (severity + 3) // 4, service)
    elif severity:
        wanted = wanted | grams.of_tag(grams.TAG_LEVEL + (severity + 3) // 4, "")
    return wanted, {"service": service, "severity": severity, "span_id": span_id, "parts": parts, "words": words,
                    "excluded": excluded, "part": log_query.like_of(contains) if contains else None, "regex": regex}


@app.get("/api/v1/logs")
async def search_logs(
        q: Optional[str] = None, contains: Optional[str] = None, regex: Optional[str] = None, trace_id: Optional[str] = None,
        span_id: Optional[str] = None, level: Optional[str] = None, service: Optional[str] = None,
        order: Literal["desc", "asc"] = "desc", limit: int = Query(100, ge=1, le=1000), cursor: Optional[str] = None,
        start: Optional[str] = None, end: Optional[str] = None, since: Optional[str] = None):
    began, within = time.perf_counter(), window(start, end, since, None if trace_id else DAY_NS)
    severity = int(level) if level and level.isdigit() else SEVERITIES.get((level or "").lower(), 0)
    wanted, filters = log_filters(q, contains, regex, identifier(span_id, 8), severity, service)
    async with database.connect() as connection:
        walk = Walk(connection, "log", statements.LOGS[order == "asc"], filters, within[0], within[1], wanted, limit + 1,
                    oldest_first=order == "asc", after=after_of(cursor))
        if trace_id:
            rows = (await connection.execute(statements.LOGS_OF_TRACE[order == "asc"], {
                **filters, **walk.bounds(*within[:2]), "trace_id": identifier(trace_id, 16), "limit": limit + 1})).all()
        else:
            rows = await walk.run()
    is_spent = not trace_id and walk.budget <= 0 and len(rows) <= limit
    return page(rows, items.log, limit, began, within, walk.after if is_spent else None, budget_spent=is_spent)


# --- spans

@app.post("/v1/traces")
async def export_traces(request: Request):
    try:
        await spans.store(ujson.loads(await request.body()))
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise refuse("the body is not OTLP/JSON") from e
    return Reply({})


@app.get("/readyz")
async def ready():
    async with database.connect() as connection:
        await connection.exec_driver_sql("SELECT 1")
    return Reply({"status": "ok"})
