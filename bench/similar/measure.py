#!/usr/bin/env python3
"""measure.py: asks a service for traces similar to stored ones, by its index and exactly, and pgbench the same of its database.

Prints rows of a Markdown table. `pgbench` must be a function that bash exports, as bench/similar.sh does.
"""
import argparse
import http.client
import json
import os
import pathlib
import random
import statistics
import subprocess
import time
import urllib.parse

QUERIES, ROUNDS, NEAREST, ROUNDING = 100, 5, 10, 1e-6
# The search of the service, its vector read from a table instead of sent.
SEARCH = """\\set i random(1, {queries})
WITH q AS MATERIALIZED (SELECT trace_id, embedding FROM similar_queries WHERE i = :i),
 nearest AS MATERIALIZED (SELECT t.trace_id, t.embedding <=> (SELECT embedding FROM q) AS distance FROM traces AS t
  WHERE t.embedding_model = 'given' AND t.trace_id <> (SELECT trace_id FROM q) AND t.start_ns >= 0
  ORDER BY {order} LIMIT 10)
SELECT t.trace_id, t.service, t.name, t.start_ns, t.end_ns, t.duration_ms, t.status, t.span_count, t.error_count, t.error_message,
 coalesce(p.services, ARRAY[t.service]), t.attributes, 1 - n.distance FROM nearest AS n JOIN traces AS t USING (trace_id)
 LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id WHERE n.distance <= 1 ORDER BY n.distance;
"""
ORDERS = {"index": "t.embedding <=> (SELECT embedding FROM q)", "exact": "(t.embedding <=> (SELECT embedding FROM q)) + 0"}


class Service:
    def __init__(self, url):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)

    def get(self, path):
        """Returns the answer and how long it took, in milliseconds."""
        began = time.perf_counter()
        self.connection.request("GET", path)
        reply = self.connection.getresponse()
        body = reply.read()
        took_ms = (time.perf_counter() - began) * 1e3
        if reply.status != 200:
            raise SystemExit(f"GET {path}: {reply.status} {body[:500].decode(errors='replace')}")
        return json.loads(body), took_ms

    def similar(self, trace_id, exact):
        return self.get(f"/api/v1/traces/{trace_id}/similar?threshold=0&limit={NEAREST}&exact={str(exact).lower()}")


def shell(command, **environment):
    return subprocess.run(["bash", "-c", command], check=True, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, **environment}).stdout


def psql(database, statement):
    return shell('cluster_client psql "$DATABASE" -XqAt -c "$STATEMENT"', DATABASE=database, STATEMENT=statement)


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def recall(service, trace_ids):
    """The mean share of the exact nearest that are found too, or others as near."""
    shares = []
    for trace_id in trace_ids:
        truth, _ = service.similar(trace_id, True)
        found, _ = service.similar(trace_id, False)
        assert truth["meta"]["exact"]
        least = truth["items"][-1]["similarity"] - ROUNDING
        shares.append(sum(i["similarity"] >= least for i in found["items"]) / len(truth["items"]))
    return statistics.mean(shares), found["meta"]


def ask_service(service, trace_ids, exact, n):
    return [service.similar(random.choice(trace_ids), exact)[1] for _ in range(n)]


def options_of(meta):
    """What the service sets in its sessions."""
    if meta["ef_search"]:
        return f"-c hnsw.ef_search={meta['ef_search']} -c hnsw.iterative_scan=relaxed_order"
    return f"-c ivfflat.probes={meta['probes'] or 1} -c ivfflat.iterative_scan=relaxed_order"


def ask_pgbench(database, work, way, meta, n):
    """The latency of each transaction, in milliseconds, of one client."""
    script, log = pathlib.Path(work, f"{way}.sql"), pathlib.Path(work, "pgbench_log")
    script.write_text(SEARCH.format(queries=QUERIES, order=ORDERS[way]))
    for old in pathlib.Path(work).glob("pgbench_log.*"):
        old.unlink()
    shell(f'pgbench -n -M prepared -c 1 -t {n} -f "$SCRIPT" -l --log-prefix="$LOG" "$DATABASE" >/dev/null', SCRIPT=str(script),
          LOG=str(log), DATABASE=database, PGOPTIONS=options_of(meta) + " -c plan_cache_mode=force_custom_plan")
    (written,) = pathlib.Path(work).glob("pgbench_log.*")
    return [int(line.split()[2]) / 1e3 for line in written.read_text().splitlines()]


def in_turns(a, b):
    """Both, several times in turn; all that each gave."""
    all_a, all_b = [], []
    for _ in range(ROUNDS):
        all_a += a()
        all_b += b()
    return all_a, all_b


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    options.add_argument("--url", required=True)
    options.add_argument("--database", required=True)
    options.add_argument("--work", required=True)
    options.add_argument("--rows", type=int, required=True)
    given = options.parse_args()
    random.seed(1)
    psql(given.database, "DROP TABLE IF EXISTS similar_queries; CREATE TABLE similar_queries AS SELECT row_number() OVER () AS i, *"
         f" FROM (SELECT trace_id, embedding FROM traces ORDER BY trace_id LIMIT {QUERIES}) AS q;"
         " CREATE INDEX ON similar_queries (i); ANALYZE similar_queries")
    trace_ids = psql(given.database, "SELECT encode(trace_id, 'hex') FROM similar_queries").split()
    service = Service(given.url)
    share, meta = recall(service, trace_ids)
    lists = psql(given.database, "SELECT coalesce(max(lists), 0) FROM vector_indexes").strip()
    n_exact = max(3, 2_000_000 // given.rows)
    by_index, sql_index = in_turns(lambda: ask_service(service, trace_ids, False, 100),
                                   lambda: ask_pgbench(given.database, given.work, "index", meta, 100))
    exact, sql_exact = in_turns(lambda: ask_service(service, trace_ids, True, min(50, n_exact)),
                                lambda: ask_pgbench(given.database, given.work, "exact", meta, min(50, n_exact)))
    print(f"| {given.rows:,} | {lists} | {meta['probes'] or meta['ef_search']} | {share:.3f} | {quantile(by_index, .5):.2f} / {quantile(by_index, .95):.2f}"
          f" | {quantile(sql_index, .5):.2f} / {quantile(sql_index, .95):.2f} | {quantile(exact, .5):.1f}"
          f" | {quantile(sql_exact, .5):.1f} | {quantile(exact, .5) / quantile(sql_exact, .5):.2f} |", flush=True)


if __name__ == "__main__":
    main()
