-- A pattern is the unit of embedding: its traces, but those with an embedding given to them, share its vector. is_spread is
-- false while some of them still carry an older one. operations holds each operation of its shape as service, U+001F, name,
-- operation_names the names alone, both masked; operations_are_cut is true when some are left out or none were recorded.
ALTER TABLE patterns
    ADD COLUMN operations text[] NOT NULL DEFAULT '{}',
    ADD COLUMN operation_names text[] NOT NULL DEFAULT '{}',
    ADD COLUMN operations_are_cut boolean NOT NULL DEFAULT false,
    ADD COLUMN is_spread boolean NOT NULL DEFAULT true;
UPDATE patterns SET operations_are_cut = true;
UPDATE patterns SET embedding = NULL WHERE embedding_model = 'given';
CREATE INDEX ix_patterns_operations ON patterns USING gin (operations);
CREATE INDEX ix_patterns_operation_names ON patterns USING gin (operation_names);
CREATE INDEX ix_patterns_services ON patterns USING gin (services);
