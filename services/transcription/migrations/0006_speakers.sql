-- Who speaks when, as labels that mean nothing outside their recording. Voiceprints are kept nowhere.

ALTER TABLE recording
    ADD COLUMN turns jsonb,                                     -- [start_ms, end_ms, label] in order; null: not told apart
    ADD COLUMN awaits_speakers boolean NOT NULL DEFAULT false;  -- its samples are still needed to tell them apart
