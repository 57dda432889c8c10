-- Everything the upload service asks of its tables, except what the renditions need.

-- name: open_upload
-- Begins an upload; gives nothing back when one was already opened for this recording.
INSERT INTO upload (
    recording_id, team_id, thread_id, update_id, member_id, language, length_bytes, metadata,
    max_bytes, max_seconds, expires_at, created_at, updated_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
ON CONFLICT (recording_id) DO NOTHING
RETURNING *;

-- name: get_upload
-- Reads the head of one ledger.
SELECT * FROM upload WHERE recording_id = $1;

-- name: lock_upload
-- Reads the head and keeps others from changing it until the transaction ends.
SELECT * FROM upload WHERE recording_id = $1 FOR UPDATE;

-- name: lock_recording
-- Lets opening an upload and forgetting it happen one after the other; there may be no row to lock yet.
SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 7772));

-- name: is_forgotten
-- Says whether the recording's update was removed.
SELECT EXISTS (SELECT FROM forgotten WHERE recording_id = $1);

-- name: claim_upload
-- Makes this request the only one that may append, and fixes the length if it was deferred until now.
UPDATE upload
SET writer = $2, length_bytes = coalesce(length_bytes, $3), updated_at = $4, expires_at = $5
WHERE recording_id = $1
RETURNING *;

-- name: release_upload
-- Says that this request will append nothing more; does nothing when a newer one has taken over.
UPDATE upload SET writer = NULL WHERE recording_id = $1 AND writer = $2;

-- name: advance_upload
-- Moves the offset over one part, or gives nothing back when this writer may not or somebody was faster.
UPDATE upload
SET offset_bytes = offset_bytes + $4, part_count = part_count + 1, updated_at = $6, expires_at = $7
WHERE recording_id = $1 AND writer = $2 AND offset_bytes = $3 AND part_count = $5 AND state = 'arriving'
RETURNING *;

-- name: add_part
-- Writes down one part; its bytes count from the commit on.
INSERT INTO part (recording_id, number, offset_bytes, size_bytes, sha256, key)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: complete_upload
-- Closes a ledger whose every byte is stored.
UPDATE upload SET state = 'complete', writer = NULL WHERE recording_id = $1 RETURNING *;

-- name: await_probing
-- Makes room for what probing will find.
INSERT INTO recording (recording_id, updated_at) VALUES ($1, $2);

-- name: end_upload
-- Marks an unfinished upload as terminated or expired; its parts go later.
UPDATE upload SET state = $2, writer = NULL, updated_at = $3
WHERE recording_id = $1 AND state = 'arriving'
RETURNING *;

-- name: abandoned_uploads
-- Picks unfinished uploads whose time is over, skipping those another replica handles.
SELECT recording_id FROM upload
WHERE state = 'arriving' AND expires_at <= $1
ORDER BY expires_at
LIMIT $2
FOR UPDATE SKIP LOCKED;

-- name: ended_uploads_with_parts
-- Picks ended uploads that still have parts, skipping those another replica handles.
SELECT recording_id FROM upload u
WHERE state IN ('terminated', 'expired') AND EXISTS (SELECT FROM part p WHERE p.recording_id = u.recording_id)
ORDER BY updated_at
LIMIT $1
FOR UPDATE SKIP LOCKED;

-- name: parts_of
-- Lists the parts in order.
SELECT number, offset_bytes, size_bytes, sha256, key FROM part WHERE recording_id = $1 ORDER BY number;

-- name: drop_parts
-- Strikes the parts of an ended upload out of the ledger.
DELETE FROM part WHERE recording_id = $1;

-- name: rendition_of
-- Finds one playable form.
SELECT key, media_type, size_bytes, sha256 FROM rendition WHERE recording_id = $1 AND kind = $2;

-- name: keys_of
-- Lists every blob of a recording that a row names.
SELECT key FROM part WHERE recording_id = $1
UNION ALL
SELECT key FROM rendition WHERE recording_id = $1;

-- name: remember_forgotten
-- Keeps the recording from ever being opened again.
INSERT INTO forgotten (recording_id, forgotten_at) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: drop_upload
-- Removes a recording with its parts, findings and renditions.
DELETE FROM upload WHERE recording_id = $1;

-- name: unnamed_keys
-- Gives back which of these blobs no row names.
SELECT k.key FROM unnest($1::text[]) AS k (key)
WHERE NOT EXISTS (SELECT FROM part p WHERE p.key = k.key)
AND NOT EXISTS (SELECT FROM rendition r WHERE r.key = k.key);

-- name: note_orphans
-- Writes down when a blob without a row was first seen.
INSERT INTO orphan (key, first_seen_at)
SELECT k.key, $2 FROM unnest($1::text[]) AS k (key)
ON CONFLICT DO NOTHING;

-- name: old_orphans
-- Picks blobs that were already without a row a good while ago.
SELECT key FROM orphan WHERE first_seen_at <= $1 ORDER BY first_seen_at LIMIT $2 FOR UPDATE SKIP LOCKED;

-- name: drop_orphans
-- Stops watching these blobs: they are deleted or got a row.
DELETE FROM orphan WHERE key = ANY ($1::text[]);
