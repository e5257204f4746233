import { readdirSync, readFileSync } from 'node:fs'
import type { Pool } from '../../services/shared/postgres/pool.ts'
import { projectPath } from '../../services/shared/project-path.ts'

/** The tables of a version that had no file `number` (four digits) and none after it. */
export async function migrateToBefore(pool: Pool, number: string): Promise<void> {
  const folder = projectPath('schemas/postgres')
  await pool.query(
    `create table schema_migrations (id serial primary key, name varchar(255), run_on timestamp)`,
  )
  for (const file of readdirSync(folder).sort()) {
    if (file >= number) continue
    await pool.query(readFileSync(`${folder}/${file}`, 'utf8'))
    await pool.query(`insert into schema_migrations (name, run_on) values ($1, now())`, [
      file.replace('.sql', ''),
    ])
  }
}
