import type { Queryable } from './pool.ts'

/** Table `known_topics`: the ids of the topics that all other tables are about. By name. */
export type TopicIdsByName = ReadonlyMap<string, string>

/** Takes down those that were not known, and answers the names of those that had another id. */
export async function compareTopics(
  db: Queryable,
  ids: TopicIdsByName,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ topic: string }>(
    `with found as (select * from unnest($1::text[], $2::text[]) as f (topic, topic_id)),
     added as (
       insert into known_topics (topic, topic_id)
       select topic, topic_id from found
       where not exists (select from known_topics k where k.topic = found.topic)
       on conflict do nothing)
     select topic from found join known_topics k using (topic)
     where k.topic_id <> found.topic_id order by topic`,
    [[...ids.keys()], [...ids.values()]],
  )
  return rows.map(({ topic }) => topic)
}

/** Those whose names begin so; for a command. */
export async function listKnownTopics(db: Queryable, prefix: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ topic: string }>(
    `select topic from known_topics where starts_with(topic, $1) order by topic`,
    [prefix],
  )
  return rows.map(({ topic }) => topic)
}

/** From now on these are the topics that the tables are about. */
export async function acceptTopics(db: Queryable, ids: TopicIdsByName): Promise<void> {
  await db.query(
    `insert into known_topics (topic, topic_id)
     select * from unnest($1::text[], $2::text[])
     on conflict (topic) do update set topic_id = excluded.topic_id, since = now()`,
    [[...ids.keys()], [...ids.values()]],
  )
}

/** They are taken down anew by whoever sees them next. */
export async function forgetTopics(db: Queryable, topics: readonly string[]): Promise<void> {
  await db.query('delete from known_topics where topic = any($1)', [topics])
}

/** Topics whose names begin so and that are not among these: somebody has removed them. */
export async function forgetTopicsBut(
  db: Queryable,
  { prefix, topics }: { readonly prefix: string; readonly topics: readonly string[] },
): Promise<void> {
  await db.query(`delete from known_topics where starts_with(topic, $1) and topic <> all($2)`, [
    prefix,
    topics,
  ])
}
