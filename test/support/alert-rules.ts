import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { RULES_FOLDER } from '../../deploy/local/prometheus.ts'

/** The rules of `deploy/prometheus/rules`, and their cases, as they are written. */

const rule = z.object({
  record: z.string().optional(),
  alert: z.string().optional(),
  expr: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
})
const ruleFile = z.object({ groups: z.array(z.object({ rules: z.array(rule) })) })
const caseFile = z.object({
  tests: z.array(
    z.object({
      input_series: z.array(z.object({ series: z.string() })),
      promql_expr_test: z.array(
        z.object({ expr: z.string(), exp_samples: z.array(z.unknown()).default([]) }),
      ),
    }),
  ),
})

export const RULE_FILES = filesOf(RULES_FOLDER, '.yml')
export const CASE_FILES = filesOf(join(RULES_FOLDER, 'tests'), '.test.yml')

export const rules = RULE_FILES.flatMap((path) =>
  read(path, ruleFile).groups.flatMap((group) => group.rules),
)
export const alerts = rules.flatMap((each) =>
  each.alert === undefined ? [] : [{ ...each, alert: each.alert }],
)
export const cases = CASE_FILES.flatMap((path) => read(path, caseFile).tests)

function filesOf(folder: string, ending: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .sort()
    .map((file) => join(folder, file))
}

function read<T>(path: string, schema: z.ZodType<T>): T {
  return schema.parse(parse(readFileSync(path, 'utf8')))
}
