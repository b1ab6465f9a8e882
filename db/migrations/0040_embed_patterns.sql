-- The job that embeds patterns (db/embed_patterns.h) looks for those of another model than the one wanted, and for those whose
-- vector has yet to be spread; both are few. stored_at tells how long a pattern waits.
ALTER TABLE patterns ADD COLUMN stored_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX ix_patterns_embedding_model ON patterns (embedding_model);
CREATE INDEX ix_patterns_unspread ON patterns (pattern_id) WHERE NOT is_spread;
-- Before, a trace with a given embedding could share its pattern with traces that had the embedder's, and name it for its own.
UPDATE patterns p SET embedding_model = 'hash-v1' WHERE embedding_model = 'given'
    AND EXISTS (SELECT FROM traces t WHERE t.pattern_id = p.pattern_id AND t.embedding_model IS DISTINCT FROM 'given');
