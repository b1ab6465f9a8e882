-- What the keeper of the vector index knows of it: one row, of the index that searches use.
CREATE TABLE vector_indexes (
    name text PRIMARY KEY,
    method text NOT NULL CHECK (method IN ('ivfflat', 'hnsw')),
    generation bigint NOT NULL DEFAULT 1,
    lists integer NOT NULL DEFAULT 0,
    n_rows_built bigint NOT NULL,
    built_at timestamptz NOT NULL,
    build_ms bigint NOT NULL DEFAULT 0,
    effort integer NOT NULL,          -- ivfflat.probes or hnsw.ef_search; 0: nothing tried reaches the target
    recall double precision,          -- with that effort; NULL: not measured yet
    recall_error double precision,    -- its standard error
    recall_target double precision,   -- that the effort was chosen for
    n_queries integer NOT NULL DEFAULT 0,
    measured_at timestamptz
);
-- A rebuild that somebody asked for and the keeper has not made yet.
CREATE TABLE vector_index_requests (
    request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
