-- name: insert_update
-- Post an update. $1 id, $2 team, $3 thread, $4 author, $5 kind, $6 reply to, $7 title, $8 language, $9 text,
-- $10 recording, $11 recording state, $12 transcript state, $13 summary state, $14 now, $15 request key or null
insert into updates
  (id, team_id, thread_id, author_id, kind, reply_to, title, title_by, language, text, recording_id,
   recording_state, transcript_state, summary_state, posted_at, changed_at, request_key)
values ($1, $2, $3, $4, $5, $6, $7, case when $7::text is null then null else 'author' end, $8, $9, $10,
        $11, $12, $13, $14, $14, $15)
on conflict (author_id, request_key) do nothing
returning id;

-- name: update_by_key
-- The update the author posted under this Idempotency-Key. $1 author, $2 request key
select id from updates where author_id = $1 and request_key = $2;

-- name: is_in_thread
-- Whether an update that still stands belongs to the thread. $1 thread, $2 update
select exists (select 1 from updates where id = $2 and thread_id = $1 and removed_at is null);

-- name: list_updates
-- Updates of a thread the asker may see, in reading order. $1 person, $2 only team, $3 thread, $4 after id or null, $5 limit
select u.id, u.team_id, u.thread_id, u.author_id, p.name as author_name, u.kind, u.reply_to, u.title, u.language,
       u.text, u.recording_id, u.recording_state, u.transcript_state, u.transcript_revision, u.renewal_state,
       u.summary_state, u.problem_code, u.problem_detail, u.upload_expires_at, u.duration_ms, u.has_video, u.renditions,
       u.posted_at, u.changed_at, u.version,
       (select count(*) from comments c where c.update_id = u.id and c.removed_at is null) as comment_count
from visible_updates($1, $2) v
join updates u on u.id = v.update_id
join people p on p.id = u.author_id
where v.thread_id = $3 and ($4::uuid is null or u.id > $4)
order by u.id
limit $5;

-- name: fetch_update
-- One update, if the asker may see it. $1 person, $2 only team, $3 update
select u.id, u.team_id, u.thread_id, u.author_id, p.name as author_name, u.kind, u.reply_to, u.title, u.language,
       u.text, u.recording_id, u.recording_state, u.transcript_state, u.transcript_revision, u.renewal_state,
       u.summary_state, u.problem_code, u.problem_detail, u.upload_expires_at, u.duration_ms, u.has_video, u.renditions,
       u.posted_at, u.changed_at, u.version,
       (select count(*) from comments c where c.update_id = u.id and c.removed_at is null) as comment_count
from visible_updates($1, $2) v
join updates u on u.id = v.update_id
join people p on p.id = u.author_id
where v.update_id = $3;

-- name: retitle_update
-- Give an update its author's title, or else its summary's, if nobody else changed it since.
-- $1 update, $2 title or null, $3 whose it is or null, $4 version, $5 now
update updates set title = $2, title_by = $3,
       version = version + 1, changed_at = $5
where id = $1 and version = $4 and removed_at is null
returning version;

-- name: allow_upload
-- Until when the recording may begin to arrive. $1 update, $2 expires
update updates set upload_expires_at = $2 where id = $1;

-- name: await_renewal
-- Somebody wished for a better transcript. $1 update, $2 the wish, $3 now
update updates set renewal_id = $2, renewal_state = 'waiting', changed_at = $3 where id = $1;

-- name: lock_update
-- Let no summary come in between. $1 update
select id from updates where id = $1 for update;

-- name: summary_title
-- The title the summary found, if there is one. $1 update
select text from statements where update_id = $1 and kind = 'title' order by number limit 1;

-- name: hold_update
-- Keep an update from being removed until the transaction ends; no row if it was. $1 update
select id from updates where id = $1 and removed_at is null for share;

-- name: remove_update
-- Empty an update; its row stays so that late messages about it find nothing to do. $1 update, $2 now
update updates set removed_at = $2, changed_at = $2, version = version + 1, title = null, title_by = null, text = null,
       renditions = '[]', problem_code = null, problem_detail = null
where id = $1 and removed_at is null
returning id, recording_id;

-- name: delete_speakers
-- The names of a removed update's speakers go with it. $1 update
delete from speakers where update_id = $1;

-- name: delete_corrections
-- The corrections of a removed update go with it. $1 update
delete from corrections where update_id = $1;

-- name: wipe_comments
-- The comments of a removed update go with it. $1 update, $2 now
update comments set removed_at = $2, changed_at = $2, text = '' where update_id = $1 and removed_at is null;
