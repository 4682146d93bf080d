-- Of which homeserver the registrations are, and by whose rules they were judged: whoever says another name would see nothing collide.
-- Nobody's before somebody serves or changes it who says so.
alter table bailiwick.head
  add column server_name text,
  add column homeserver text,
  add constraint head_names_both check ((server_name is null) = (homeserver is null));

-- Where a change has put a registration in the load order, so that whoever goes back to it finds the order of then. Not known of
-- changes that were made before this.
alter table bailiwick.history add column position bigint;
