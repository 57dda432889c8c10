-- name: insert_credential
-- Remember that a credential was given out. $1 id, $2 team, $3 by, $4 now, $5 expires
insert into event_credentials (id, team_id, created_by, created_at, expires_at) values ($1, $2, $3, $4, $5);

-- name: list_credentials
-- Credentials of a team that still read its events, newest first. $1 team, $2 now
select c.id, c.team_id, c.created_by, p.name as created_by_name, c.created_at, c.expires_at
from event_credentials c join people p on p.id = c.created_by
where c.team_id = $1 and c.expires_at > $2 and c.revoked_at is null
order by c.id desc;

-- name: list_standing
-- Credentials of all teams that read events. $1 now
select id, team_id from event_credentials where expires_at > $1 and revoked_at is null;

-- name: lock_credential
-- Let nobody make or end the reader of a credential beside us; no row if it reads no more. $1 team, $2 credential
select true from event_credentials where team_id = $1 and id = $2 and revoked_at is null for update;

-- name: revoke_credentials_of
-- Whoever is no owner any more reads no events by credentials. $1 team, $2 person, $3 now
update event_credentials set revoked_at = $3 where team_id = $1 and created_by = $2 and revoked_at is null;

-- name: list_revoked
-- Credentials that were revoked and whose readers may still stand. $1 team or null
select id, team_id from event_credentials where revoked_at is not null and ($1::uuid is null or team_id = $1);

-- name: delete_credential
-- Forget a credential that reads nothing any more. $1 credential
delete from event_credentials where id = $1;

-- name: sweep_credentials
-- Forget credentials that are over. $1 now
delete from event_credentials where expires_at < $1;
