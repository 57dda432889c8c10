-- What making recordings playable asks of the tables.

-- name: recording_to_render
-- Finds a complete recording and what is known of it; nothing when its update was removed.
SELECT u.recording_id, u.team_id, u.thread_id, u.update_id, u.max_seconds, u.offset_bytes AS size_bytes,
    r.state, r.needs_transcode, r.duration_ms, r.has_video
FROM upload u JOIN recording r USING (recording_id)
WHERE u.recording_id = $1;

-- name: lock_recording_row
-- Keeps the row as it is until the transaction ends; nothing when the update was removed meanwhile.
SELECT state FROM recording WHERE recording_id = $1 FOR UPDATE;

-- name: save_ready
-- Says that the recording can be played.
UPDATE recording SET state = 'ready', duration_ms = $2, has_audio = $3, has_video = $4, container = $5,
    audio_codec = $6, video_codec = $7, width = $8, height = $9, needs_transcode = $10,
    problem_code = NULL, problem_detail = NULL, updated_at = $11
WHERE recording_id = $1;

-- name: save_refused
-- Says why the recording cannot be used.
UPDATE recording SET state = 'refused', needs_transcode = false, problem_code = $2, problem_detail = $3,
    updated_at = $4
WHERE recording_id = $1;

-- name: end_transcode
-- Says that nothing better is being made any more.
UPDATE recording SET needs_transcode = false, updated_at = $2 WHERE recording_id = $1;

-- name: put_rendition
-- Names a playable form, replacing the one of that kind.
INSERT INTO rendition (recording_id, kind, key, media_type, size_bytes, sha256, width, height)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (recording_id, kind) DO UPDATE SET key = EXCLUDED.key, media_type = EXCLUDED.media_type,
    size_bytes = EXCLUDED.size_bytes, sha256 = EXCLUDED.sha256, width = EXCLUDED.width,
    height = EXCLUDED.height;

-- name: renditions_of
-- Lists what can be played or drawn.
SELECT kind, key, media_type, size_bytes, sha256, width, height FROM rendition
WHERE recording_id = $1 ORDER BY kind;

-- name: given_up_renditions
-- Recordings without a verdict for which a consumer gave up a wish, and how many wishes it gave up.
WITH wish AS MATERIALIZED (
    SELECT (convert_from(o.payload, 'UTF8')::jsonb #>> '{data,recording_id}')::uuid AS recording_id
    FROM inbox i JOIN outbox o USING (message_id)
    WHERE i.consumer = $1 AND i.buried_at IS NOT NULL AND i.handled_at IS NULL
)
SELECT u.recording_id, u.team_id, u.thread_id, u.update_id, count(*) AS times
FROM wish JOIN upload u USING (recording_id) JOIN recording r USING (recording_id)
WHERE r.state = 'waiting' GROUP BY u.recording_id;

-- name: given_up_transcodes
-- The same for recordings that can be heard and still wait for their picture.
WITH wish AS MATERIALIZED (
    SELECT (convert_from(o.payload, 'UTF8')::jsonb #>> '{data,recording_id}')::uuid AS recording_id
    FROM inbox i JOIN outbox o USING (message_id)
    WHERE i.consumer = $1 AND i.buried_at IS NOT NULL AND i.handled_at IS NULL
)
SELECT u.recording_id, u.team_id, u.thread_id, u.update_id, count(*) AS times
FROM wish JOIN upload u USING (recording_id) JOIN recording r USING (recording_id)
WHERE r.state = 'ready' AND r.needs_transcode GROUP BY u.recording_id;
