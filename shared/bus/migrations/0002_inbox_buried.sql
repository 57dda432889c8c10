-- When the runner gave a message up. Whoever asked for the work can see here that no answer will come.

ALTER TABLE inbox ADD COLUMN buried_at timestamptz;

-- The few that somebody may still have to speak for.
CREATE INDEX inbox_buried ON inbox (consumer) WHERE buried_at IS NOT NULL AND handled_at IS NULL;
