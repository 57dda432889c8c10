-- Which chunk is recognised next, and who has it.

-- name: mark_sent
-- Recognition of a chunk is asked for; whoever fills the queue is told, once the transaction commits.
WITH asked AS (
    UPDATE chunk SET state = 'sent', message_id = $3, asked_language = $4, segments = NULL,
        queued_at = NULL, taken_at = NULL, overtaken_at = NULL
    WHERE recording_id = $1 AND chunk_index = $2)
SELECT pg_notify('transcription_asked', '');

-- name: waiting
-- How many chunks no recogniser was asked for yet, counted up to $1.
SELECT count(*) FROM (
    SELECT FROM chunk AS c JOIN recording AS r USING (recording_id)
    WHERE c.state IN ('cut', 'sent') AND c.queued_at IS NULL AND r.state IN ('following', 'heard') LIMIT $1) AS w;

-- name: lock_queue
-- Let one recogniser fill the queue at a time, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtext('tidings-transcription-queue'));

-- name: untaken
-- How many chunks lie on the queue without a recogniser. One that was not taken for long is with a recogniser that
-- is down, or lost: others need not wait for it.
SELECT count(*) FROM chunk AS c JOIN recording AS r USING (recording_id)
WHERE c.state = 'sent' AND c.queued_at IS NOT NULL AND c.taken_at IS NULL AND c.queued_at > now() - interval '10 seconds'
  AND r.state NOT IN ('complete', 'removed');

-- name: next_chunks
-- Which chunks come next: those of the best rank there is. Live recordings are 0, short ones 1, those of more than $5
-- chunks 2, those heard anew 3; where a team got nothing for a while, its long ones are as good as short. Among equals
-- the teams take turns, beginning with the one that has least on the queue for its share; within a team whatever has got
-- least so far. No team has more than $4 on the queue, where what was given up with its recording lies no longer.
WITH team AS (
    SELECT r.team_id, max(c.queued_at) AS served_at,
        count(*) FILTER (WHERE c.state = 'sent' AND r.state IN ('following', 'heard')) AS queued
    FROM chunk AS c JOIN recording AS r USING (recording_id)
    WHERE c.queued_at IS NOT NULL GROUP BY r.team_id
), ranked AS (
    SELECT c.*, r.team_id, r.created_at, coalesce(t.queued, 0) AS queued,
        CASE WHEN r.revision > 0 THEN 3 WHEN r.is_live THEN 0
             WHEN t.served_at > now() - interval '30 seconds'
                  AND (SELECT max(m.chunk_index) FROM chunk AS m WHERE m.recording_id = r.recording_id) >= $5 THEN 2
             ELSE 1 END AS rank
    FROM chunk AS c JOIN recording AS r USING (recording_id) LEFT JOIN team AS t USING (team_id)
    WHERE c.state = 'sent' AND c.queued_at IS NULL AND r.state NOT IN ('complete', 'removed')
), placed AS (
    SELECT *,
        queued + row_number() OVER (PARTITION BY team_id ORDER BY rank, chunk_index, created_at, recording_id) AS place,
        queued + row_number() OVER (PARTITION BY team_id, rank ORDER BY chunk_index, created_at, recording_id) AS turn
    FROM ranked
), allowed AS (
    SELECT *, min(rank) OVER () AS best FROM placed WHERE $4::bigint IS NULL OR place <= $4
)
SELECT a.team_id, a.recording_id, a.chunk_index, a.key, a.start_ms, a.end_ms, a.asked_language, a.message_id, a.rank
FROM allowed AS a LEFT JOIN unnest($2::uuid[], $3::float8[]) AS s (team_id, share) USING (team_id)
WHERE a.rank = a.best
ORDER BY a.turn / coalesce(s.share, 1), a.created_at, a.recording_id, a.chunk_index
LIMIT $1;

-- name: is_someone_speaking
-- Whether words of a live recording may come at any moment.
SELECT EXISTS (SELECT FROM recording WHERE is_live AND state = 'following' AND lease_until > now());

-- name: mark_queued
-- The request for a chunk is on its way to the queue.
UPDATE chunk SET queued_at = now() WHERE recording_id = $1 AND chunk_index = $2;

-- name: mark_taken
-- A recogniser has the chunk.
UPDATE chunk SET taken_at = now() WHERE recording_id = $1 AND chunk_index = $2 AND message_id = $3 AND taken_at IS NULL;

-- name: take_overdue
-- Take over the chunk that has been with a recogniser longest, if that is longer than $1. One that took it over and
-- did not answer either leaves it to the next.
UPDATE chunk AS c SET overtaken_at = now() FROM recording AS r
WHERE r.recording_id = c.recording_id AND (c.recording_id, c.chunk_index) = (
    SELECT o.recording_id, o.chunk_index FROM chunk AS o JOIN recording AS s USING (recording_id)
    WHERE o.state = 'sent' AND o.taken_at < now() - $1::interval AND s.state IN ('following', 'heard')
      AND (o.overtaken_at IS NULL OR o.overtaken_at < now() - $1::interval)
    ORDER BY o.taken_at LIMIT 1 FOR UPDATE OF o SKIP LOCKED)
RETURNING r.team_id, c.recording_id, c.chunk_index, c.key, c.start_ms, c.end_ms, c.asked_language, c.message_id;

-- name: chunk_state
-- How a chunk and its recording stand, for whoever is about to recognise it.
SELECT c.state, c.message_id, r.state AS recording_state
FROM recording AS r LEFT JOIN chunk AS c ON c.recording_id = r.recording_id AND c.chunk_index = $2
WHERE r.recording_id = $1;
