-- What has not been in force for long can be purged: `bailiwick store purge`. Nobody can go back further than to this revision, and
-- of what was removed up to it there are no rows any more.
alter table bailiwick.head add column purged bigint not null default 0 check (purged between 0 and revision);

-- Of a change that was purged, its revision and its mark remain, by which whoever has been away for long knows the store again.
alter table bailiwick.history
  alter column as_id drop not null,
  alter column changed_by drop not null,
  alter column role drop not null;
