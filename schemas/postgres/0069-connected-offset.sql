-- Where the log of the workspace's partition ended when it connected: only events from there on are
-- delivered. By time alone two clocks are compared, that of Postgres and that of the broker. Null: the
-- log could not be asked, or the connection is of before this column.
alter table connections
  add column connected_topic text,
  add column connected_offset bigint;
