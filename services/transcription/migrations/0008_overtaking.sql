-- A chunk whose recogniser takes too long is recognised by an idle one as well; the first answer stands.
ALTER TABLE chunk ADD COLUMN overtaken_at timestamptz;  -- another recogniser took it over
