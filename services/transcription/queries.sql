-- Statements of the transcription service.

-- name: note_recording
-- Make sure a row is there, whichever message came first.
INSERT INTO recording (recording_id, team_id, thread_id, update_id, created_at)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (recording_id) DO NOTHING;

-- name: announce_recording
-- Keep what RecordingStarted says.
UPDATE recording SET is_announced = true, is_live = $2, author_language = $3 WHERE recording_id = $1;

-- name: note_team
-- Keep what a team speaks; what was said earlier and arrives later changes nothing.
INSERT INTO team (team_id, languages, glossary, revision) VALUES ($1, $2, $3, $4)
ON CONFLICT (team_id) DO UPDATE
SET languages = excluded.languages, glossary = excluded.glossary, revision = excluded.revision
WHERE team.revision < excluded.revision;

-- name: team_of
-- What a team speaks; no row where it never said so.
SELECT languages, glossary FROM team WHERE team_id = $1;

-- name: add_part
-- Keep where one part lies.
INSERT INTO part (recording_id, number, key, size_bytes) VALUES ($1, $2, $3, $4)
ON CONFLICT (recording_id, number) DO NOTHING;

-- name: complete_parts
-- All bytes are there. A live recording stays one: whoever has stopped speaking waits for the last words.
UPDATE recording SET part_count = $2, completed_at = $3, retry_at = NULL WHERE recording_id = $1;

-- name: wake_followers
-- Tell followers that a recording has something new.
SELECT pg_notify('transcription_parts', $1::text);

-- name: lock_recording
-- Read a recording and keep others from changing it until the transaction ends.
SELECT * FROM recording WHERE recording_id = $1 FOR UPDATE;

-- name: claim_recording
-- Take the lease of one recording that has undecoded parts and no follower: live ones first, then those not known to
-- be long; those only if $3.
UPDATE recording SET lease_owner = $1, lease_until = now() + $2::interval, parked_at = NULL
WHERE recording_id = (
    SELECT r.recording_id FROM recording AS r
    WHERE r.state = 'following' AND r.is_announced
      AND (r.lease_until IS NULL OR r.lease_until < now())
      AND (r.retry_at IS NULL OR r.retry_at < now())
      AND ($3 OR NOT r.is_long)
      AND (r.part_count IS NOT NULL OR (NOT r.needs_whole_file AND
           (SELECT count(*) FROM part AS p WHERE p.recording_id = r.recording_id) > coalesce(r.parked_at, 0)))
      AND (r.part_count IS NULL OR
           (SELECT count(*) FROM part AS p WHERE p.recording_id = r.recording_id) >= r.part_count)
    ORDER BY r.is_live DESC, r.is_long, r.created_at
    LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING recording_id, needs_whole_file, failures, is_live, is_long, revision;

-- name: renew_lease
-- Keep the lease; no row comes back when it was lost or there is nothing to follow any more.
UPDATE recording SET lease_until = now() + $3::interval
WHERE recording_id = $1 AND lease_owner = $2 AND state = 'following' RETURNING true;

-- name: release_lease
-- Leave a recording; $3 parts were there, so only a further one is a reason to come back.
UPDATE recording SET lease_owner = NULL, lease_until = NULL, parked_at = $3
WHERE recording_id = $1 AND lease_owner = $2;

-- name: put_off
-- Leave a long recording until a follower has a place for it.
UPDATE recording SET lease_owner = NULL, lease_until = NULL, is_long = true WHERE recording_id = $1 AND lease_owner = $2;

-- name: release_own_leases
-- A follower that starts holds nothing: what stands under its name is from its former life.
UPDATE recording SET lease_owner = NULL, lease_until = NULL WHERE lease_owner = $1;

-- name: postpone
-- Following failed: count it and leave the recording alone for a while.
UPDATE recording SET lease_owner = NULL, lease_until = NULL, failures = failures + 1, retry_at = now() + $3::interval
WHERE recording_id = $1 AND lease_owner = $2 RETURNING failures;

-- name: failures_of
-- How often following has failed since the last progress.
SELECT failures FROM recording WHERE recording_id = $1;

-- name: part_total
-- How many parts are known.
SELECT count(*) FROM part WHERE recording_id = $1;

-- name: part_bytes
-- How large the known parts are together.
SELECT coalesce(sum(size_bytes), 0)::bigint FROM part WHERE recording_id = $1;

-- name: need_whole_file
-- This recording can only be decoded once all of it is there.
UPDATE recording SET needs_whole_file = true WHERE recording_id = $1 AND lease_owner = $2;

-- name: parts_from
-- Parts from a number on, and whether these are the last.
SELECT r.part_count, r.state, p.number, p.key FROM recording AS r
LEFT JOIN part AS p ON p.recording_id = r.recording_id AND p.number >= $2
WHERE r.recording_id = $1 ORDER BY p.number LIMIT 64;

-- name: add_chunk
-- Keep a chunk; one that is there already is the same.
INSERT INTO chunk (recording_id, chunk_index, key, start_ms, end_ms) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (recording_id, chunk_index) DO NOTHING;

-- name: offer_open_chunk
-- Offer what is being said for provisional recognition, in place of what was offered before.
WITH offered AS (
    INSERT INTO open_chunk AS o (recording_id, chunk_index, start_ms, end_ms, samples) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (recording_id) DO UPDATE
    SET chunk_index = $2, start_ms = $3, end_ms = $4, samples = $5, is_taken = false)
SELECT pg_notify('transcription_open_chunks', '');

-- name: take_open_chunks
-- Take offers nobody took. What is still short is best taken to be in the language of the chunk before.
UPDATE open_chunk AS o SET is_taken = true FROM recording AS r LEFT JOIN team AS t USING (team_id)
WHERE r.recording_id = o.recording_id AND o.recording_id IN (
    SELECT recording_id FROM open_chunk WHERE NOT is_taken LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING o.recording_id, o.chunk_index, o.start_ms, o.end_ms, o.samples,
    coalesce(r.author_language, (
        SELECT c.guess[cardinality(c.guess)] FROM chunk AS c
        WHERE c.recording_id = r.recording_id AND c.guess_speech_ms > 0
        ORDER BY c.chunk_index DESC LIMIT 1)) AS language,
    coalesce(t.languages, '{}') AS languages, coalesce(t.glossary, '{}') AS glossary;

-- name: close_chunk
-- This chunk is cut: its provisional words are of no use any more.
DELETE FROM open_chunk WHERE recording_id = $1 AND chunk_index <= $2;

-- name: recording_with_open_chunk
-- Read a recording if this chunk of it is still open.
SELECT r.* FROM recording AS r JOIN open_chunk AS o USING (recording_id)
WHERE o.recording_id = $1 AND o.chunk_index = $2 AND r.state = 'following';

-- name: is_chunk
-- Whether a row names this blob.
SELECT EXISTS (SELECT FROM chunk WHERE recording_id = $1 AND key = $2);

-- name: unnamed_keys
-- Which of these blobs of a recording no row names, and no follower will come to name.
SELECT k.key FROM unnest($2::text[]) AS k (key)
WHERE NOT EXISTS (SELECT FROM chunk WHERE recording_id = $1 AND chunk.key = k.key)
AND NOT EXISTS (SELECT FROM recording WHERE recording_id = $1 AND state = 'following');

-- name: chunk_indices
-- Which chunks are stored already.
SELECT chunk_index FROM chunk WHERE recording_id = $1;

-- name: note_heard
-- How far the follower has heard; never goes back when it starts again. Only new ground makes up for failures.
UPDATE recording SET heard_ms = greatest(heard_ms, $2), failures = CASE WHEN $2 > heard_ms THEN 0 ELSE failures END
WHERE recording_id = $1;

-- name: end_hearing
-- The end was heard: this many chunks and no more.
UPDATE recording SET state = 'heard', chunk_count = $2, heard_ms = $3, lease_owner = NULL, lease_until = NULL
WHERE recording_id = $1;

-- name: chunks_of
-- All chunks of a recording in order, without their words.
-- A recogniser of the last release answers without a guess; then its language stands for one.
SELECT chunk_index, key, start_ms, end_ms, state, asked_language, model, second_model,
    coalesce(guess, CASE WHEN state = 'done' THEN ARRAY[language] END) AS guess,
    coalesce(guess_probability, language_probability, 1) AS guess_probability,
    coalesce(guess_speech_ms, end_ms - start_ms) AS guess_speech_ms
FROM chunk WHERE recording_id = $1 ORDER BY chunk_index;

-- name: segments_of
-- What was heard in some chunks, in order.
SELECT chunk_index, end_ms, segments FROM chunk
WHERE recording_id = $1 AND chunk_index >= $2 AND chunk_index < $3 ORDER BY chunk_index;

-- name: save_result
-- Keep what was heard, unless the chunk was asked for again meanwhile.
-- What a chunk sounded like by itself stays, also when it is heard again in a given language.
UPDATE chunk SET state = 'done', language = $4, model = $7, segments = $8,
    guess = CASE WHEN asked_language IS NULL THEN $5 ELSE guess END,
    guess_probability = CASE WHEN asked_language IS NULL THEN $6 ELSE guess_probability END,
    guess_speech_ms = CASE WHEN asked_language IS NULL AND jsonb_array_length($8) = 0 THEN 0
                           WHEN asked_language IS NULL THEN end_ms - start_ms ELSE guess_speech_ms END
WHERE recording_id = $1 AND chunk_index = $2 AND message_id = $3 AND state = 'sent' RETURNING true;

-- name: note_told
-- So many chunks were published.
UPDATE recording SET told_chunks = $2 WHERE recording_id = $1;

-- name: finish
-- The end of a recording here: complete, failed or removed.
UPDATE recording SET state = $2, problem_code = $3, finished_at = $4, swept_at = NULL,
    lease_owner = NULL, lease_until = NULL
WHERE recording_id = $1;

-- name: given_up
-- Recordings with a chunk whose request was given up, for whatever reason, without anyone being told.
SELECT DISTINCT c.recording_id FROM chunk AS c
JOIN recording AS r USING (recording_id)
JOIN inbox AS i ON i.message_id = c.message_id AND i.consumer = $1
WHERE c.state = 'sent' AND r.state IN ('following', 'heard') AND i.buried_at IS NOT NULL AND i.handled_at IS NULL;

-- name: to_sweep
-- Take one recording whose blobs nobody needs any more. Failed ones stay a while: a replay may mend them.
-- What its author removed goes at once. Whatever awaits a second look stays until that is over or given up.
SELECT recording_id, state FROM recording AS r
WHERE finished_at IS NOT NULL AND swept_at IS NULL
  AND (state = 'removed'
       OR finished_at < CASE WHEN state = 'failed' OR awaits_speakers THEN $1::timestamptz ELSE $2::timestamptz END)
  AND NOT EXISTS (SELECT FROM chunk AS c WHERE c.recording_id = r.recording_id AND c.second_look = 'asked')
ORDER BY finished_at LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: mark_swept
-- The blobs are gone.
UPDATE recording SET swept_at = $2 WHERE recording_id = $1;

-- name: begin_revision
-- Hear a recording anew, as if its bytes had just come. Whoever still follows it stops at the next chunk.
UPDATE recording SET revision = revision + 1, is_live = false, request_id = $2, author_language = $3, pinned_language = NULL,
    state = 'following', problem_code = NULL, finished_at = NULL, swept_at = NULL, lease_owner = NULL, lease_until = NULL,
    failures = 0, retry_at = NULL, parked_at = NULL, heard_ms = 0, chunk_count = NULL, told_chunks = 0
WHERE recording_id = $1 RETURNING part_count, (SELECT count(*) FROM part WHERE recording_id = $1) AS known_parts;

-- name: await_speakers
-- The samples are needed a little longer, to tell the speakers apart.
UPDATE recording SET awaits_speakers = true WHERE recording_id = $1;

-- name: keep_turns
-- Keep who speaks when; the same holds whenever the recording is heard anew.
UPDATE recording SET turns = $2, awaits_speakers = false WHERE recording_id = $1;

-- name: begin_reassembly
-- The words are the same and the speakers known now, or some words are better: put the transcript together again.
UPDATE recording SET revision = revision + 1, request_id = NULL, state = 'heard', finished_at = NULL, swept_at = NULL
WHERE recording_id = $1;

-- name: forget_parts
-- Forget where the parts of a recording lay.
DELETE FROM part WHERE recording_id = $1;

-- name: forget_open_chunk
-- Forget what was being said.
DELETE FROM open_chunk WHERE recording_id = $1;

-- name: forget_chunks
-- Forget the chunks of a recording and what was said in them.
DELETE FROM chunk WHERE recording_id = $1;

-- name: backlog
-- What waits: recordings without a follower, chunks cut and sent, doubtful ones.
SELECT
    (SELECT count(*) FROM recording WHERE state = 'following' AND (lease_until IS NULL OR lease_until < now())) AS unfollowed,
    (SELECT count(*) FROM chunk AS c JOIN recording AS r USING (recording_id)
     WHERE c.state = 'cut' AND r.state IN ('following', 'heard')) AS cut,
    (SELECT count(*) FROM chunk AS c JOIN recording AS r USING (recording_id)
     WHERE c.state = 'sent' AND c.queued_at IS NULL AND r.state IN ('following', 'heard')) AS asked,
    (SELECT count(*) FROM chunk AS c JOIN recording AS r USING (recording_id)
     WHERE c.state = 'sent' AND c.queued_at IS NOT NULL AND r.state IN ('following', 'heard')) AS sent,
    (SELECT count(*) FROM chunk WHERE second_look = 'asked') AS doubtful,
    (SELECT extract(epoch FROM now() - min(completed_at)) FROM recording WHERE state IN ('following', 'heard')) AS oldest_s;
