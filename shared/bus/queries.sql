-- name: enqueue
-- Keep one message for the relay and wake it once the transaction commits; tell whose schema this is.
-- A message id already there means the same message: the first stays. Only the producer ($6) may speak.
WITH kept AS (
    INSERT INTO outbox (message_id, subject, headers, payload, created_at)
    SELECT $1::uuid, $2::text, $3::jsonb, $4::bytea, $5::timestamptz WHERE current_schema() = $6::text
    ON CONFLICT (message_id) DO NOTHING
)
SELECT current_schema() AS service, pg_notify('outbox_' || current_schema(), '');

-- name: relay_channel
-- Name the channel the wake-up of this schema travels on.
SELECT 'outbox_' || current_schema();

-- name: claim_relay
-- Become the only relay of this schema until the transaction ends, or learn that another one is.
SELECT pg_try_advisory_xact_lock(hashtext('tidings-relay'), hashtext(current_schema()));

-- name: waiting
-- The oldest messages that the stream has not acknowledged yet.
SELECT id, message_id, subject, headers, payload FROM outbox
WHERE published_at IS NULL ORDER BY id LIMIT $1;

-- name: count_waiting
-- How many messages wait and since when.
SELECT count(*) AS waiting, min(created_at) AS oldest FROM outbox WHERE published_at IS NULL;

-- name: mark_published
-- Remember that the stream has these.
UPDATE outbox SET published_at = $2 WHERE id = ANY($1::bigint[]);

-- name: forget_published
-- Drop what was published long ago; a restored bus would not want it any more.
DELETE FROM outbox WHERE published_at < $1;

-- name: forget_heard
-- Drop what no stream can deliver again.
DELETE FROM inbox WHERE first_seen_at < $1;

-- name: count_attempt
-- Count one more attempt before the work, less those that ended through no fault of the message ($4).
-- A replayed dead letter ($5) starts from zero and is no longer given up.
INSERT INTO inbox AS seen (consumer, message_id, attempts, first_seen_at) VALUES ($1, $2, 1, $3)
ON CONFLICT (consumer, message_id) DO UPDATE
SET attempts = CASE WHEN $5 THEN 1 ELSE greatest(seen.attempts + 1 - $4, 1) END,
    buried_at = CASE WHEN $5 THEN NULL ELSE seen.buried_at END
RETURNING attempts, handled_at IS NOT NULL AS handled;

-- name: uncount_attempt
-- Take an attempt back: it was interrupted, or what it needs was not there.
UPDATE inbox SET attempts = greatest(attempts - 1, 0), last_error = $3
WHERE consumer = $1 AND message_id = $2;

-- name: note_failure
-- Keep why the last attempt failed; codes and types only, never what was said.
UPDATE inbox SET last_error = $3 WHERE consumer = $1 AND message_id = $2;

-- name: mark_buried
-- Remember that a message was given up; one that could not be read has no row yet.
INSERT INTO inbox AS seen (consumer, message_id, first_seen_at, buried_at) VALUES ($1, $2, $3, $3)
ON CONFLICT (consumer, message_id) DO UPDATE SET buried_at = $3;

-- name: mark_handled
-- Remember, in the transaction of the effect, that it happened; no row comes back if it had before.
INSERT INTO inbox AS seen (consumer, message_id, attempts, first_seen_at, handled_at)
VALUES ($1, $2, 1, $3, $3)
ON CONFLICT (consumer, message_id) DO UPDATE SET handled_at = $3, last_error = NULL
WHERE seen.handled_at IS NULL
RETURNING true;
