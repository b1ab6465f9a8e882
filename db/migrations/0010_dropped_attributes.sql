-- OTLP counts them in 32 bits without a sign; what did not fit was stored as the negative number of the same bits.
ALTER TABLE resources ALTER COLUMN dropped_attributes_count TYPE bigint
    USING dropped_attributes_count & 4294967295;
ALTER TABLE scopes ALTER COLUMN dropped_attributes_count TYPE bigint
    USING dropped_attributes_count & 4294967295;
