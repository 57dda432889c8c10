-- Chunks wait here, where their order can still change, and lie on the queue only for a moment.
ALTER TABLE chunk
    ADD COLUMN queued_at timestamptz,  -- of a sent chunk: its request is on the queue since
    ADD COLUMN taken_at timestamptz;   -- a recogniser had it first
UPDATE chunk SET queued_at = now() WHERE state = 'sent';
CREATE INDEX chunk_asked ON chunk (recording_id, chunk_index) WHERE state = 'sent' AND queued_at IS NULL;
CREATE INDEX chunk_queued ON chunk (recording_id) WHERE state = 'sent' AND queued_at IS NOT NULL;
