-- How many sessions of a workspace are open is counted when one more opens.
create index held_sessions_open on held_sessions (workspace_id) where due_at is not null;
