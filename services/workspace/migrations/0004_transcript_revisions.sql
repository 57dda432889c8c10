-- Which transcript of a recording is here: a better one takes its place, an older one comes too late.

alter table updates add column transcript_revision integer check (transcript_revision >= 0);
update updates set transcript_revision = 0 where transcript_state = 'complete';
