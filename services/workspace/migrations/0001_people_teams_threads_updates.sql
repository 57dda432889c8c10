-- People, teams, threads, updates and comments, and who may see them.
-- Visibility lives in the visible_* functions at the end and nowhere else: every query joins them.

create table people (
  id uuid primary key,
  email text not null unique check (email = lower(email) and char_length(email) between 3 and 254),
  name text not null check (char_length(name) between 1 and 120),
  password_hash text,
  created_at timestamptz not null
);

-- Who a person is at an OpenID Connect provider.
create table identities (
  issuer text not null,
  subject text not null,
  person_id uuid not null references people on delete cascade,
  linked_at timestamptz not null,
  primary key (issuer, subject)
);
create index identities_person on identities (person_id);

create table teams (
  id uuid primary key,
  name text not null check (char_length(name) between 1 and 120),
  version integer not null default 1,
  founded_at timestamptz not null
);

create table memberships (
  team_id uuid not null references teams on delete cascade,
  person_id uuid not null references people on delete cascade,
  role text not null check (role in ('owner', 'member', 'guest')),
  joined_at timestamptz not null,
  primary key (team_id, person_id)
);
create index memberships_person on memberships (person_id);

create table threads (
  id uuid primary key,
  team_id uuid not null references teams on delete cascade,
  title text not null check (char_length(title) between 1 and 200),
  opened_by uuid not null references people,
  opened_at timestamptz not null,
  concluded_at timestamptz,
  conclusion text check (char_length(conclusion) <= 2000),
  version integer not null default 1,
  unique (team_id, id),
  check (conclusion is null or concluded_at is not null)
);

-- A guest sees only the threads named here; the membership says that they are a guest of the team.
create table thread_guests (
  thread_id uuid not null,
  team_id uuid not null,
  person_id uuid not null,
  invited_at timestamptz not null,
  primary key (thread_id, person_id),
  foreign key (team_id, thread_id) references threads (team_id, id) on delete cascade,
  foreign key (team_id, person_id) references memberships (team_id, person_id) on delete cascade
);
create index thread_guests_person on thread_guests (person_id);

create table updates (
  id uuid primary key,
  team_id uuid not null,
  thread_id uuid not null,
  author_id uuid not null references people,
  kind text not null check (kind in ('recording', 'text')),
  reply_to uuid references updates,
  title text check (char_length(title) between 1 and 200),
  -- Whose title it is: an author's is never replaced by a summary's.
  title_by text check (title_by in ('author', 'summary')),
  -- ISO 639-1: fixed by the author, else found by the transcription.
  language text check (language ~ '^[a-z]{2,3}$'),
  text text,
  recording_id uuid unique,
  recording_state text not null
    check (recording_state in ('none', 'waiting', 'arriving', 'arrived', 'ready', 'refused', 'expired')),
  transcript_state text not null
    check (transcript_state in ('none', 'waiting', 'growing', 'complete', 'failed')),
  summary_state text not null check (summary_state in ('none', 'waiting', 'complete')),
  problem_code text,
  problem_detail text,
  duration_ms bigint check (duration_ms >= 0),
  has_video boolean,
  renditions jsonb not null default '[]',
  -- The Idempotency-Key it was posted under: whatever dies between effect and reply, a repeat finds this row.
  request_key text,
  posted_at timestamptz not null,
  changed_at timestamptz not null,
  -- A removed update keeps its row, emptied, so that late messages about it find nothing to do.
  removed_at timestamptz,
  version integer not null default 1,
  foreign key (team_id, thread_id) references threads (team_id, id) on delete cascade,
  unique (author_id, request_key),
  check ((kind = 'recording') = (recording_id is not null)),
  check ((title is null) = (title_by is null))
);
create index updates_thread on updates (thread_id, id) where removed_at is null;

create table comments (
  id uuid primary key,
  update_id uuid not null references updates on delete cascade,
  author_id uuid not null references people,
  parent_id uuid references comments,
  at_ms bigint check (at_ms >= 0),
  text text not null,
  request_key text,
  posted_at timestamptz not null,
  changed_at timestamptz not null,
  -- A removed comment keeps its place so that replies to it still make sense; its text is wiped.
  removed_at timestamptz,
  version integer not null default 1,
  unique (author_id, request_key)
);
create index comments_update on comments (update_id, id);

create table sessions (
  id uuid primary key,
  person_id uuid not null references people on delete cascade,
  secret_hash bytea not null unique,
  client text not null default '',
  method text not null check (method in ('password', 'link', 'provider')),
  created_at timestamptz not null,
  last_used_at timestamptz not null,
  expires_at timestamptz not null
);
create index sessions_person on sessions (person_id);

create table api_tokens (
  id uuid primary key,
  person_id uuid not null references people on delete cascade,
  -- Null: all teams of the person.
  team_id uuid references teams on delete cascade,
  name text not null check (char_length(name) between 1 and 120),
  secret_hash bytea not null unique,
  scopes text[] not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  last_used_at timestamptz
);
create index api_tokens_person on api_tokens (person_id);

create table invitations (
  id uuid primary key,
  team_id uuid not null references teams on delete cascade,
  secret_hash bytea not null unique,
  role text not null check (role in ('owner', 'member', 'guest')),
  thread_ids uuid[] not null default '{}',
  created_by uuid not null references people,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  max_uses integer not null check (max_uses between 1 and 1000),
  uses integer not null default 0 check (uses <= max_uses),
  revoked_at timestamptz
);
create index invitations_team on invitations (team_id);

create table sign_in_links (
  id uuid primary key,
  person_id uuid not null references people on delete cascade,
  secret_hash bytea not null unique,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);

-- A round trip to the OpenID Connect provider that has begun and not come back.
create table oidc_attempts (
  state_hash bytea primary key,
  nonce text not null,
  code_verifier text not null,
  expires_at timestamptz not null
);

-- Recent failed sign-ins, counted over all replicas. The key is a hash of e-mail or address.
create table sign_in_failures (
  key bytea not null,
  at timestamptz not null
);
create index sign_in_failures_key on sign_in_failures (key, at);

-- Replies kept under an Idempotency-Key, so that a repeat gets the first answer. No status: being worked on.
create table idempotency (
  principal text not null,
  key text not null,
  fingerprint text not null,
  status integer,
  media_type text,
  location text,
  etag text,
  body bytea,
  created_at timestamptz not null,
  primary key (principal, key)
);
create index idempotency_age on idempotency (created_at);

-- Who sees what. only_team is the team an API token is limited to, or null.

create function visible_teams(asker uuid, only_team uuid)
returns table (team_id uuid, role text)
language sql stable as $$
  select m.team_id, m.role
  from memberships m
  where m.person_id = asker and (only_team is null or m.team_id = only_team)
$$;

create function visible_threads(asker uuid, only_team uuid)
returns table (thread_id uuid, team_id uuid, role text)
language sql stable as $$
  select t.id, t.team_id, v.role
  from visible_teams(asker, only_team) v
  join threads t on t.team_id = v.team_id
  where v.role in ('owner', 'member')
     or exists (select 1 from thread_guests g where g.thread_id = t.id and g.person_id = asker)
$$;

create function visible_updates(asker uuid, only_team uuid)
returns table (update_id uuid, thread_id uuid, team_id uuid, role text)
language sql stable as $$
  select u.id, v.thread_id, v.team_id, v.role
  from visible_threads(asker, only_team) v
  join updates u on u.thread_id = v.thread_id
  where u.removed_at is null
$$;

create function visible_comments(asker uuid, only_team uuid)
returns table (comment_id uuid, update_id uuid, thread_id uuid, team_id uuid, role text)
language sql stable as $$
  select c.id, v.update_id, v.thread_id, v.team_id, v.role
  from visible_updates(asker, only_team) v
  join comments c on c.update_id = v.update_id
  where c.removed_at is null
$$;
