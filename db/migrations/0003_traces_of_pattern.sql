-- no transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_traces_pattern_start ON traces (pattern_id, start_ns DESC, trace_id);
