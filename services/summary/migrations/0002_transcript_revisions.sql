-- Which transcript of an update was summarised last: an older one comes too late. Null while there was none.

alter table updates add column revision integer;
