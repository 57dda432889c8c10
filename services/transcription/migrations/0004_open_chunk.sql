-- What is being said at this moment, for provisional words. Unlogged: a crash may lose it, the next second brings another.
CREATE UNLOGGED TABLE open_chunk (
    recording_id uuid PRIMARY KEY REFERENCES recording ON DELETE CASCADE,
    chunk_index integer NOT NULL CHECK (chunk_index >= 0),
    start_ms integer NOT NULL CHECK (start_ms >= 0),
    end_ms integer NOT NULL CHECK (end_ms > start_ms),
    samples bytea NOT NULL,                       -- 16 kHz mono signed 16-bit little-endian
    is_taken boolean NOT NULL DEFAULT false       -- a recogniser has it, or had
);
