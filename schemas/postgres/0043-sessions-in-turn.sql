-- Which workspaces have a session that is being published: their next one waits for it.
create index held_sessions_leased on held_sessions (workspace_id) where leased_until is not null;
