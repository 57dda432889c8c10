-- What was said and what it comes to, kept from other services' facts, and the search index over it.
-- Triggers keep index and updates together, so that no writer of titles or comments can forget it.

-- When the facts behind these columns happened, so that a late one never undoes a newer one.
alter table updates
  add column renditions_at timestamptz,
  add column problem_at timestamptz,
  add column summary_at timestamptz;

create table segments (
  update_id uuid not null references updates on delete cascade,
  -- As the transcription numbered them; a written update's sentences count from 0.
  id integer not null,
  -- Null in written updates.
  start_ms bigint check (start_ms >= 0),
  end_ms bigint check (end_ms >= 0),
  text text not null,
  language text,
  confidence real,
  speaker text,
  words jsonb not null default '[]',
  primary key (update_id, id),
  check ((start_ms is null) = (end_ms is null))
);

create table statements (
  update_id uuid not null references updates on delete cascade,
  number integer not null,
  kind text not null check (kind in ('title', 'gist', 'decision', 'action', 'question', 'chapter')),
  text text not null,
  owner text,
  due date,
  due_text text,
  evidence jsonb not null,
  primary key (update_id, number)
);

-- How PostgreSQL shall stem a language; what it does not know is taken word by word.
create function search_config(language text) returns regconfig
language sql immutable parallel safe
return case language
  when 'ar' then 'pg_catalog.arabic'::regconfig
  when 'ca' then 'pg_catalog.catalan'::regconfig
  when 'da' then 'pg_catalog.danish'::regconfig
  when 'de' then 'pg_catalog.german'::regconfig
  when 'el' then 'pg_catalog.greek'::regconfig
  when 'en' then 'pg_catalog.english'::regconfig
  when 'es' then 'pg_catalog.spanish'::regconfig
  when 'fi' then 'pg_catalog.finnish'::regconfig
  when 'fr' then 'pg_catalog.french'::regconfig
  when 'hu' then 'pg_catalog.hungarian'::regconfig
  when 'it' then 'pg_catalog.italian'::regconfig
  when 'nl' then 'pg_catalog.dutch'::regconfig
  when 'no' then 'pg_catalog.norwegian'::regconfig
  when 'pt' then 'pg_catalog.portuguese'::regconfig
  when 'ro' then 'pg_catalog.romanian'::regconfig
  when 'ru' then 'pg_catalog.russian'::regconfig
  when 'sv' then 'pg_catalog.swedish'::regconfig
  when 'tr' then 'pg_catalog.turkish'::regconfig
  else 'pg_catalog.simple'::regconfig
end;

-- The form in which text is compared: no accents, no capitals, and in German ue like ü like u.
-- After a, e or q (bauen, neue, Quelle) ue is no umlaut.
create function fold(value text, language text) returns text
language sql immutable parallel safe
return case
  when language = 'de' then regexp_replace(regexp_replace(
    lower(extensions.unaccent('extensions.unaccent'::regdictionary, normalize(value, nfkc))),
    '(?<![aeq])ue', 'u', 'g'), '([ao])e', '\1', 'g')
  else lower(extensions.unaccent('extensions.unaccent'::regdictionary, normalize(value, nfkc)))
end;

-- The search index: stretches of about eighty words that overlap by half, titles and comments.
create table passages (
  id bigint generated always as identity primary key,
  update_id uuid not null references updates on delete cascade,
  source text not null check (source in ('speech', 'title', 'comment')),
  comment_id uuid unique references comments on delete cascade,
  first_segment integer,
  last_segment integer,
  -- ISO 639-1, or empty where it is not known.
  language text not null,
  folded text not null,
  lexemes tsvector not null generated always as (to_tsvector(search_config(language), folded)) stored,
  check ((source = 'speech') = (first_segment is not null and last_segment is not null)),
  check ((source = 'comment') = (comment_id is not null))
);
create index passages_update on passages (update_id, first_segment);
create unique index passages_title on passages (update_id) where source = 'title';
create index passages_language on passages (language);
-- Without a list of pending entries, which every search would have to read through.
create index passages_lexemes on passages using gin (lexemes) with (fastupdate = off);

-- Which longer words an update holds, to find parts of compounds and what was misspelt.
-- In scripts written without spaces a whole run counts as one word, so these are kept at any length.
create table update_words (
  update_id uuid not null references updates on delete cascade,
  word text not null,
  primary key (update_id, word)
);
create index update_words_word on update_words using gin (word extensions.gin_trgm_ops) with (fastupdate = off);

create function words_of(folded text) returns setof text
language sql immutable parallel safe as $$
  select distinct word
  from regexp_split_to_table(folded, '[^[:alnum:]]+') as word
  where char_length(word) between 5 and 100 or octet_length(word) > 2 * char_length(word)
$$;

create function add_words() returns trigger language plpgsql as $$
begin
  insert into update_words (update_id, word)
  select distinct a.update_id, w.word from added a, words_of(a.folded) as w(word)
  on conflict do nothing;
  return null;
end $$;
create trigger passages_words after insert on passages
  referencing new table as added for each statement execute function add_words();

-- Forgets the words that no passage of the update holds any more.
create function prune_words(pruned_update uuid) returns void language sql as $$
  delete from update_words w
  where w.update_id = pruned_update and not exists (
    select 1 from passages p where p.update_id = pruned_update and position(w.word in p.folded) > 0)
$$;

-- A new title is found at once; a removed update leaves nothing behind.
create function index_update() returns trigger language plpgsql as $$
begin
  if new.removed_at is not null then
    delete from passages where update_id = new.id;
    delete from segments where update_id = new.id;
    delete from statements where update_id = new.id;
  else
    delete from passages where update_id = new.id and source = 'title';
    insert into passages (update_id, source, language, folded)
    select new.id, 'title', coalesce(new.language, ''), fold(new.title, new.language)
    where new.title is not null;
  end if;
  perform prune_words(new.id);
  return null;
end $$;
create trigger updates_indexed after insert on updates
  for each row execute function index_update();
create trigger updates_reindexed after update of title, language, removed_at on updates
  for each row when (
    (old.title, old.language, old.removed_at) is distinct from (new.title, new.language, new.removed_at))
  execute function index_update();

-- Comments are indexed in the language of their update.
create function index_comment() returns trigger language plpgsql as $$
begin
  delete from passages where comment_id = new.id;
  if new.removed_at is null then
    insert into passages (update_id, source, comment_id, language, folded)
    select u.id, 'comment', new.id, coalesce(u.language, ''), fold(new.text, u.language)
    from updates u where u.id = new.update_id and u.removed_at is null;
  end if;
  perform prune_words(new.update_id);
  return null;
end $$;
create trigger comments_indexed after insert or update of text, removed_at on comments
  for each row execute function index_comment();
