-- A recording may be put into words again: the latest wish for it, and how it stands. Null: nobody asked, or it is done.

alter table updates
  add column renewal_id uuid,
  add column renewal_state text check (renewal_state in ('waiting', 'failed')),
  add check ((renewal_id is null) = (renewal_state is null));
