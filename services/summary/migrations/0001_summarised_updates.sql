-- What the summary service remembers of an update: when it was posted, and that it is gone.

create table updates (
  id uuid primary key,
  -- Deadlines such as "by Friday" are counted from this day. Null where the transcript came first.
  posted_at timestamptz,
  -- A removed update keeps its row, so that a late transcript of it is not summarised.
  removed_at timestamptz
);
