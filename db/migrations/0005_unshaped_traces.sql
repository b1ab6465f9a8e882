-- no transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_traces_unshaped ON traces (embedding_model) WHERE pattern_id IS NULL AND embedding IS NOT NULL;
