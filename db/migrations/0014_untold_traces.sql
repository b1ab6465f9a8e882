-- no transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_traces_untold ON traces (start_ns, trace_id) WHERE pattern_id IS NULL OR span_count >= 20000;
