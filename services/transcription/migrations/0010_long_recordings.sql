-- Long recordings are followed in a few places of their own, so that short ones find the others free.
ALTER TABLE recording ADD COLUMN is_long boolean NOT NULL DEFAULT false;  -- there was no place when that was found out
