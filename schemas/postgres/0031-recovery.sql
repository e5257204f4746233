-- What the console asks about back-fills and dead letters.
alter table backfills
  -- When the request for it was durable in the log. Null for long: whoever asked died meanwhile.
  add column asked_at timestamptz;

create index backfills_by_workspace on backfills (workspace_id, created_at desc, id desc);
create index backfills_queued on backfills (workspace_id) where state = 'queued';
-- The dispatcher asks with each connection that it loads.
create index backfills_called_off on backfills (workspace_id, created_at)
  where state in ('cancelled', 'failed');

alter table dead_letters
  -- Log time of the event, by which it is found in the log.
  add column accepted_at timestamptz,
  -- The back-fill that was asked for to send it again: it alone may still bring it.
  add column resent_by text;

create index dead_letters_by_workspace on dead_letters (workspace_id, dead_at desc, event_id desc);
