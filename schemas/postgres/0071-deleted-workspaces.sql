-- Workspaces that were deleted. What refers to `workspaces` goes with its row; the tables below it
-- have no reference and may hold millions of rows, which are removed in chunks afterwards.
create table deleted_workspaces (
  id text primary key,
  deleted_at timestamptz not null default now(),
  -- When nothing of it was left; null: rows may still be there, or come from what was under way.
  erased_at timestamptz
);
