-- name: fetch_head
-- What a page about an update's words begins with, if the asker may see it. $1 person, $2 only team, $3 update
select u.id, u.kind, u.title, u.language, u.duration_ms, u.transcript_state, u.summary_state, u.problem_code,
       u.problem_detail, u.changed_at
from visible_updates($1, $2) v join updates u on u.id = v.update_id
where v.update_id = $3;

-- name: list_segments
-- What was said, in order, as people corrected it. $1 update
select id, start_ms, end_ms, text, language, language_probability, confidence, speaker, words::text,
       coalesce(repeats_cut, 0) as repeats_cut, heard ->> 'text' as original
from segments where update_id = $1 order by id;

-- name: list_statements
-- What it comes to, in order. $1 update
select kind, text, owner, due, due_text, evidence from statements where update_id = $1 order by number;
