-- name: note_posted
-- Remember when an update was posted. $1 update, $2 when
insert into updates (id, posted_at) values ($1, $2)
on conflict (id) do update set posted_at = excluded.posted_at;

-- name: note_revision
-- Remember which transcript was summarised, unless the update is gone or a newer one was. $1 update, $2 revision
insert into updates (id, revision) values ($1, $2)
on conflict (id) do update set revision = excluded.revision
where updates.removed_at is null and coalesce(updates.revision, 0) <= excluded.revision
returning true;

-- name: note_removed
-- Remember that an update is gone. $1 update, $2 when
insert into updates (id, removed_at) values ($1, $2)
on conflict (id) do update set removed_at = excluded.removed_at, posted_at = null;

-- name: recall
-- What is remembered of an update. $1 update
select posted_at, removed_at is not null as is_removed, revision from updates where id = $1;

-- name: recall_locked
-- The same, so that nobody removes it before this transaction ends. $1 update
select posted_at, removed_at is not null as is_removed, revision from updates where id = $1 for share;
