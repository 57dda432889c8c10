-- What a team speaks and which names recognition should expect.

alter table teams
  add column languages text[] not null default '{}',  -- ISO 639-1; empty: anything
  add column glossary text[] not null default '{}';
