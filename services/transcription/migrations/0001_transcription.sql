-- Recordings that are followed, what was cut from them and what was heard. Only this service reads or writes these tables.
-- Everything here can be made again from the recording's parts; what others rely on is said by messages.

-- One row for each recording anyone spoke of. A row may begin with any of its messages: they come in no order.
CREATE TABLE recording (
    recording_id uuid PRIMARY KEY,
    team_id uuid NOT NULL,
    thread_id uuid NOT NULL,
    update_id uuid NOT NULL,
    is_announced boolean NOT NULL DEFAULT false,  -- RecordingStarted was heard, so the author's language is known
    is_live boolean NOT NULL DEFAULT false,       -- someone is speaking: goes first
    author_language text,                         -- ISO 639-1 where the author fixed it
    part_count integer CHECK (part_count >= 0),   -- null until all bytes are there
    completed_at timestamptz,                     -- when they were
    state text NOT NULL DEFAULT 'following'
        CHECK (state IN ('following', 'heard', 'complete', 'failed', 'removed')),
    needs_whole_file boolean NOT NULL DEFAULT false,  -- cannot be decoded while it arrives
    parked_at integer,                            -- the follower left with this many parts; null: it did not
    lease_owner text,                             -- the follower at work; others keep off until lease_until
    lease_until timestamptz,
    failures integer NOT NULL DEFAULT 0,          -- in a row, without a word of progress
    retry_at timestamptz,
    heard_ms integer NOT NULL DEFAULT 0 CHECK (heard_ms >= 0),
    chunk_count integer CHECK (chunk_count >= 0), -- null until the end was heard
    pinned_language text,                         -- detected once, then used for every chunk
    told_chunks integer NOT NULL DEFAULT 0,       -- chunks whose segments were published, in order
    problem_code text,
    finished_at timestamptz,                      -- complete, failed or removed since
    swept_at timestamptz,                         -- its blobs are gone since
    created_at timestamptz NOT NULL,
    CHECK ((state IN ('heard', 'complete')) <= (chunk_count IS NOT NULL)),
    CHECK ((state = 'failed') <= (problem_code IS NOT NULL))
);
CREATE INDEX recording_to_follow ON recording (is_live DESC, created_at) WHERE state = 'following';
CREATE INDEX recording_to_sweep ON recording (finished_at) WHERE finished_at IS NOT NULL AND swept_at IS NULL;

-- The bytes, as upload told of them.
CREATE TABLE part (
    recording_id uuid NOT NULL REFERENCES recording ON DELETE CASCADE,
    number integer NOT NULL CHECK (number >= 0),
    key text NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes > 0),
    PRIMARY KEY (recording_id, number)
);

-- One stretch of speech. `cut`: its samples are stored; `sent`: recognition was asked for; `done`: it has answered.
CREATE TABLE chunk (
    recording_id uuid NOT NULL REFERENCES recording ON DELETE CASCADE,
    chunk_index integer NOT NULL CHECK (chunk_index >= 0),
    key text NOT NULL,
    start_ms integer NOT NULL CHECK (start_ms >= 0),
    end_ms integer NOT NULL CHECK (end_ms > start_ms),
    state text NOT NULL DEFAULT 'cut' CHECK (state IN ('cut', 'sent', 'done')),
    message_id uuid,                              -- of the latest TranscriptionRequest
    asked_language text,                          -- what it said; null: detect
    language text,
    language_probability real,
    model text,
    segments jsonb,
    PRIMARY KEY (recording_id, chunk_index),
    CHECK ((state = 'done') <= (segments IS NOT NULL AND language IS NOT NULL AND model IS NOT NULL))
);
CREATE INDEX chunk_sent ON chunk (message_id) WHERE state = 'sent';
