-- When an operation was seen at all is asked for with each list of its traces. A hash: older names may be longer than a tree takes.
CREATE INDEX ix_operations_name ON operations USING hash (name);
