-- name: insert_comment
-- Post a comment. $1 id, $2 update, $3 author, $4 parent, $5 at ms, $6 text, $7 now, $8 request key
insert into comments (id, update_id, author_id, parent_id, at_ms, text, posted_at, changed_at, request_key)
values ($1, $2, $3, $4, $5, $6, $7, $7, $8)
on conflict (author_id, request_key) do nothing
returning id;

-- name: comment_by_key
-- The comment the author posted under this Idempotency-Key. $1 author, $2 request key
select id from comments where author_id = $1 and request_key = $2;

-- name: parent_of
-- The comment a reply hangs on: replies to replies join the first one's. $1 update, $2 comment
select coalesce(parent_id, id) from comments where update_id = $1 and id = $2 and removed_at is null;

-- name: list_comments
-- Comments of an update in the order they were written. A removed one stays, empty, while replies stand.
-- $1 person, $2 only team, $3 update, $4 after id or null, $5 limit
select c.id, c.update_id, c.author_id, p.name as author_name, c.parent_id, c.at_ms, c.text, c.posted_at,
       c.changed_at, c.removed_at, c.version
from visible_updates($1, $2) v
join comments c on c.update_id = v.update_id
join people p on p.id = c.author_id
where v.update_id = $3 and ($4::uuid is null or c.id > $4)
  and (c.removed_at is null
       or exists (select 1 from comments r where r.parent_id = c.id and r.removed_at is null))
order by c.id
limit $5;

-- name: fetch_comment
-- One comment, if the asker may see it. $1 person, $2 only team, $3 comment
select c.id, c.update_id, c.author_id, p.name as author_name, c.parent_id, c.at_ms, c.text, c.posted_at,
       c.changed_at, c.removed_at, c.version
from visible_comments($1, $2) v
join comments c on c.id = v.comment_id
join people p on p.id = c.author_id
where v.comment_id = $3;

-- name: reword_comment
-- Change the text if nobody else did since. $1 comment, $2 text, $3 version, $4 now
update comments set text = $2, version = version + 1, changed_at = $4
where id = $1 and version = $3 and removed_at is null
returning version;

-- name: remove_comment
-- Wipe a comment. $1 comment, $2 now
update comments set removed_at = $2, changed_at = $2, version = version + 1, text = ''
where id = $1 and removed_at is null
returning id;
