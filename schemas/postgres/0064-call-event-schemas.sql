-- Our own copy of the schemas that records of a log were written with, by the id in front of their bytes.
-- A registry that loses its store gives the ids out anew; without a copy nobody could tell a record of
-- ours from one of somebody else's, and calls would be buried as undecodable. A handful of rows.
create table call_event_schemas (
  events_topic text not null,
  schema_id integer not null,
  schema text not null,
  noted_at timestamptz not null default now(),
  primary key (events_topic, schema_id)
);
