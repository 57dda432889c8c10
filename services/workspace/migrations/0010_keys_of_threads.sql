-- The Idempotency-Key a thread was opened under: whatever dies between effect and reply, a repeat finds this row.

alter table threads
  add column request_key text,
  add unique (opened_by, request_key);
