-- Who was taken out of a team, which credentials read its events, and until when an upload may begin.

-- The last time a person went out of a team: no invitation made before readmits them.
create table removals (
  team_id uuid not null references teams on delete cascade,
  person_id uuid not null references people on delete cascade,
  removed_at timestamptz not null,
  primary key (team_id, person_id)
);

-- A row for each NATS credential given to an integrator; the secret itself is kept nowhere.
create table event_credentials (
  id uuid primary key,
  team_id uuid not null references teams on delete cascade,
  created_by uuid not null references people,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  -- Not to be used any more, but its reader on the bus may still stand.
  revoked_at timestamptz
);
create index event_credentials_team on event_credentials (team_id);
create index event_credentials_maker on event_credentials (created_by);

-- When the newest upload token of a recording ends; nothing can begin to arrive after it.
alter table updates add column upload_expires_at timestamptz;
