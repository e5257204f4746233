-- Which topics these tables are about, by the id that Kafka gave each when it was made. One with another
-- id is another log under the same name: offsets, and what is known as published, are not of it.
create table known_topics (
  topic text primary key,
  -- 32 hexadecimal digits.
  topic_id text not null,
  since timestamptz not null default now()
);
