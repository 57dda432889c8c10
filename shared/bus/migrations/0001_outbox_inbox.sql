-- What a service is about to say and what it has heard, beside its own tables so that both commit together.

CREATE TABLE outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id   uuid        NOT NULL UNIQUE,
    subject      text        NOT NULL,
    headers      jsonb       NOT NULL,
    payload      bytea       NOT NULL,
    created_at   timestamptz NOT NULL,
    -- NULL until the stream has acknowledged it. Rows stay for 30 days: a restored bus is filled from them.
    published_at timestamptz
);

-- The relay only ever looks at the few rows that still wait.
CREATE INDEX outbox_waiting ON outbox (id) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at);

CREATE TABLE inbox (
    consumer      text        NOT NULL,
    message_id    uuid        NOT NULL,
    -- Counted before the work, so a message that kills the process is counted too.
    attempts      integer     NOT NULL DEFAULT 0,
    last_error    text,
    first_seen_at timestamptz NOT NULL,
    -- Set in the transaction of the effect: the effect happens once.
    handled_at    timestamptz,
    PRIMARY KEY (consumer, message_id)
);

CREATE INDEX inbox_first_seen ON inbox (first_seen_at);
