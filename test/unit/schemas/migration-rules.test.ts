import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { migrationSteps } from '../../../services/shared/postgres/migration-files.ts'
import { projectPath } from '../../../services/shared/project-path.ts'
import { migrationProblems } from '../../support/migration-rules.ts'

const folder = projectPath('schemas/postgres')
/** Those before are older than the first release: nobody has large tables without them. */
const FIRST = '0060'

describe('the migrations', () => {
  it.each(readdirSync(folder).filter((file) => file >= FIRST))(
    '%s holds up nobody on a large table',
    (file) => {
      expect(migrationProblems(readFileSync(join(folder, file), 'utf8'))).toEqual([])
    },
  )
})

describe('what may be done to a large table', () => {
  it.each([
    'alter table spool add column told_at timestamptz',
    'alter table spool add column tries integer not null default 0',
    "alter table recording_checks add column host text not null default ''",
    'alter table held_sessions add column at timestamptz default now()',
    'alter table spool drop column told_at',
    'alter table dead_letters add constraint told check (attempts > 0) not valid',
    'alter table dead_letters validate constraint told',
    'create index by_call on only delivery_attempts (event_id)',
    'drop index concurrently if exists a; create index concurrently a on published_events (id)',
    'create index portal_links_used on portal_links (used_at)',
    'alter table connections add column topic text',
    'create table spool_more (id bigint not null); create index more on spool_more (id)',
    'create function f() returns trigger language plpgsql as $$ begin update spool set id = 1; end $$',
    '-- create index a on spool (id)',
  ])('%s', (text) => {
    expect(migrationProblems(text)).toEqual([])
  })
})

describe('what would hold up its traffic', () => {
  it.each([
    ['create index a on spool (id)', 'concurrently'],
    ['create unique index a\n  on published_events (id)', 'concurrently'],
    ['CREATE INDEX a ON public.spool (id)', 'concurrently'],
    ['drop index spool_going', 'drop index concurrently'],
    ['alter table spool add column tries integer not null', 'NOT NULL without a default'],
    ['alter table spool add column id2 uuid default gen_random_uuid()', 'another one for each row'],
    ['alter table spool add column n bigserial', 'computed'],
    ['alter table spool add column n int generated always as (id) stored', 'computed'],
    ['alter table spool alter column size_bytes type bigint', 'another type'],
    ['alter table spool alter size_bytes set data type bigint', 'another type'],
    ['alter table spool alter column told_at set not null', 'SET NOT NULL'],
    ['alter table dead_letters add constraint told check (attempts > 0)', 'not valid'],
    ['alter table dead_letters add unique (event_id)', 'not valid'],
    ['update delivery_attempts set replay = false', 'rows are changed'],
    ['delete from spool where id < 7', 'rows are changed'],
    ['lock table spool', 'locked'],
    ['create index concurrently a on spool (id)', 'half a run leaves a there'],
    ['drop index concurrently if exists a; alter table gaps add column b text', 'run twice'],
  ])('%s', (text, problem) => {
    expect(migrationProblems(text)).toEqual([expect.stringContaining(problem)])
  })
})

it('a file that builds an index beside the traffic is no transaction', () => {
  const text =
    '-- Why; with a semicolon.\ndrop index concurrently if exists a;\ncreate index concurrently a on spool (id);\n'

  expect(migrationSteps(text)).toEqual({
    kind: 'one_by_one',
    statements: [
      'drop index concurrently if exists a',
      'create index concurrently a on spool (id)',
    ],
  })
  expect(migrationSteps('-- Not concurrently.\nselect 1;')).toMatchObject({ kind: 'transaction' })
})
