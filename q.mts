import pg from 'pg'
import { migrate } from './services/shared/postgres/migrate.ts'
import { Secret } from './services/shared/config.ts'
import { quiet } from './test/support/builders.ts'
import { countAttemptsQuery } from './services/shared/postgres/attempt-queries.ts'
import { lastDays } from './services/console/stats-days.ts'
import { makeAttemptDay, DAY_MS, dropAttemptPartition } from './services/shared/postgres/attempt-days.ts'
const url='postgres://postgres@127.0.0.1:25999/postgres'
if (process.argv[2]==='load') {

}
const db=new pg.Client({connectionString:url}); await db.connect()
if (process.argv[2]==='load') {

const today=Math.floor(Date.now()/DAY_MS)*DAY_MS

await db.query(`insert into delivery_attempts
      (workspace_id, event_id, event, attempt, outcome, error_class, status, duration_ms, at)
    select
      case when n % 16 = 0 then 'ws_busy' else 'ws_' || n * 7 % 499 end,
      'evt_' || n, 'call.completed', 1,
      case when n % 20 = 0 then 'retrying' else 'delivered' end,
      case when n % 20 = 0 then 'server_error' end,
      case when n % 20 = 0 then 500 else 200 end,
      20 + n % 997,
      date_trunc('milliseconds', now() - interval '30 days' * (1 - n / 5000000.0))
    from generate_series(1, 3699999) n`)
await db.query('vacuum (analyze) delivery_attempts')
}
const q=countAttemptsQuery('ws_busy', lastDays(Date.now(),'Europe/Kyiv',7))
const variants: Record<string,string>={ now: q.text,
minus: `select delivered, attempts - delivered as "failedAttempts", percentiles[1] as "p50Ms", percentiles[2] as "p99Ms"
     from unnest($2::timestamptz[], $3::timestamptz[]) with ordinality as range (since, until, place)
     cross join lateral (
       select count(*) filter (where outcome = 'delivered')::int as delivered,
         count(*)::int as attempts,
         percentile_disc(array[0.5, 0.99]) within group (order by duration_ms)
           filter (where status is not null) as percentiles
       from delivery_attempts
       where workspace_id = $1 and at >= range.since and at < range.until
         and at >= $4 and at < $5
     ) counted
     order by place`,
noperc: `select delivered, attempts - delivered as "failedAttempts"
     from unnest($2::timestamptz[], $3::timestamptz[]) with ordinality as range (since, until, place)
     cross join lateral (
       select count(*) filter (where outcome = 'delivered')::int as delivered,
         count(*)::int as attempts
       from delivery_attempts
       where workspace_id = $1 and at >= range.since and at < range.until
         and at >= $4 and at < $5
     ) counted
     order by place`,
union: Array.from({length:7},(_,i)=>`select count(*) filter (where outcome = 'delivered')::int as delivered,
         count(*)::int as attempts,
         percentile_disc(array[0.5, 0.99]) within group (order by duration_ms)
           filter (where status is not null) as percentiles
       from delivery_attempts where workspace_id = $1 and at >= ($2::timestamptz[])[${i+1}] and at < ($3::timestamptz[])[${i+1}]  and $4::timestamptz is not null and $5::timestamptz is not null`).join(' union all '),
unionnoperc: Array.from({length:7},(_,i)=>`select count(*) filter (where outcome = 'delivered')::int as delivered,
         count(*)::int as attempts
       from delivery_attempts where workspace_id = $1 and at >= ($2::timestamptz[])[${i+1}] and at < ($3::timestamptz[])[${i+1}]  and $4::timestamptz is not null and $5::timestamptz is not null`).join(' union all '),
}
for(const [k,text] of Object.entries(variants)){ let best=1e9; for(let i=0;i<60;i++){const t=performance.now(); await db.query(text,q.values); best=Math.min(best,performance.now()-t)} console.log(k,best.toFixed(1)) }
if (process.argv[3]) { const {rows}=await db.query('explain (analyze, buffers, verbose) '+variants[process.argv[3]],q.values); console.log(rows.map(r=>r['QUERY PLAN']).join('\n')) }
await db.end()
