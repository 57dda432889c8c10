-- name: is_speaker
-- Whether somebody is heard under this label in an update. $1 update, $2 label
select exists (select from segments where update_id = $1 and speaker = $2);

-- name: name_speaker
-- Keep what a speaker is called in this update. $1 update, $2 label, $3 name, $4 by whom, $5 now
insert into speakers (update_id, label, name, named_by, named_at) values ($1, $2, $3, $4, $5)
on conflict (update_id, label) do update
set name = excluded.name, named_by = excluded.named_by, named_at = excluded.named_at;

-- name: forget_name
-- Let a speaker be a mere label again. $1 update, $2 label
delete from speakers where update_id = $1 and label = $2;

-- name: names_of
-- What the speakers of an update are called, as far as anybody said. $1 update
select label, name from speakers where update_id = $1;
