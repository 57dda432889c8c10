-- What recognition said of a segment besides its words: how sure it was of the language, and what it left out.

alter table segments
  add column language_probability real,  -- null where it was written, or kept before this column
  add column repeats_cut integer;        -- words left out because recognition went round in a circle
