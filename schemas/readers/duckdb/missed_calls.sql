-- How many inbound calls did each provider bring per hour, and how many of them did nobody take?
-- Over a dump of the log in the current folder: python dump_events.py … > events.ndjson
with events as (
  -- Types are told, not guessed: a time without its zone would be the analyst's local time.
  select * from read_json('events.ndjson', format = 'newline_delimited', columns = {
    event: 'varchar', callId: 'varchar', provider: 'varchar', direction: 'varchar', status: 'varchar',
    startedAt: 'timestamptz', log: 'struct(acceptedAt bigint, "offset" bigint)'
  })
),
-- A provider can correct a call: the event that was accepted last counts.
calls as (
  select distinct on (callId) * from events
  where event = 'call_completed'
  order by callId, log.acceptedAt desc, log."offset" desc
)
select
  date_trunc('hour', startedAt at time zone 'Europe/Kyiv') as "hour",
  provider,
  count(*) as inbound,
  count(*) filter (status = 'missed') as missed
from calls
where direction = 'inbound' and startedAt is not null
group by all
order by "hour", provider;
