-- Whose recordings are looked for, and where: a workspace or a host whose files hang must not make
-- the others wait. Rows from before share one place, which they leave within hours.
alter table recording_checks add column workspace_id text not null default '';
alter table recording_checks add column host text not null default '';

-- How many a workspace has, which is bounded.
create index recording_checks_of_workspace on recording_checks (workspace_id);
