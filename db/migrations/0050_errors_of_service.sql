-- The errors of one service, newest first: others may have a hundred thousand newer ones.
CREATE INDEX ix_errors_service ON errors (service, start_ns, error_id);
