-- name: lock_words
-- Let nobody else change the words of an update meanwhile; tells what kind they are and whether they are whole.
-- $1 update
select kind, transcript_state from updates where id = $1 for update;

-- name: insert_correction
-- Make a correction. $1 id, $2 update, $3 author, $4 start ms, $5 end ms, $6 original, $7 replacement, $8 now,
-- $9 request key
insert into corrections (id, update_id, author_id, start_ms, end_ms, original, replacement, made_at, request_key)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: correction_by_key
-- The correction the author made under this Idempotency-Key. $1 author, $2 request key
select id from corrections where author_id = $1 and request_key = $2;

-- name: list_corrections
-- Corrections of an update the asker may see, oldest first. $1 person, $2 only team, $3 update, $4 after id or null,
-- $5 limit
select c.id, c.update_id, c.author_id, p.name as author_name, c.start_ms, c.end_ms, c.original, c.replacement, c.made_at
from visible_updates($1, $2) v
join corrections c on c.update_id = v.update_id
join people p on p.id = c.author_id
where v.update_id = $3 and ($4::uuid is null or c.id > $4)
order by c.id
limit $5;

-- name: fetch_correction
-- One correction, if the asker may see it. $1 person, $2 only team, $3 correction
select c.id, c.update_id, c.author_id, p.name as author_name, c.start_ms, c.end_ms, c.original, c.replacement, c.made_at
from corrections c
join visible_updates($1, $2) v on v.update_id = c.update_id
join people p on p.id = c.author_id
where c.id = $3;

-- name: corrections_of
-- Every correction of an update, oldest first. $1 update
select c.id, c.update_id, c.author_id, p.name as author_name, c.start_ms, c.end_ms, c.original, c.replacement, c.made_at
from corrections c join people p on p.id = c.author_id
where c.update_id = $1
order by c.id;

-- name: delete_correction
-- Take a correction back. $1 correction
delete from corrections where id = $1;

-- name: is_corrected
-- Whether any words are shown that were not heard. $1 update
select exists (select 1 from segments where update_id = $1 and heard is not null)
    or exists (select 1 from statements where update_id = $1 and heard is not null);

-- name: heard_segments
-- What was heard, before anybody corrected it, in order. $1 update
select id, start_ms, end_ms, coalesce(heard ->> 'text', text) as text, language, confidence, speaker,
       coalesce(heard -> 'words', words) as words
from segments where update_id = $1 order by id;

-- name: save_segments
-- Keep segments as they are shown now; what was heard stays beside what was corrected. $1 update, $2 the segments
update segments s set
  text = n.text,
  words = n.words,
  heard = case when n.is_corrected
               then coalesce(s.heard, jsonb_build_object('text', s.text, 'words', s.words)) end
from jsonb_to_recordset($2) as n(id integer, text text, words jsonb, is_corrected boolean)
where s.update_id = $1 and s.id = n.id;

-- name: heard_statements
-- What an update comes to as it was summarised, before anybody corrected its words, in order. $1 update
select kind, coalesce(heard ->> 'text', text) as text, case when heard is null then owner else heard ->> 'owner' end as owner,
       due, due_text, coalesce(heard -> 'evidence', evidence) as evidence
from statements where update_id = $1 order by number;

-- name: save_statements
-- Keep statements as they are shown now; what was summarised stays beside what was corrected. $1 update, $2 the statements
update statements s set
  text = n.text,
  owner = n.owner,
  evidence = n.evidence,
  heard = case when n.is_corrected
               then coalesce(s.heard, jsonb_build_object('text', s.text, 'owner', s.owner, 'evidence', s.evidence)) end
from jsonb_to_recordset($2) as n(number integer, text text, owner text, evidence jsonb, is_corrected boolean)
where s.update_id = $1 and s.number = n.number;

-- name: note_restated
-- Readers look at the summary again; its title names the update unless the author did. $1 update, $2 title or null, $3 now
update updates set
  title = case when title_by = 'summary' then coalesce($2, title) else title end,
  version = version + (case when title_by = 'summary' and $2 <> title then 1 else 0 end),
  changed_at = greatest(changed_at, $3)
where id = $1;

-- name: refresh_passages
-- Index anew the stretches of speech that hold one of these segments. $1 update, $2 segments
with old as (
  delete from passages p
  where p.update_id = $1 and p.source = 'speech'
    and exists (select 1 from unnest($2::int[]) as c(id) where c.id between p.first_segment and p.last_segment)
  returning p.first_segment, p.last_segment, p.language
)
insert into passages (update_id, source, first_segment, last_segment, language, folded)
select $1, 'speech', o.first_segment, o.last_segment, o.language,
       fold(string_agg(btrim(s.text), ' ' order by s.id), o.language)
from old o
join segments s on s.update_id = $1 and s.id between o.first_segment and o.last_segment
where btrim(s.text) <> ''
group by o.first_segment, o.last_segment, o.language;

-- name: prune_words
-- Forget the words that are in the index no longer. $1 update
select prune_words($1);
