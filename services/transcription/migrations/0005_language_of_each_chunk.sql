-- Each chunk has a language of its own, told from its sound and from the chunks around it.
-- `recording.pinned_language` and `chunk.language_probability` are written no more; the last release still reads them.

ALTER TABLE chunk
    ADD COLUMN guess text[],            -- ISO 639-1 in the order spoken, as heard by itself; null: not asked yet
    ADD COLUMN guess_probability real,  -- of the least sure of them
    ADD COLUMN guess_speech_ms integer; -- how much speech tells so; 0 where no word was heard
