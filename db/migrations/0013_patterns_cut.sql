-- The shapes that do not tell all their operations: they may have any that is asked for.
CREATE INDEX ix_patterns_cut ON patterns (pattern_id) WHERE operations_are_cut;
