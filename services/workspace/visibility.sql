-- name: team_for
-- The team and the asker's role in it, if it is theirs. $1 person, $2 only team, $3 team
select v.team_id, v.role from visible_teams($1, $2) v where v.team_id = $3;

-- name: thread_for
-- The thread with its team, if the asker may see it. $1 person, $2 only team, $3 thread
select v.thread_id, v.team_id, v.role from visible_threads($1, $2) v where v.thread_id = $3;

-- name: update_for
-- The update with its thread, author and team, if the asker may see it. $1 person, $2 only team, $3 update
select v.update_id, v.thread_id, v.team_id, v.role, u.author_id
from visible_updates($1, $2) v join updates u on u.id = v.update_id
where v.update_id = $3;

-- name: comment_for
-- The comment with its update, author and team, if the asker may see it. $1 person, $2 only team, $3 comment
select v.comment_id, v.update_id, v.thread_id, v.team_id, v.role, c.author_id
from visible_comments($1, $2) v join comments c on c.id = v.comment_id
where v.comment_id = $3;

-- name: correction_for
-- The update a correction is of, with its author and team, if the asker may see it. $1 person, $2 only team,
-- $3 correction
select v.update_id, v.thread_id, v.team_id, v.role, u.author_id
from corrections k
join visible_updates($1, $2) v on v.update_id = k.update_id
join updates u on u.id = v.update_id
where k.id = $3;

-- name: threads_for
-- Threads of one team the asker may see. $1 person, $2 only team, $3 team
select v.thread_id from visible_threads($1, $2) v where v.team_id = $3;
