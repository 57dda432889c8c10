-- name: insert_team
-- Found a team. $1 id, $2 name, $3 now
insert into teams (id, name, founded_at) values ($1, $2, $3);

-- name: insert_membership
-- Put a person in a team; nothing happens if they are in it already. $1 team, $2 person, $3 role, $4 now
insert into memberships (team_id, person_id, role, joined_at) values ($1, $2, $3, $4)
on conflict do nothing
returning role;

-- name: list_teams
-- The asker's teams, oldest first. Guests do not see the glossary. $1 person, $2 only team
select t.id, t.name, t.version, t.founded_at, v.role, t.languages,
       case when v.role = 'guest' then '{}' else t.glossary end as glossary
from visible_teams($1, $2) v join teams t on t.id = v.team_id
order by t.id;

-- name: fetch_team
-- One team with the asker's role. Guests do not see the glossary. $1 person, $2 only team, $3 team
select t.id, t.name, t.version, t.founded_at, v.role, t.languages,
       case when v.role = 'guest' then '{}' else t.glossary end as glossary
from visible_teams($1, $2) v join teams t on t.id = v.team_id
where t.id = $3;

-- name: change_team
-- Change if nobody else did since. $1 team, $2 name, $3 languages, $4 glossary, $5 version the asker saw
update teams set name = $2, languages = $3, glossary = $4, version = version + 1
where id = $1 and version = $5
returning version;

-- name: list_members
-- People of a team. A guest sees owners, members and the guests of their own threads, and no e-mail.
-- $1 person, $2 only team, $3 team
select m.person_id, p.name, m.role, m.joined_at,
       case when v.role = 'guest' and m.person_id <> $1 then null else p.email end as email,
       array(select g.thread_id from thread_guests g
             join visible_threads($1, $2) t on t.thread_id = g.thread_id
             where g.person_id = m.person_id and g.team_id = m.team_id
             order by g.thread_id) as thread_ids
from visible_teams($1, $2) v
join memberships m on m.team_id = v.team_id
join people p on p.id = m.person_id
where v.team_id = $3
  and (v.role in ('owner', 'member') or m.role in ('owner', 'member') or m.person_id = $1
       or exists (select 1 from thread_guests mine
                  join thread_guests theirs on theirs.thread_id = mine.thread_id
                  where mine.person_id = $1 and theirs.person_id = m.person_id and mine.team_id = $3))
order by m.joined_at, m.person_id;

-- name: lock_owners
-- Lock the owners of a team, so that two cannot go at once and leave it without any. $1 team
select person_id from memberships where team_id = $1 and role = 'owner' order by person_id for update;

-- name: lock_membership
-- One person's place in a team, locked. $1 team, $2 person
select m.role, m.joined_at, p.name from memberships m join people p on p.id = m.person_id
where m.team_id = $1 and m.person_id = $2 for update of m;

-- name: set_role
-- Give a member another role. $1 team, $2 person, $3 role
update memberships set role = $3 where team_id = $1 and person_id = $2;

-- name: delete_membership
-- Take a person out of a team; their guest places go with it. $1 team, $2 person
delete from memberships where team_id = $1 and person_id = $2;

-- name: record_removal
-- Remember when a person went out of a team. $1 team, $2 person, $3 now
insert into removals (team_id, person_id, removed_at) values ($1, $2, $3)
on conflict (team_id, person_id) do update set removed_at = excluded.removed_at;

-- name: removed_since
-- Whether a person went out of a team at a moment or later. $1 team, $2 person, $3 moment
select exists (select 1 from removals where team_id = $1 and person_id = $2 and removed_at >= $3);

-- name: clear_guest_places
-- Someone who sees every thread needs no guest places. $1 team, $2 person
delete from thread_guests where team_id = $1 and person_id = $2;

-- name: delete_team_tokens
-- A person who left keeps no token limited to the team. $1 team, $2 person
delete from api_tokens where team_id = $1 and person_id = $2;

-- name: insert_guest_places
-- Let a guest into threads of the team. $1 team, $2 person, $3 threads, $4 now
insert into thread_guests (thread_id, team_id, person_id, invited_at)
select t.id, t.team_id, $2, $4 from threads t where t.team_id = $1 and t.id = any ($3)
on conflict do nothing;

-- name: count_threads
-- How many of these threads belong to the team. $1 team, $2 threads
select count(*) from threads where team_id = $1 and id = any ($2);

-- name: insert_invitation
-- Keep an invitation; only the hash of its secret is stored.
-- $1 id, $2 team, $3 hash, $4 role, $5 threads, $6 by, $7 now, $8 expires, $9 max uses
insert into invitations
  (id, team_id, secret_hash, role, thread_ids, created_by, created_at, expires_at, max_uses)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: list_invitations
-- Invitations of a team that can still be used, newest first. $1 team, $2 now
select id, role, thread_ids, created_by, created_at, expires_at, max_uses, uses
from invitations
where team_id = $1 and revoked_at is null and expires_at > $2 and uses < max_uses
order by id desc;

-- name: revoke_invitation
-- Make an invitation useless. $1 team, $2 invitation, $3 now
update invitations set revoked_at = $3 where team_id = $1 and id = $2 and revoked_at is null
returning id;

-- name: revoke_invitations_of
-- Whoever may invite no longer leaves no link behind. $1 team, $2 person, $3 now
update invitations set revoked_at = $3 where team_id = $1 and created_by = $2 and revoked_at is null;

-- name: look_at_invitation
-- What the holder of the secret may know before accepting. $1 hash, $2 now
select i.id, i.team_id, i.role, i.thread_ids, i.expires_at, t.name as team_name, p.name as invited_by
from invitations i join teams t on t.id = i.team_id join people p on p.id = i.created_by
where i.secret_hash = $1 and i.revoked_at is null and i.expires_at > $2 and i.uses < i.max_uses;

-- name: use_invitation
-- Count one use; no row if it is used up, over or revoked. Two takers of the last use: one row. $1 hash, $2 now
update invitations set uses = uses + 1
where secret_hash = $1 and revoked_at is null and expires_at > $2 and uses < max_uses
returning team_id, role, thread_ids, created_at;
