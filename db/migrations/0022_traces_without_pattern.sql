-- no transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_traces_service_start ON traces (service, start_ns, trace_id) WHERE pattern_id IS NULL;
