-- Logs and errors are searched by chunks: a thousand or so neighbours in time, with the grams (core/grams.h) of all of them.
-- Each row is within a chunk that has its grams, or within an arrival; grams are NULL where they could not be told. A range
-- holds both its ends and lies within one UTC day; time is from_ns, for the partitions.
CREATE TABLE log_chunks (
    time timestamptz NOT NULL,
    from_ns bigint NOT NULL,
    to_ns bigint NOT NULL,
    n_rows bigint NOT NULL,
    grams integer[]
) PARTITION BY RANGE (time);
CREATE TABLE error_chunks (LIKE log_chunks) PARTITION BY RANGE (time);

-- There is no key, and no index that begins with the time: the planner would take it for less work than that of the grams,
-- because it does not know what unpacking them costs.
CREATE INDEX ix_log_chunks_grams ON log_chunks USING gin (grams);
CREATE INDEX ix_log_chunks_from_ns ON log_chunks (from_ns);
CREATE INDEX ix_log_chunks_unsure ON log_chunks (from_ns) WHERE grams IS NULL;
CREATE INDEX ix_error_chunks_grams ON error_chunks USING gin (grams);
CREATE INDEX ix_error_chunks_from_ns ON error_chunks (from_ns);
CREATE INDEX ix_error_chunks_unsure ON error_chunks (from_ns) WHERE grams IS NULL;

-- What is not in chunks yet: a row for each range of each statement that brought some. It is deleted by the transaction that
-- puts what it tells of into chunks.
CREATE TABLE log_arrivals (
    from_ns bigint NOT NULL,
    to_ns bigint NOT NULL,
    n_rows bigint NOT NULL,
    arrived_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE error_arrivals (LIKE log_arrivals INCLUDING DEFAULTS);
CREATE INDEX ix_log_arrivals_from_ns ON log_arrivals (from_ns);
CREATE INDEX ix_error_arrivals_from_ns ON error_arrivals (from_ns);

-- Whoever inserts, nothing comes in untold. A gap of ten seconds, or a midnight, begins another range: a straggler must not
-- make a range of all that is between it and the others.
CREATE FUNCTION tell_log_arrivals() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO log_arrivals (from_ns, to_ns, n_rows)
        SELECT min(ns), max(ns), count(*) FROM (
            SELECT ns, count(*) FILTER (WHERE ns - before_ns > 10000000000 OR ns / 86400000000000 <> before_ns / 86400000000000)
                OVER (ORDER BY ns) AS range
            FROM (SELECT time_ns AS ns, lag(time_ns) OVER (ORDER BY time_ns) AS before_ns FROM stored) AS neighbours) AS ranges
        GROUP BY range;
    RETURN NULL;
END $$;
CREATE FUNCTION tell_error_arrivals() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO error_arrivals (from_ns, to_ns, n_rows)
        SELECT min(ns), max(ns), count(*) FROM (
            SELECT ns, count(*) FILTER (WHERE ns - before_ns > 10000000000 OR ns / 86400000000000 <> before_ns / 86400000000000)
                OVER (ORDER BY ns) AS range
            FROM (SELECT start_ns AS ns, lag(start_ns) OVER (ORDER BY start_ns) AS before_ns FROM stored) AS neighbours) AS ranges
        GROUP BY range;
    RETURN NULL;
END $$;
CREATE TRIGGER tell_arrivals AFTER INSERT ON logs REFERENCING NEW TABLE AS stored
    FOR EACH STATEMENT EXECUTE FUNCTION tell_log_arrivals();
CREATE TRIGGER tell_arrivals AFTER INSERT ON errors REFERENCING NEW TABLE AS stored
    FOR EACH STATEMENT EXECUTE FUNCTION tell_error_arrivals();

-- What was stored before; the triggers hold back whoever would store more until this is committed.
INSERT INTO log_arrivals (from_ns, to_ns, n_rows)
    SELECT day_ns, day_ns + 86399999999999, greatest(reltuples, 0)
    FROM pg_inherits JOIN pg_class ON oid = inhrelid
    CROSS JOIN LATERAL (SELECT extract(epoch FROM to_date(right(relname, 8), 'YYYYMMDD'))::bigint * 1000000000) AS day (day_ns)
    WHERE inhparent = 'logs'::regclass;
INSERT INTO error_arrivals (from_ns, to_ns, n_rows)
    SELECT min(start_ns), max(start_ns), count(*) FROM errors GROUP BY start_ns / 86400000000000;
