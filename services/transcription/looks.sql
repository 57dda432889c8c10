-- Second looks at doubtful chunks.

-- name: ask_for_looks
-- Some chunks leave doubt: another model shall hear them. Once is enough.
UPDATE chunk SET second_look = 'asked' WHERE recording_id = $1 AND chunk_index = ANY($2::integer[]) AND second_look IS NULL;

-- name: is_idle
-- Whether nobody waits for anything: nobody is listened to, and every chunk of every open recording was recognised.
SELECT NOT EXISTS (SELECT FROM recording WHERE state = 'following' AND lease_until > now())
   AND NOT EXISTS (SELECT FROM chunk AS c JOIN recording AS r USING (recording_id)
                   WHERE c.state <> 'done' AND r.state IN ('following', 'heard'));

-- name: take_look
-- Take one doubtful chunk for $1, of what was said last. One at a time in the whole house: whoever died of the last
-- one does not die of the next at once. Speakers are told first, for an hour at most: that needs the samples too.
UPDATE chunk AS c SET looks = c.looks + 1, look_until = now() + $1::interval FROM recording AS r
WHERE r.recording_id = c.recording_id AND (c.recording_id, c.chunk_index) = (
    SELECT d.recording_id, d.chunk_index FROM chunk AS d JOIN recording AS s USING (recording_id)
    WHERE d.second_look = 'asked' AND s.state = 'complete'
      AND (NOT s.awaits_speakers OR s.finished_at < now() - interval '1 hour')
    ORDER BY s.finished_at DESC, d.chunk_index LIMIT 1 FOR UPDATE OF d SKIP LOCKED)
  AND NOT EXISTS (SELECT FROM chunk WHERE second_look = 'asked' AND look_until > now())
RETURNING r.team_id, c.recording_id, c.chunk_index, c.key, c.start_ms, c.end_ms, c.segments, c.looks;

-- name: give_back_look
-- Somebody came before the look began: it does not count.
UPDATE chunk SET looks = looks - 1, look_until = NULL
WHERE recording_id = $1 AND chunk_index = $2 AND key = $3 AND second_look = 'asked';

-- name: keep_look
-- A chunk was looked at, unless it was heard anew meanwhile: then its samples lie elsewhere. Better words stand.
UPDATE chunk SET second_look = CASE WHEN $4::jsonb IS NULL THEN 'done' ELSE 'better' END, look_until = NULL,
    segments = coalesce($4::jsonb, segments), second_model = CASE WHEN $4::jsonb IS NULL THEN second_model ELSE $5 END
WHERE recording_id = $1 AND chunk_index = $2 AND key = $3 AND second_look = 'asked' RETURNING true;

-- name: overdue_looks
-- Recordings whose doubtful chunks have waited since before $1.
SELECT DISTINCT c.recording_id FROM chunk AS c JOIN recording AS r USING (recording_id)
WHERE c.second_look = 'asked' AND r.finished_at < $1;

-- name: give_up_looks
-- Leave the doubtful chunks of a recording as they are.
UPDATE chunk SET second_look = 'done' WHERE recording_id = $1 AND second_look = 'asked';

-- name: end_looks
-- Where the last doubtful chunk of a recording was looked at, forget which got better; no row where none did.
UPDATE chunk SET second_look = 'done' WHERE recording_id = $1 AND second_look = 'better'
  AND NOT EXISTS (SELECT FROM chunk WHERE recording_id = $1 AND second_look = 'asked') RETURNING true;
