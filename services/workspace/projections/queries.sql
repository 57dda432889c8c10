-- name: lock_progress
-- What is known of an update, locked until the transaction ends. $1 update
select kind, recording_id, title, title_by, language, recording_state, transcript_state, transcript_revision,
       renewal_id, renewal_state, summary_state, problem_code, problem_detail, problem_at, duration_ms, has_video, renditions,
       renditions_at, summary_at, removed_at
from updates where id = $1
for update;

-- name: save_progress
-- Keep what is now known of an update. $1 update, $2 title, $3 title by, $4 language, $5 recording state,
-- $6 transcript state, $7 its revision, $8 renewal, $9 renewal state, $10 summary state, $11 problem code,
-- $12 problem detail, $13 problem at, $14 duration, $15 has video, $16 renditions, $17 renditions at, $18 summary at,
-- $19 when it happened
update updates set
  title = $2, title_by = $3, language = $4, recording_state = $5, transcript_state = $6, transcript_revision = $7,
  renewal_id = $8, renewal_state = $9, summary_state = $10, problem_code = $11, problem_detail = $12, problem_at = $13,
  duration_ms = $14, has_video = $15, renditions = $16, renditions_at = $17, summary_at = $18,
  changed_at = greatest(changed_at, $19)
where id = $1;

-- name: is_removed
-- Whether the update was removed; null where there is none. $1 update
select removed_at is not null from updates where id = $1;

-- name: delete_segments
-- Make room for a whole transcript. $1 update
delete from segments where update_id = $1;

-- name: insert_segments
-- Keep segments that are not here yet. $1 update, $2 the segments
insert into segments
  (update_id, id, start_ms, end_ms, text, language, language_probability, confidence, speaker, words, repeats_cut)
select $1, s.id, s.start_ms, s.end_ms, s.text, s.language, s.language_probability, s.confidence, s.speaker, s.words,
       s.repeats_cut
from jsonb_to_recordset($2) as s(id integer, start_ms bigint, end_ms bigint, text text, language text,
                                 language_probability real, confidence real, speaker text, words jsonb,
                                 repeats_cut integer)
on conflict (update_id, id) do nothing;

-- name: first_stale_segment
-- Where the index must be cut anew when segments from $2 on have come; null: from the start. $1 update, $2 first new segment
select min(p.first_segment)
from (select max(id) as id from segments where update_id = $1 and id < $2) earlier
join passages p on p.update_id = $1 and p.source = 'speech' and p.last_segment >= earlier.id;

-- name: delete_passages
-- Take stretches of speech out of the index, from a segment on. $1 update, $2 first segment
delete from passages where update_id = $1 and source = 'speech' and first_segment >= $2;

-- name: prune_words
-- Forget the words that are in the index no longer. $1 update
select prune_words($1);

-- name: segments_from
-- Text of an update from a segment on, in order. $1 update, $2 first segment
select id, start_ms, end_ms, text, language from segments where update_id = $1 and id >= $2 order by id;

-- name: insert_passages
-- Index stretches of speech. $1 update, then one array per column
insert into passages (update_id, source, first_segment, last_segment, language, folded)
select $1, 'speech', p.first_segment, p.last_segment, p.language, fold(p.text, p.language)
from unnest($2::int[], $3::int[], $4::text[], $5::text[]) as p(first_segment, last_segment, language, text);

-- name: delete_statements
-- Make room for a newer summary. $1 update
delete from statements where update_id = $1;

-- name: insert_statement
-- Keep one statement. $1 update, $2 number, $3 kind, $4 text, $5 owner, $6 due, $7 due text, $8 evidence
insert into statements (update_id, number, kind, text, owner, due, due_text, evidence)
values ($1, $2, $3, $4, $5, $6, $7, $8);
