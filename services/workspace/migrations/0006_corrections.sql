-- What people corrected in transcripts. A correction is tied to a stretch of time and the words it replaces there, so
-- that it stands when a recording is transcribed again.
create table corrections (
  id uuid primary key,
  update_id uuid not null references updates on delete cascade,
  author_id uuid not null references people,
  start_ms bigint not null check (start_ms >= 0),
  end_ms bigint not null check (end_ms >= start_ms),
  original text not null,
  replacement text not null,
  made_at timestamptz not null,
  request_key text,
  unique (author_id, request_key)
);
create index corrections_update on corrections (update_id, id);

-- Text and words of a segment are as people corrected them; this keeps what was heard: {"text": …, "words": […]}.
-- Null where nobody corrected anything.
alter table segments add column heard jsonb;
