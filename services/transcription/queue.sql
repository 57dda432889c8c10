-- Which chunk is recognised next, and who has it.

-- name: mark_sent
-- Recognition of a chunk is asked for; whoever fills the queue is told, once the transaction commits.
WITH asked AS (
    UPDATE chunk SET state = 'sent', message_id = $3, asked_language = $4, segments = NULL,
        queued_at = NULL, taken_at = NULL, overtaken_at = NULL
    WHERE recording_id = $1 AND chunk_index = $2)
SELECT pg_notify('transcription_asked', '');

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
-- Which chunks come next. Live recordings before others, those heard anew last; among equals the teams take turns,
-- beginning with the one that has least on the queue for its share; within a team whatever has got least so far, so
-- that a short recording does not wait for a long one. No team has more than $4 on the queue.
WITH waiting AS (
    SELECT c.*, r.team_id, r.created_at, rank.tier,
        row_number() OVER (PARTITION BY r.team_id ORDER BY rank.tier, c.chunk_index, r.created_at, c.recording_id) AS place,
        row_number() OVER (PARTITION BY r.team_id, rank.tier ORDER BY c.chunk_index, r.created_at, c.recording_id) AS turn
    FROM chunk AS c
    JOIN recording AS r USING (recording_id)
    CROSS JOIN LATERAL (SELECT CASE WHEN r.revision > 0 THEN 2 WHEN r.is_live THEN 0 ELSE 1 END AS tier) AS rank
    WHERE c.state = 'sent' AND c.queued_at IS NULL AND r.state NOT IN ('complete', 'removed')
), queued AS (
    SELECT r.team_id, count(*) AS chunks FROM chunk AS c JOIN recording AS r USING (recording_id)
    WHERE c.state = 'sent' AND c.queued_at IS NOT NULL GROUP BY r.team_id
)
SELECT w.team_id, w.recording_id, w.chunk_index, w.key, w.start_ms, w.end_ms, w.asked_language, w.message_id,
    w.tier = 0 AS is_live
FROM waiting AS w
LEFT JOIN queued AS q USING (team_id)
LEFT JOIN unnest($2::uuid[], $3::float8[]) AS s (team_id, share) USING (team_id)
WHERE $4::bigint IS NULL OR coalesce(q.chunks, 0) + w.place <= $4
ORDER BY w.tier, (coalesce(q.chunks, 0) + w.turn) / coalesce(s.share, 1), w.created_at, w.recording_id, w.chunk_index
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
RETURNING r.team_id, c.recording_id, c.chunk_index, c.key, c.start_ms, c.end_ms, c.asked_language, c.message_id,
    r.is_live AND r.revision = 0 AS is_live;

-- name: chunk_state
-- How a chunk and its recording stand, for whoever is about to recognise it.
SELECT c.state, c.message_id, r.state AS recording_state
FROM recording AS r LEFT JOIN chunk AS c ON c.recording_id = r.recording_id AND c.chunk_index = $2
WHERE r.recording_id = $1;
