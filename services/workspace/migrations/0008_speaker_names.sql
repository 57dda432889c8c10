-- Who the labels of an update's speakers are. A name belongs to its update alone: nothing carries it to another.
create table speakers (
  update_id uuid not null references updates on delete cascade,
  label text not null,
  name text not null,
  named_by uuid not null references people,
  named_at timestamptz not null,
  primary key (update_id, label)
);
