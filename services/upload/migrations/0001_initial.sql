-- Uploads, their parts, and what became of the recordings. Only this service reads or writes these tables.
-- A byte counts as stored when its part's row is committed; a blob without a row is an orphan and is swept.

-- One row for each recording that somebody opened an upload for. It is the ledger's head: whoever appends
-- does it with `WHERE offset_bytes = <expected> AND writer = <me>`, so two replicas can never both append.
CREATE TABLE upload (
    recording_id uuid PRIMARY KEY,
    team_id uuid NOT NULL,
    thread_id uuid NOT NULL,
    update_id uuid NOT NULL,
    member_id uuid NOT NULL,
    language text,                                    -- ISO 639-1 where the author fixed it; null: detect
    length_bytes bigint CHECK (length_bytes >= 0),    -- null while deferred: someone is still speaking
    offset_bytes bigint NOT NULL DEFAULT 0 CHECK (offset_bytes >= 0),
    part_count integer NOT NULL DEFAULT 0 CHECK (part_count >= 0),
    metadata text NOT NULL DEFAULT '',                -- Upload-Metadata as sent; holds the file's name, so never logged
    state text NOT NULL DEFAULT 'arriving'
        CHECK (state IN ('arriving', 'complete', 'terminated', 'expired')),
    writer uuid,                                      -- the request that may append now; a newer one replaces it
    max_bytes bigint NOT NULL CHECK (max_bytes > 0),
    max_seconds integer NOT NULL CHECK (max_seconds > 0),  -- longest duration allowed; judged when probed
    expires_at timestamptz NOT NULL,                  -- moves on with every part; an arriving upload past it is swept
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK (length_bytes IS NULL OR offset_bytes <= length_bytes),
    CHECK (state <> 'complete' OR offset_bytes = length_bytes)
);
CREATE INDEX upload_expiry ON upload (expires_at) WHERE state = 'arriving';
CREATE INDEX upload_to_clean ON upload (updated_at) WHERE state IN ('terminated', 'expired');

-- The bytes, in order and without gaps: part n begins where part n - 1 ended, and the blob under `key` has
-- exactly `size_bytes` bytes with this sha256. Concatenated by number they are the file as it was sent.
CREATE TABLE part (
    recording_id uuid NOT NULL REFERENCES upload ON DELETE CASCADE,
    number integer NOT NULL CHECK (number >= 0),
    offset_bytes bigint NOT NULL CHECK (offset_bytes >= 0),
    size_bytes bigint NOT NULL CHECK (size_bytes > 0),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    key text NOT NULL UNIQUE,
    PRIMARY KEY (recording_id, number),
    UNIQUE (recording_id, offset_bytes)
);

-- What probing found. A row appears, as `waiting`, in the transaction that completes the upload, together with
-- the wish for renditions; it vanishes (with its renditions) when the update is removed, so a worker that finds
-- no row has nothing to do any more. `refused` always carries a problem code.
CREATE TABLE recording (
    recording_id uuid PRIMARY KEY REFERENCES upload ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'ready', 'refused')),
    duration_ms bigint CHECK (duration_ms >= 0),
    has_audio boolean,
    has_video boolean,
    container text,
    audio_codec text,
    video_codec text,
    width integer CHECK (width > 0),
    height integer CHECK (height > 0),
    needs_transcode boolean NOT NULL DEFAULT false,   -- browsers cannot play the remuxed form
    problem_code text,
    problem_detail text,
    updated_at timestamptz NOT NULL,
    CHECK (state <> 'refused' OR problem_code IS NOT NULL),
    CHECK (state <> 'ready' OR (duration_ms IS NOT NULL AND has_video IS NOT NULL))
);

-- Playable and drawable forms. A better one replaces its row; the blob it named becomes an orphan and is swept.
CREATE TABLE rendition (
    recording_id uuid NOT NULL REFERENCES recording ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('video', 'audio', 'poster', 'peaks')),
    key text NOT NULL UNIQUE,
    media_type text NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    width integer CHECK (width > 0),
    height integer CHECK (height > 0),
    PRIMARY KEY (recording_id, kind)
);

-- Recordings whose update was removed. No upload may be opened for one again, however long its token lives.
CREATE TABLE forgotten (
    recording_id uuid PRIMARY KEY,
    forgotten_at timestamptz NOT NULL
);

-- Blobs seen without a row. One is deleted only when it is still without a row a good while later, because a
-- blob is always written before the row that names it.
CREATE TABLE orphan (
    key text PRIMARY KEY,
    first_seen_at timestamptz NOT NULL
);
