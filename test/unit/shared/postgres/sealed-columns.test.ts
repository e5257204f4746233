import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { SEALED_COLUMNS } from '../../../../services/shared/postgres/sealed-columns.ts'
import { projectPath } from '../../../../services/shared/project-path.ts'

/** `table.column` of each sealed column that the migrations make. */
function columnsOfSchema(): string[] {
  const folder = projectPath('schemas/postgres')
  const files = readdirSync(folder).filter((name) => name.endsWith('.sql'))
  return files.flatMap((file) => {
    let table = ''
    return readFileSync(`${folder}/${file}`, 'utf8')
      .split('\n')
      .flatMap((line) => {
        table = /^(?:create|alter) table (?:if not exists )?(\w+)/.exec(line)?.[1] ?? table
        const column = /^\s+(?:add column )?(\w+_sealed) text/.exec(line)?.[1]
        return column ? [`${table}.${column}`] : []
      })
  })
}

describe('sealed columns', () => {
  it('are those of the tables: one that is left out would keep the old key for ever', () => {
    const known = SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`)

    expect(known.toSorted()).toEqual(columnsOfSchema().toSorted())
  })
})
