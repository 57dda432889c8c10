-- A doubtful chunk is heard once more, by another model, when nobody waits for anything.
ALTER TABLE chunk
    ADD COLUMN second_look text CHECK (second_look IN ('asked', 'better', 'done')),  -- null: nobody doubts it
    ADD COLUMN looks smallint NOT NULL DEFAULT 0,  -- how often a look was begun; counted before it begins
    ADD COLUMN look_until timestamptz,             -- whoever is at it has until then
    ADD COLUMN second_model text;                  -- the words are this one's; null: they are `model`'s
CREATE INDEX chunk_doubtful ON chunk (recording_id) WHERE second_look = 'asked';
