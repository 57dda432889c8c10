-- name: claim
-- Take a key nobody has taken, or whose taker has died. $1 principal, $2 key, $3 fingerprint, $4 now, $5 abandoned before
insert into idempotency (principal, key, fingerprint, created_at) values ($1, $2, $3, $4)
on conflict (principal, key) do update set created_at = $4
  where idempotency.status is null and idempotency.created_at < $5 and idempotency.fingerprint = $3
returning key;

-- name: kept
-- What is known under a key. $1 principal, $2 key
select fingerprint, status, media_type, location, etag, body from idempotency where principal = $1 and key = $2;

-- name: keep
-- Keep the reply. $1 principal, $2 key, $3 status, $4 media type, $5 location, $6 etag, $7 body
update idempotency set status = $3, media_type = $4, location = $5, etag = $6, body = $7
where principal = $1 and key = $2;

-- name: release
-- Give a key back. $1 principal, $2 key
delete from idempotency where principal = $1 and key = $2 and status is null;

-- name: sweep_replies
-- Forget replies older than a moment. $1 before
delete from idempotency where created_at < $1;

-- name: sweep_update_keys
-- Forget under which keys updates were posted before a moment. $1 before
update updates set request_key = null where request_key is not null and posted_at < $1;

-- name: sweep_comment_keys
-- Likewise comments. $1 before
update comments set request_key = null where request_key is not null and posted_at < $1;

-- name: sweep_thread_keys
-- Likewise threads. $1 before
update threads set request_key = null where request_key is not null and opened_at < $1;

-- name: sweep_correction_keys
-- Likewise corrections. $1 before
update corrections set request_key = null where request_key is not null and made_at < $1;
