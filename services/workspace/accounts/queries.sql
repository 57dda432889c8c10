-- name: insert_person
-- A new person. $1 id, $2 e-mail in lower case, $3 name, $4 password hash or null, $5 now
insert into people (id, email, name, password_hash, created_at) values ($1, $2, $3, $4, $5);

-- name: person_by_id
-- A person. $1 id
select id, email, name, password_hash, created_at from people where id = $1;

-- name: person_by_email
-- A person by the address they sign in with. $1 e-mail in lower case
select id, email, name, password_hash, created_at from people where email = $1;

-- name: set_password
-- Keep a new password. $1 person, $2 hash
update people set password_hash = $2 where id = $1;

-- name: set_name
-- Keep a new name. $1 person, $2 name
update people set name = $2 where id = $1;

-- name: any_person
-- Whether anybody is here yet.
select exists (select 1 from people);

-- name: person_by_identity
-- A person by who they are at a provider. $1 issuer, $2 subject
select p.id, p.email, p.name, p.password_hash, p.created_at
from identities i join people p on p.id = i.person_id
where i.issuer = $1 and i.subject = $2;

-- name: insert_identity
-- Tie a person to who they are at a provider. $1 issuer, $2 subject, $3 person, $4 now
insert into identities (issuer, subject, person_id, linked_at) values ($1, $2, $3, $4) on conflict do nothing;

-- name: is_known_elsewhere
-- Whether a provider has ever vouched for a person. $1 person
select exists (select 1 from identities where person_id = $1);

-- name: drop_password
-- Nobody signs in with a password any more. $1 person
update people set password_hash = null where id = $1;

-- name: drop_tokens
-- Revoke every API token of a person. $1 person
delete from api_tokens where person_id = $1;

-- name: drop_links
-- Make every sign-in link of a person useless. $1 person
delete from sign_in_links where person_id = $1;

-- name: insert_session
-- A new session. $1 id, $2 person, $3 hash, $4 client, $5 method, $6 now, $7 expires
insert into sessions (id, person_id, secret_hash, client, method, created_at, last_used_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $6, $7);

-- name: session_by_secret
-- The session a cookie stands for, while it lasts. $1 hash, $2 now
select id, person_id, last_used_at from sessions where secret_hash = $1 and expires_at > $2;

-- name: touch_session
-- Note that a session was used. $1 id, $2 now, $3 expires
update sessions set last_used_at = $2, expires_at = $3 where id = $1;

-- name: list_sessions
-- Where a person is signed in, newest first. $1 person, $2 now
select id, client, method, created_at, last_used_at, expires_at from sessions
where person_id = $1 and expires_at > $2
order by id desc;

-- name: session_by_id
-- One session of a person. $1 person, $2 session
select id, client, method, created_at, last_used_at, expires_at from sessions where person_id = $1 and id = $2;

-- name: delete_session
-- End one session of a person. $1 person, $2 session
delete from sessions where person_id = $1 and id = $2 returning id;

-- name: delete_other_sessions
-- End every session of a person but this one. $1 person, $2 session to keep or null
delete from sessions where person_id = $1 and ($2::uuid is null or id <> $2);

-- name: insert_token
-- A new API token. $1 id, $2 person, $3 team or null, $4 name, $5 hash, $6 scopes, $7 now, $8 expires or null
insert into api_tokens (id, person_id, team_id, name, secret_hash, scopes, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: token_by_secret
-- The API token a secret stands for, expired or not. $1 hash
select id, person_id, team_id, scopes, expires_at, last_used_at from api_tokens where secret_hash = $1;

-- name: touch_token
-- Note that a token was used. $1 id, $2 now
update api_tokens set last_used_at = $2 where id = $1;

-- name: list_tokens
-- A person's API tokens, newest first; through a token limited to a team, only that team's. $1 person, $2 only team
select id, team_id, name, scopes, created_at, expires_at, last_used_at from api_tokens
where person_id = $1 and ($2::uuid is null or team_id = $2)
order by id desc;

-- name: delete_token
-- Revoke an API token of a person; a team's token reaches that team's only. $1 person, $2 only team, $3 token
delete from api_tokens where person_id = $1 and ($2::uuid is null or team_id = $2) and id = $3
returning id;

-- name: insert_link
-- A new one-time sign-in link. $1 id, $2 person, $3 hash, $4 now, $5 expires
insert into sign_in_links (id, person_id, secret_hash, created_at, expires_at) values ($1, $2, $3, $4, $5);

-- name: link_is_good
-- Whether a link would still sign somebody in. $1 hash, $2 now
select exists (select 1 from sign_in_links where secret_hash = $1 and used_at is null and expires_at > $2);

-- name: use_link
-- Use a link up; no row if it was used or is over. Two at once: one row. $1 hash, $2 now
update sign_in_links set used_at = $2 where secret_hash = $1 and used_at is null and expires_at > $2
returning person_id;

-- name: insert_attempt
-- A trip to the provider begins. $1 state hash, $2 nonce, $3 code verifier, $4 expires
insert into oidc_attempts (state_hash, nonce, code_verifier, expires_at) values ($1, $2, $3, $4);

-- name: take_attempt
-- The trip comes back, once. $1 state hash, $2 now
delete from oidc_attempts where state_hash = $1 and expires_at > $2 returning nonce, code_verifier;

-- name: lock_key
-- Let attempts under one key be counted one after the other. $1 key
select pg_advisory_xact_lock(hashtextextended(encode($1, 'hex'), 0));

-- name: insert_failure
-- A sign-in counts as failed until it went well. $1 key, $2 now
insert into sign_in_failures (key, at) values ($1, $2);

-- name: count_failures
-- Failed sign-ins since a moment, and the first of them. $1 key, $2 since
select count(*) as failures, min(at) as first_at from sign_in_failures where key = $1 and at > $2;

-- name: clear_failures
-- A sign-in went well. $1 key
delete from sign_in_failures where key = $1;

-- name: take_back_failure
-- The one at this moment was none after all. $1 key, $2 at
delete from sign_in_failures where key = $1 and at = $2;

-- name: sweep_failures
-- Forget failures older than a moment. $1 before
delete from sign_in_failures where at < $1;

-- name: sweep_sessions
-- Forget sessions that are over. $1 now
delete from sessions where expires_at < $1;

-- name: sweep_links
-- Forget links that are over. $1 now
delete from sign_in_links where expires_at < $1;

-- name: sweep_attempts
-- Forget trips that never came back. $1 now
delete from oidc_attempts where expires_at < $1;
