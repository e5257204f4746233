-- What an operator or a customer needs to tell tokens apart, and to end one of them. The id is no
-- secret: it names a token, and opens nothing.
alter table access_tokens
  add column id text not null default 'token_' || replace(gen_random_uuid()::text, '-', ''),
  -- Null: it does not end by itself.
  add column expires_at timestamptz,
  -- To the minute, by what it was last used for; null: never.
  add column last_used_at timestamptz;

create unique index access_tokens_id on access_tokens (id);
