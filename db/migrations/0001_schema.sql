-- Resources and scopes are kept once each, by a hash of their content: a sender repeats them in every request.
CREATE TABLE resources (
    resource_id bigint PRIMARY KEY,
    service text NOT NULL,
    attributes jsonb NOT NULL,
    schema_url text NOT NULL DEFAULT '',
    dropped_attributes_count integer NOT NULL DEFAULT 0
);

CREATE TABLE scopes (
    scope_id bigint PRIMARY KEY,
    name text NOT NULL DEFAULT '',
    version text NOT NULL DEFAULT '',
    attributes jsonb NOT NULL,
    schema_url text NOT NULL DEFAULT '',
    dropped_attributes_count integer NOT NULL DEFAULT 0
);

-- The three signals: one partition a UTC day, named spans_20230129, made by the service before the first row of its day.
-- Times are kept to the nanosecond (start_ns); the timestamptz beside it is the same instant to the microsecond, for
-- partition pruning and for people. Each key holds the time, so a batch sent twice is stored once.
CREATE TABLE spans (
    trace_id bytea NOT NULL,
    span_id bytea NOT NULL,
    parent_span_id bytea,
    start_time timestamptz NOT NULL,
    start_ns bigint NOT NULL,
    end_ns bigint NOT NULL,
    kind smallint NOT NULL,
    status smallint NOT NULL,
    flags bigint NOT NULL DEFAULT 0,
    dropped_attributes_count bigint NOT NULL DEFAULT 0,
    dropped_events_count bigint NOT NULL DEFAULT 0,
    dropped_links_count bigint NOT NULL DEFAULT 0,
    resource_id bigint NOT NULL,
    scope_id bigint NOT NULL,
    service text NOT NULL,
    name text NOT NULL,
    status_message text NOT NULL DEFAULT '',
    trace_state text NOT NULL DEFAULT '',
    attributes jsonb NOT NULL,
    events jsonb,
    links jsonb,
    PRIMARY KEY (trace_id, span_id, start_time)
) PARTITION BY RANGE (start_time);

CREATE TABLE logs (
    time timestamptz NOT NULL,
    time_ns bigint NOT NULL,
    observed_ns bigint,
    log_id bytea NOT NULL,
    trace_id bytea,
    span_id bytea,
    severity smallint NOT NULL,
    severity_text text NOT NULL DEFAULT '',
    event_name text NOT NULL DEFAULT '',
    flags bigint NOT NULL DEFAULT 0,
    dropped_attributes_count bigint NOT NULL DEFAULT 0,
    resource_id bigint NOT NULL,
    scope_id bigint NOT NULL,
    service text NOT NULL,
    body text NOT NULL,
    body_json jsonb,
    attributes jsonb NOT NULL,
    PRIMARY KEY (time, time_ns, log_id)
) PARTITION BY RANGE (time);
CREATE INDEX ix_logs_trace_id ON logs (trace_id, time, time_ns, log_id) WHERE trace_id IS NOT NULL;

CREATE TABLE metrics (
    metric_id bigint PRIMARY KEY,
    name text NOT NULL,
    type text NOT NULL CHECK (type IN ('gauge', 'sum', 'histogram', 'exponential_histogram', 'summary')),
    unit text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    temporality smallint NOT NULL DEFAULT 0,
    is_monotonic boolean NOT NULL DEFAULT false,
    metadata jsonb
);

CREATE TABLE metric_points (
    metric_id bigint NOT NULL,
    time timestamptz NOT NULL,
    time_ns bigint NOT NULL,
    point_id bytea NOT NULL,
    start_ns bigint,
    resource_id bigint NOT NULL,
    scope_id bigint NOT NULL,
    service text NOT NULL,
    flags bigint NOT NULL DEFAULT 0,
    value double precision,
    value_int bigint,
    count numeric(20, 0),
    sum double precision,
    min double precision,
    max double precision,
    attributes jsonb NOT NULL,
    detail jsonb,
    exemplars jsonb,
    trace_ids bytea[],
    PRIMARY KEY (metric_id, time, time_ns, point_id)
) PARTITION BY RANGE (time);
CREATE INDEX ix_metric_points_trace_ids ON metric_points USING gin (trace_ids) WHERE trace_ids IS NOT NULL;

-- What is still to be assembled: a row for each trace of each committed batch. min_ns and max_ns bound the start times of
-- the spans that came. The assembler deletes exactly the rows it has seen, in the transaction that writes the trace.
CREATE TABLE trace_arrivals (
    arrival_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trace_id bytea NOT NULL,
    min_ns bigint NOT NULL,
    max_ns bigint NOT NULL,
    arrived_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ix_trace_arrivals_trace_id ON trace_arrivals (trace_id);

-- One row a distinct shape of trace; pattern_id is its fingerprint.
CREATE TABLE patterns (
    pattern_id bigint PRIMARY KEY,
    service text NOT NULL,
    name text NOT NULL,
    services text[] NOT NULL,
    error_message text,
    embedding vector(384),
    embedding_model text,
    trace_count bigint NOT NULL DEFAULT 0,
    error_count bigint NOT NULL DEFAULT 0,
    first_seen_ns bigint NOT NULL,
    last_seen_ns bigint NOT NULL,
    exemplar_trace_id bytea NOT NULL
);

-- One row a trace, narrow: PLAIN keeps the vector in line, so that a search reads no second table.
CREATE TABLE traces (
    trace_id bytea PRIMARY KEY,
    service text NOT NULL,
    name text NOT NULL,
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    start_ns bigint NOT NULL,
    end_ns bigint NOT NULL,
    duration_ms double precision NOT NULL,
    status text NOT NULL CHECK (status IN ('unset', 'ok', 'error')),
    span_count integer NOT NULL,
    error_count integer NOT NULL,
    error_message text,
    pattern_id bigint,
    attributes jsonb NOT NULL DEFAULT '{}',
    embedding vector(384),
    embedding_model text,
    embedding_generated_at timestamptz
);
ALTER TABLE traces ALTER COLUMN embedding SET STORAGE PLAIN;
CREATE INDEX ix_traces_start_time_status ON traces (start_time, status);
CREATE INDEX ix_traces_start_ns ON traces (start_ns, trace_id);
CREATE INDEX ix_traces_attributes ON traces USING gin (attributes jsonb_path_ops);
CREATE INDEX ix_traces_pattern_id ON traces (pattern_id);

-- One row a distinct error of a span, whichever of status, exception event or log told of it first.
CREATE TABLE errors (
    error_id bytea PRIMARY KEY,
    trace_id bytea,
    span_id bytea,
    service text NOT NULL,
    name text NOT NULL,
    type text NOT NULL DEFAULT '',
    message text NOT NULL,
    source text NOT NULL CHECK (source IN ('span_status', 'span_event', 'log')),
    start_time timestamptz NOT NULL,
    start_ns bigint NOT NULL,
    duration_ms double precision
);
CREATE INDEX ix_errors_start_ns ON errors (start_ns, error_id);
CREATE INDEX ix_errors_trace_id ON errors (trace_id) WHERE trace_id IS NOT NULL;

-- Which operations a service had, by UTC day; operation_id is a hash of service, name and kind.
CREATE TABLE operations (
    operation_id bigint NOT NULL,
    day date NOT NULL,
    service text NOT NULL,
    name text NOT NULL,
    kind smallint NOT NULL,
    first_seen_ns bigint NOT NULL,
    last_seen_ns bigint NOT NULL,
    PRIMARY KEY (operation_id, day)
);

-- What was decoded and PostgreSQL refused: payload is an export request of that one item, to be sent again.
CREATE TABLE dead_letters (
    dead_letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    signal text NOT NULL CHECK (signal IN ('traces', 'logs', 'metrics')),
    reason text NOT NULL,
    sqlstate text NOT NULL DEFAULT '',
    trace_id bytea,
    content_type text NOT NULL,
    payload bytea NOT NULL
);
