-- Of which homeserver the registrations are, and by whose rules they were judged: whoever says another name would see nothing collide.
-- Nobody's before somebody serves or changes it who says so.
alter table bailiwick.head
  add column server_name text,
  add column homeserver text,
  add constraint head_names_both check ((server_name is null) = (homeserver is null));

-- Where a change has put a registration in the load order, so that whoever goes back to it finds the order of then.
alter table bailiwick.history add column position bigint;

-- Of the changes that were made before this: an edit keeps its place, what is put anew comes last, and since when something has been
-- there the changes say that are not purged. Of what is there now its row says it in any case.
with time as (
  select revision, as_id, source is null as removed,
         count(*) filter (where source is null) over (partition by as_id order by revision) as number
  from bailiwick.history where as_id is not null),
place as (
  select revision, as_id,
         min(revision) filter (where not removed) over (partition by as_id, number) as first,
         number = max(number) over (partition by as_id) as is_now
  from time)
update bailiwick.history as change
set position = case when place.is_now then coalesce(there.position, place.first) else place.first end
from place left join bailiwick.registration as there using (as_id)
where change.revision = place.revision;
