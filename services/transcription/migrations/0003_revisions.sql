-- A recording can be heard anew: each time is a revision, and its transcript takes the earlier one's place.

ALTER TABLE recording
    ADD COLUMN revision integer NOT NULL DEFAULT 0 CHECK (revision >= 0),
    ADD COLUMN request_id uuid;  -- the wish this revision answers; null: nobody asked
