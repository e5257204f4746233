-- Recordings whose file comes minutes after the call: at which of them to look, and when. A row is
-- removed when the file is there, or when the last look found none.
create table recording_checks (
  call_id text primary key,
  provider text not null,
  -- Call content, so sealed with SECRETS_KEY: what call.recording_ready will tell.
  event_sealed text not null,
  -- Looks that were taken and found nothing.
  looks integer not null default 0,
  -- When to look next; while a replica looks, until when the others leave it alone.
  due_at timestamptz not null,
  planned_at timestamptz not null default now()
);

create index recording_checks_due on recording_checks (due_at);
create index recording_checks_age on recording_checks (planned_at);
