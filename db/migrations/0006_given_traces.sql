-- no transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_traces_given ON traces (start_ns) WHERE embedding_model = 'given';
