"""The endpoints that read, and for each so many different requests of what a store holds, drawn by a seed."""
import json
import random

from . import load, postgres

DAY_NS = 86_400 * 10**9
WITHOUT_DATABASE = ("metrics of the service", "healthz")


def add_options(parser):
    """What bench_measure of bench/lib/begin.sh gives."""
    for name in ("url", "database", "log", "work"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("service", "postgres"):
        parser.add_argument(f"--{name}", type=int, required=True, help="its process")


def asks_database(endpoint):
    return endpoint not in WITHOUT_DATABASE


class Store:
    """What there is to ask for, `n` of each, repeated where there are fewer."""

    def __init__(self, database, n):
        self.database, self.n = database, n
        first, last = (int(ns) for ns in postgres.psql(
            database, "SELECT coalesce(min(start_ns), 0) || ' ' || coalesce(max(start_ns), 0) FROM traces").split())
        if last == 0:
            raise SystemExit("cannot measure: the database holds no traces")
        self.window = f"start={first // 10**9 - 3600}&end={last // 10**9 + 3600}"

    def draw(self, sql):
        found = postgres.psql(self.database, sql).splitlines()
        if not found:
            raise SystemExit(f"cannot measure: nothing in the database for {sql}")
        random.Random(1).shuffle(found)
        return [found[i % len(found)] for i in range(self.n)]


def of_store(database, n, only=()):
    """By the name of the endpoint, n requests of it."""
    store = Store(database, n)
    window = store.window
    traces = store.draw("SELECT encode(trace_id, 'hex') FROM traces ORDER BY md5(encode(trace_id, 'hex')) LIMIT 1000")
    patterns = store.draw("SELECT to_hex(pattern_id) FROM patterns ORDER BY pattern_id LIMIT 1000")
    services = store.draw("SELECT DISTINCT service FROM operations ORDER BY service")
    failing = store.draw("SELECT DISTINCT service FROM errors ORDER BY service")
    logging = store.draw("SELECT DISTINCT service FROM logs ORDER BY service")
    vectors = store.draw("SELECT embedding FROM patterns WHERE embedding IS NOT NULL ORDER BY pattern_id LIMIT 1000")
    metrics = store.draw("SELECT DISTINCT name FROM metrics ORDER BY name") if _has_metrics(database) else []
    common, rare = _words(store)
    paths = {
        "services": ["/api/v1/services"] * n,
        "operations": [f"/api/v1/services/{service}/operations" for service in services],
        "trace": [f"/api/v1/traces/{trace_id}" for trace_id in traces],
        "context": [f"/api/v1/traces/{trace_id}/context" for trace_id in traces],
        "traces": [f"/api/v1/traces?{window}&limit=20&service={service}" for service in services],
        "similar": [f"/api/v1/traces/{trace_id}/similar?threshold=0.1" for trace_id in traces],
        "similar in a window": [f"/api/v1/traces/{trace_id}/similar?threshold=0.1&{window}" for trace_id in traces],
        "errors": [f"/api/v1/errors?{window}&limit=20&service={service}" for service in failing],
        "logs": [f"/api/v1/logs?{window}&limit=20&q={word}" for word in common],
        "logs, a rare word": [f"/api/v1/logs?{window}&limit=20&q={word}" for word in rare],
        "logs of a service": [f"/api/v1/logs?{window}&limit=20&service={service}" for service in logging],
        "patterns": [f"/api/v1/patterns?limit=20&{window}"] * n,
        "pattern": [f"/api/v1/patterns/{int(pattern, 16):016x}" for pattern in patterns],
        "metric names": ["/api/v1/metrics/names"] * n,
        "metric": [f"/api/v1/metrics/query?name={name}&{window}&limit=100" for name in metrics],
        "stats": ["/api/v1/stats"] * n,
        "metrics of the service": ["/metrics"] * n,
        "healthz": ["/healthz"] * n,
    }
    requests = {name: [load.Request(path) for path in asked] for name, asked in paths.items() if asked}
    requests["similar to a vector"] = [load.Request("/api/v1/traces/similar", json.dumps({"embedding": json.loads(v), "limit": 10}))
                                       for v in vectors]
    unknown = set(only) - set(requests)
    if unknown:
        raise SystemExit(f"there is no endpoint {', '.join(sorted(unknown))} here; there are: {', '.join(requests)}")
    return {name: asked for name, asked in requests.items() if not only or name in only}


def _words(store):
    """Of the bodies of logs, n common and n rare ones."""
    sample = ("SELECT word FROM (SELECT lower(unnest(regexp_matches(body, '[a-zA-Z]{5,}', 'g'))) AS word FROM"
              " (SELECT body FROM logs ORDER BY time_ns DESC LIMIT 20000) AS newest) AS w GROUP BY word ORDER BY count(*)")
    return store.draw(f"{sample} DESC, word LIMIT 20"), store.draw(f"{sample}, word LIMIT 20")


def _has_metrics(database):
    return postgres.psql(database, "SELECT EXISTS (SELECT FROM metric_points)") == "t"
