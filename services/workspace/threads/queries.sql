-- name: insert_thread
-- Open a thread. $1 id, $2 team, $3 title, $4 by, $5 now, $6 request key or null
insert into threads (id, team_id, title, opened_by, opened_at, request_key) values ($1, $2, $3, $4, $5, $6)
on conflict (opened_by, request_key) do nothing
returning id;

-- name: thread_by_key
-- The thread somebody opened under this Idempotency-Key. $1 person, $2 request key
select id from threads where opened_by = $1 and request_key = $2;

-- name: list_threads
-- Threads of a team the asker may see, newest first. $1 person, $2 only team, $3 team, $4 before id or null, $5 limit
select t.id, t.team_id, t.title, t.opened_by, t.opened_at, t.concluded_at, t.conclusion, t.version,
       v.role, posted.update_count, posted.last_update_at, newest.last_update_title, newest.last_update_by,
       said.last_comment_at
from visible_threads($1, $2) v
join threads t on t.id = v.thread_id
cross join lateral (
  select count(*) as update_count, max(u.posted_at) as last_update_at
  from updates u where u.thread_id = t.id and u.removed_at is null) posted
left join lateral (
  select u.title as last_update_title, p.name as last_update_by
  from updates u join people p on p.id = u.author_id
  where u.thread_id = t.id and u.removed_at is null
  order by u.id desc limit 1) newest on true
cross join lateral (
  select max(c.posted_at) as last_comment_at
  from updates u join comments c on c.update_id = u.id
  where u.thread_id = t.id and u.removed_at is null and c.removed_at is null and c.author_id <> $1) said
where v.team_id = $3 and ($4::uuid is null or t.id < $4)
order by t.id desc
limit $5;

-- name: fetch_thread
-- One thread, if the asker may see it. $1 person, $2 only team, $3 thread
select t.id, t.team_id, t.title, t.opened_by, t.opened_at, t.concluded_at, t.conclusion, t.version,
       v.role, posted.update_count, posted.last_update_at, newest.last_update_title, newest.last_update_by,
       said.last_comment_at
from visible_threads($1, $2) v
join threads t on t.id = v.thread_id
cross join lateral (
  select count(*) as update_count, max(u.posted_at) as last_update_at
  from updates u where u.thread_id = t.id and u.removed_at is null) posted
left join lateral (
  select u.title as last_update_title, p.name as last_update_by
  from updates u join people p on p.id = u.author_id
  where u.thread_id = t.id and u.removed_at is null
  order by u.id desc limit 1) newest on true
cross join lateral (
  select max(c.posted_at) as last_comment_at
  from updates u join comments c on c.update_id = u.id
  where u.thread_id = t.id and u.removed_at is null and c.removed_at is null and c.author_id <> $1) said
where v.thread_id = $3;

-- name: change_thread
-- Rename, conclude or reopen if nobody else did since. $1 thread, $2 title, $3 concluded at, $4 conclusion, $5 version
update threads set title = $2, concluded_at = $3, conclusion = $4, version = version + 1
where id = $1 and version = $5
returning version;

-- name: list_guests
-- Guests of a thread. $1 thread
select g.person_id, p.name, g.invited_at
from thread_guests g join people p on p.id = g.person_id
where g.thread_id = $1
order by g.invited_at, g.person_id;

-- name: insert_guest
-- Let a guest of the team into one more thread; no row if they are no guest of it. $1 thread, $2 team, $3 person, $4 now
insert into thread_guests (thread_id, team_id, person_id, invited_at)
select $1, m.team_id, m.person_id, $4 from memberships m
where m.team_id = $2 and m.person_id = $3 and m.role = 'guest'
on conflict (thread_id, person_id) do update set invited_at = thread_guests.invited_at
returning person_id;

-- name: delete_guest
-- Take a guest out of a thread. $1 thread, $2 person
delete from thread_guests where thread_id = $1 and person_id = $2 returning person_id;
