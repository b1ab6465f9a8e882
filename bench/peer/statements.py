"""The service's SQL (db/vector/similar_statements.c, db/question/get_traces_by_error.c, db/question/search_logs.c, db/chunk/chunk_find.c), with names for its $n."""
from sqlalchemy import text

# --- similar traces

SUMMARY = ("t.trace_id, t.service, t.name, t.start_ns, t.end_ns, t.duration_ms, t.status, t.span_count, t.error_count,"
           " t.error_message, coalesce(p.services, ARRAY[t.service]), t.attributes")
PER_PATTERN = 50
SHAPES, INDEX, SCAN = "patterns", "index", "scan"

TARGET = text("""
SELECT v.embedding, v.embedding_model, v.pattern_id, v.error_message,
 EXISTS (SELECT FROM traces WHERE pattern_id IS NULL AND embedding IS NOT NULL AND embedding_model = v.embedding_model),
 (SELECT reltuples::bigint FROM pg_class WHERE oid = 'patterns'::regclass)
FROM (SELECT t.pattern_id, t.error_message, CASE WHEN is_of_pattern THEN p.embedding ELSE t.embedding END AS embedding,
  CASE WHEN is_of_pattern THEN p.embedding_model ELSE t.embedding_model END AS embedding_model
 FROM (SELECT 1) AS one LEFT JOIN traces AS t ON t.trace_id = :trace_id LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id
 CROSS JOIN LATERAL (SELECT p.embedding IS NOT NULL AND t.embedding_model IS DISTINCT FROM 'given' AS is_of_pattern) AS o) AS v""")

OPERATIONS = text("SELECT pattern_id, operations FROM patterns WHERE pattern_id = ANY(CAST(:ids AS bigint[]))")


def _columns(distance):
    return (SUMMARY + f", least(1, 1 - {distance}), t.pattern_id, coalesce(p.trace_count, 1),"
            " coalesce(p.error_count, (t.status = 'error')::int::bigint),"
            " coalesce(p.first_seen_ns, t.start_ns), coalesce(p.last_seen_ns, t.start_ns)")


_FILTERS = ("t.trace_id <> :trace_id AND (CAST(:status AS text) IS NULL OR t.status = :status)"
            " AND t.start_ns >= :start AND t.start_ns < :end")


def _of_shapes(each):
    return text(f"""
WITH shapes AS MATERIALIZED (SELECT pattern_id, embedding <=> CAST(:embedding AS vector) AS distance FROM patterns
 WHERE embedding_model = :model AND last_seen_ns >= :start AND first_seen_ns < :end
 AND (CAST(:service AS text) IS NULL OR services @> ARRAY[CAST(:service AS text)])
 AND (CAST(:status AS text) IS NULL
  OR CASE CAST(:status AS text) WHEN 'error' THEN error_count > 0 ELSE error_count < trace_count END))
SELECT {_columns('t.distance')}, 0::bigint FROM (SELECT t.*, s.distance
 FROM (SELECT * FROM shapes WHERE distance <= :distance ORDER BY distance, pattern_id OFFSET 0) AS s
 CROSS JOIN LATERAL (SELECT * FROM traces AS t WHERE t.pattern_id = s.pattern_id
  AND t.embedding_model IS DISTINCT FROM 'given' AND {_FILTERS}
  ORDER BY t.pattern_id, t.start_ns DESC, t.trace_id LIMIT {each}) AS t LIMIT :limit) AS t
 LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id
 ORDER BY t.distance, t.pattern_id, t.start_ns DESC, t.trace_id""")


def _nearest(order, limit):
    return f"""
WITH nearest AS MATERIALIZED (SELECT t.trace_id, t.embedding <=> CAST(:embedding AS vector) AS distance FROM traces AS t
 WHERE t.embedding_model = :model AND {_FILTERS} AND (CAST(:service AS text) IS NULL OR t.service = :service
  OR t.pattern_id IN (SELECT pattern_id FROM patterns WHERE services @> ARRAY[CAST(:service AS text)]))
 ORDER BY {order} {limit}),
found AS (SELECT count(*) AS n FROM nearest)"""


def _of_traces(order):
    return text(_nearest(order, "LIMIT :limit") + f"""
SELECT {_columns('n.distance')}, f.n FROM found AS f LEFT JOIN (nearest AS n JOIN traces AS t ON t.trace_id = n.trace_id
 LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id) ON n.distance <= :distance
 ORDER BY n.distance, t.start_ns DESC, t.trace_id""")


def _of_patterns(order, limit):
    of = "coalesce(t.pattern_id::text, encode(t.trace_id, 'hex'))"
    return text(_nearest(order, limit) + f""",
one AS (SELECT DISTINCT ON ({of}) n.trace_id, n.distance FROM nearest AS n JOIN traces AS t ON t.trace_id = n.trace_id
 WHERE n.distance <= :distance ORDER BY {of}, n.distance, t.start_ns DESC)
SELECT {_columns('n.distance')}, f.n FROM found AS f LEFT JOIN (one AS n JOIN traces AS t ON t.trace_id = n.trace_id
 LEFT JOIN patterns AS p ON p.pattern_id = t.pattern_id) ON true
 ORDER BY n.distance, t.start_ns DESC, t.trace_id LIMIT :limit""")


_BY_INDEX = "t.embedding <=> CAST(:embedding AS vector)"
_BY_SCAN = f"({_BY_INDEX}) + 0, t.start_ns DESC, t.trace_id"
# By way and whether patterns are wanted.
SIMILAR = {
    (SHAPES, False): _of_shapes(":limit"),
    (SHAPES, True): _of_shapes("1"),
    (INDEX, False): _of_traces(_BY_INDEX),
    (INDEX, True): _of_patterns(_BY_INDEX, f"LIMIT :limit * {PER_PATTERN}"),
    (SCAN, False): _of_traces(_BY_SCAN),
    (SCAN, True): _of_patterns(_BY_SCAN, ""),
}

# --- searches in the order of time (db/question/walk.h)


def _examine(rows, order, is_match):
    return (f"(SELECT l.*, {is_match} AS is_match FROM (SELECT l.*, row_number() OVER w AS n, lead(true) OVER w IS NULL AS is_last"
            f" FROM {rows} AS l WINDOW w AS (ORDER BY {order})) AS l WHERE ({is_match}) OR is_last ORDER BY {order} LIMIT :limit)")


_NEWEST_ERROR = "start_ns DESC, error_id DESC"


def _errors(of_service):
    return text("SELECT start_ns, error_id, trace_id, span_id, service, name, type, message, source, duration_ms, l.is_match, l.n,"
                " l.is_last FROM " + _examine(
                    f"(SELECT * FROM errors WHERE {of_service}(start_ns, error_id) > (:low_ns, :low_id)"
                    f" AND (start_ns, error_id) < (:high_ns, :high_id) ORDER BY {_NEWEST_ERROR} LIMIT :n_rows)", _NEWEST_ERROR,
                    "(CAST(:service AS text) IS NULL OR l.service = :service) AND (CAST(:operation AS text) IS NULL OR"
                    " l.name = :operation) AND (CAST(:type AS text) IS NULL OR l.type = :type)"
                    " AND (CAST(:pattern AS text) IS NULL OR l.message LIKE :pattern)"
                    " AND (CAST(:part AS text) IS NULL OR l.message ILIKE :part)")
                + f" AS l ORDER BY {_NEWEST_ERROR}")


ERRORS, ERRORS_OF_SERVICE = _errors(""), _errors("service = :service AND ")

_LOG = ("SELECT l.time_ns, l.log_id, l.trace_id, l.span_id, l.severity, l.severity_text, l.event_name, l.service, l.body,"
        " l.body_json, l.attributes, r.attributes")
_LOG_RANGE = ("time >= :low_time AND time <= :high_time AND (time, time_ns, log_id) > (:low_time, :low_ns, :low_id)"
              " AND (time, time_ns, log_id) < (:high_time, :high_ns, :high_id)")
_LOG_FILTERS = ("(CAST(:service AS text) IS NULL OR l.service = :service) AND l.severity >= :severity"
                " AND (CAST(:span_id AS bytea) IS NULL OR l.span_id = :span_id) AND l.body ILIKE ALL(CAST(:parts AS text[]))"
                " AND (CAST(:part AS text) IS NULL OR l.body ILIKE :part) AND l.body ~* ALL(CAST(:words AS text[]))"
                " AND NOT l.body ~* ANY(CAST(:excluded AS text[])) AND (CAST(:regex AS text) IS NULL OR l.body ~ :regex)")
_LOG_JOIN = " LEFT JOIN resources AS r ON r.resource_id = l.resource_id"
_LOG_ORDERS = ("time DESC, time_ns DESC, log_id DESC", "time, time_ns, log_id")


def _logs(order):
    rows = f"(SELECT * FROM logs WHERE {_LOG_RANGE} ORDER BY {order} LIMIT :n_rows)"
    return text(f"{_LOG}, l.is_match, l.n, l.is_last FROM {_examine(rows, order, _LOG_FILTERS)} AS l{_LOG_JOIN} ORDER BY {order}")


def _logs_of_trace(order):
    return text(f"{_LOG} FROM logs AS l{_LOG_JOIN} WHERE trace_id = :trace_id AND {_LOG_RANGE} AND {_LOG_FILTERS}"
                f" ORDER BY {order} LIMIT :limit")


# By whether the oldest come first.
LOGS = [_logs(order) for order in _LOG_ORDERS]
LOGS_OF_TRACE = [_logs_of_trace(order) for order in _LOG_ORDERS]


def _chunks(noun, which):
    return (f"SELECT from_ns, to_ns, n_rows FROM {noun}_chunks WHERE time BETWEEN :from_time AND :to_time AND {which}"
            " AND from_ns + 0 <= :last_ns AND to_ns >= :first_ns")


def _find_chunks(noun, order):
    return text(f"{_chunks(noun, 'grams @> CAST(:grams AS integer[])')} UNION ALL {_chunks(noun, 'grams IS NULL')} UNION ALL"
                f" SELECT from_ns, to_ns, n_rows FROM {noun}_arrivals WHERE from_ns <= :last_ns AND to_ns >= :first_ns"
                f" ORDER BY {order} LIMIT :limit")


CHUNKS = {noun: [_find_chunks(noun, "to_ns DESC"), _find_chunks(noun, "from_ns")] for noun in ("log", "error")}
