-- name: prepare
-- For this transaction: let a word be found when about half of its groups of three letters are others, and tell the
-- planner that the index is in memory or on a disk without heads.
select set_config('pg_trgm.similarity_threshold', '0.45', true), set_config('random_page_cost', '1.1', true);

-- name: find
-- Passages and how well each answers, best updates first. What the asker may not see is not even counted.
-- $1 person, $2 only team, $3 words, $4 the reach of each, $5 phrases, $6 excluded words or phrases,
-- $7 team, $8 thread, $9 author, $10 language, $11 posted from, $12 posted before, $13 limit, $14 offset
with recursive
scope as materialized (
  select v.update_id
  from visible_updates($1, $2) v
  join updates u on u.id = v.update_id
  where ($7::uuid is null or v.team_id = $7)
    and ($8::uuid is null or v.thread_id = $8)
    and ($9::uuid is null or u.author_id = $9)
    and ($11::timestamptz is null or u.posted_at >= $11)
    and ($12::timestamptz is null or u.posted_at < $12)
),
-- The few languages there are, each found by one step in their index.
languages as (
  select min(language) as language from passages
  union all
  select (select min(p.language) from passages p where p.language > l.language) from languages l
  where l.language is not null
),
asked as (
  select 'word' as role, number, w.text, w.reach
  from unnest($3::text[], $4::text[]) with ordinality as w(text, reach, number)
  union all
  select 'phrase', 1000 + number, text, 'whole' from unnest($5::text[]) with ordinality as p(text, number)
  union all
  select 'not', 2000 + number, text, 'whole' from unnest($6::text[]) with ordinality as n(text, number)
),
-- Each word in each language; a language's stop words ask for nothing in it.
terms as materialized (
  select a.role, a.number, l.language, a.reach, fold(a.text, l.language) as folded,
         case a.role when 'word' then plainto_tsquery(search_config(l.language), fold(a.text, l.language))
                     else phraseto_tsquery(search_config(l.language), fold(a.text, l.language)) end as query
  from asked a cross join languages l
  where l.language is not null and ($10::text is null or l.language = $10)
),
-- ts_rank of a word that stands there once is 0.0608; said again, it counts for a little more.
exact as materialized (
  select t.role, t.number, p.id, p.update_id, 0.7 + 0.3 * ts_rank(p.lexemes, t.query) / 0.0608 as worth
  from terms t
  -- Not flattened: the few terms each ask the index, whatever the planner thinks their number is.
  cross join lateral (
    select p.id, p.update_id, p.lexemes from passages p
    where p.lexemes @@ t.query and p.language = t.language offset 0) p
  join scope s on s.update_id = p.update_id
  where numnode(t.query) > 0
),
-- "replikation" is in "datenbankreplikation". In languages that do not write compounds as one word a question has enough
-- words of its own, so there only a word that is nowhere else is sought inside others.
containing as materialized (
  select distinct t.number, t.language, w.word
  from terms t
  cross join lateral (
    select w.update_id, w.word from update_words w
    where w.word like case t.reach when 'inside' then '%' else '' end || t.folded || '%' and w.word <> t.folded
    offset 0) w
  join scope s on s.update_id = w.update_id
  where t.role = 'word' and t.reach <> 'whole' and numnode(t.query) > 0
    and (cardinality($3::text[]) <= 4 or t.language in ('da', 'de', 'fi', 'hu', 'nl', 'no', 'sv')
         or not exists (select 1 from exact e where e.number = t.number))
),
-- A word that is nowhere may be misspelt.
alike as materialized (
  select distinct t.number, t.language, w.word
  from terms t
  cross join lateral (
    select w.update_id, w.word from update_words w where w.word operator(extensions.%) t.folded offset 0) w
  join scope s on s.update_id = w.update_id
  where t.role = 'word' and t.reach = 'inside' and numnode(t.query) > 0
    and not exists (select 1 from exact e where e.number = t.number)
    and not exists (select 1 from containing c where c.number = t.number)
),
related as materialized (
  select number, language, worth,
         string_agg(plainto_tsquery(search_config(language), word)::text, ' | ')::tsquery as query
  from (
    select number, language, word, 0.6 as worth from containing
    union all select number, language, word, 0.4 from alike
  ) words
  where numnode(plainto_tsquery(search_config(language), word)) > 0
  group by number, language, worth
),
hits as materialized (
  select number, id, update_id, max(worth) as worth
  from (
    select number, id, update_id, worth from exact where role <> 'not'
    union all
    select r.number, p.id, p.update_id, r.worth
    from related r
    cross join lateral (
      select p.id, p.update_id from passages p where p.lexemes @@ r.query and p.language = r.language offset 0) p
    join scope s on s.update_id = p.update_id
  ) found
  group by number, id, update_id
),
-- Rare words tell more than common ones.
weights as materialized (
  select number, ln(1 + (greatest(total, matching) - matching + 0.5) / (matching + 0.5)) as weight
  from (select number, count(distinct update_id) as matching from hits group by number) counted,
       (select count(*) as total from scope) everything
),
answers as (
  select h.update_id, h.id, p.language, sum(w.weight * h.worth) as score
  from hits h join weights w using (number) join passages p on p.id = h.id
  group by h.update_id, h.id, p.language
),
-- Questions use the small words of their own language, so what is said in it comes first.
tongues as materialized (
  select language, 1 + avg((numnode(query) = 0)::int) as factor
  from terms where role = 'word' group by language
),
covered as (
  select update_id, sum(weight * worth) as score
  from (select update_id, number, max(worth) as worth from hits group by update_id, number) best
  join weights using (number)
  group by update_id
),
ranked as (
  select c.update_id, max(t.factor) * (max(a.score) + 0.5 * c.score) as score, c.score as coverage,
         (array_agg(a.id order by a.score desc, a.id))[1:3] as best_passages
  from covered c join answers a using (update_id) join tongues t using (language)
  where not exists (select 1 from exact e where e.update_id = c.update_id and e.role = 'not')
    and not exists (
      select 1 from (select distinct number from terms where role = 'phrase' and numnode(query) > 0) phrase
      where not exists (select 1 from exact e where e.update_id = c.update_id and e.number = phrase.number))
  group by c.update_id, c.score
)
select r.update_id, r.score, r.best_passages
from ranked r
where r.coverage >= 0.3 * (select max(coverage) from ranked)
order by r.score desc, r.update_id desc
limit $13 offset $14;

-- name: describe_found
-- What is shown of updates that were found, checked once more. $1 person, $2 only team, $3 updates
select u.id as update_id, v.team_id, v.thread_id, t.title as thread_title, u.title, u.kind, u.author_id,
       p.name as author_name, u.posted_at
from visible_updates($1, $2) v
join updates u on u.id = v.update_id
join threads t on t.id = v.thread_id
join people p on p.id = u.author_id
where v.update_id = any($3::uuid[]);

-- name: excerpts
-- The segments, titles and comments behind index passages, in order. $1 passages
select distinct on (p.update_id, p.source, segment_id, p.comment_id)
       p.update_id, p.source, p.comment_id, p.language,
       coalesce(s.id, 0) as segment_id,
       coalesce(s.start_ms, c.at_ms) as start_ms,
       case p.source when 'speech' then s.text when 'comment' then c.text else u.title end as text
from passages p
join updates u on u.id = p.update_id
left join segments s
  on p.source = 'speech' and s.update_id = p.update_id and s.id between p.first_segment and p.last_segment
left join comments c on c.id = p.comment_id
where p.id = any($1::bigint[])
order by p.update_id, p.source, segment_id, p.comment_id;

-- name: match_words
-- Which words of a text answer which of the asked words, and how well. $1 words and $2 their languages, $3 asked words,
-- $4 the reach of each
with spoken as materialized (
  select w.word, w.language, fold(w.word, w.language) as folded,
         to_tsvector(search_config(w.language), fold(w.word, w.language)) as lexemes
  from unnest($1::text[], $2::text[]) as w(word, language)
),
asked as materialized (
  select a.number, a.reach, l.language, fold(a.word, l.language) as folded,
         plainto_tsquery(search_config(l.language), fold(a.word, l.language)) as query
  from unnest($3::text[], $4::text[]) with ordinality as a(word, reach, number),
       (select distinct language from spoken) l
)
select s.word, s.language, a.number,
       case when s.lexemes @@ a.query then 1.0 when position(a.folded in s.folded) > 0 then 0.6 else 0.4 end
         ::float8 as worth
from spoken s join asked a on a.language = s.language
where numnode(a.query) > 0
  and (s.lexemes @@ a.query
       or a.reach = 'inside' and (position(a.folded in s.folded) > 0 or a.folded operator(extensions.%) s.folded)
       or a.reach = 'beginning' and starts_with(s.folded, a.folded));
