-- One row: which store this is, and how many changes it has seen. Whoever changes anything holds its lock until he commits.
create table bailiwick.head (
  only_one boolean primary key default true check (only_one),
  store uuid not null default gen_random_uuid(),
  revision bigint not null default 0 check (revision >= 0)
);
insert into bailiwick.head default values;

-- What is registered, as it was written. A row that was removed stays, without what it said: whoever reads what has changed since
-- a revision would miss its removal otherwise.
create table bailiwick.registration (
  as_id text primary key,
  source bytea,
  position bigint not null unique,
  revision bigint not null unique
);

-- Each change, with what it made of a registration (nothing: it was removed), and who made it. `mark` tells two stores apart that
-- have the same revisions, such as one and its copy that went on by itself.
create table bailiwick.history (
  revision bigint primary key,
  mark uuid not null default gen_random_uuid(),
  as_id text not null,
  source bytea,
  forced boolean not null default false,
  changed_at timestamptz not null default now(),
  changed_by text not null,
  role text not null default session_user
);
create index on bailiwick.history (as_id, revision);
