-- A summary quotes what was said, so it follows when somebody corrects that.

alter table statements add column heard jsonb;  -- text, owner and evidence as summarised, where they are shown corrected
