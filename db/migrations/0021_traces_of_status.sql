-- no transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_traces_status_start ON traces (status, start_ns, trace_id);
