-- What workspace said of teams: which languages they speak and which names to expect.

CREATE TABLE team (
    team_id uuid PRIMARY KEY,
    languages text[] NOT NULL,  -- ISO 639-1; empty: anything
    glossary text[] NOT NULL,
    revision integer NOT NULL   -- an older one never replaces a newer one
);
