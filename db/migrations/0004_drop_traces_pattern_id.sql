-- no transaction
DROP INDEX CONCURRENTLY IF EXISTS ix_traces_pattern_id;
