import { parse } from 'yaml'
import { z } from 'zod'

/**
 * The rules of production with an hour as long as a minute, so that nobody waits for days until an
 * alert is over. Only time shrinks: what is compared with a number stays as it is. Pure.
 */

const SHORTER_BY = 60
/** Two scrapes of a Prometheus that scrapes every second, and one more for the one that is late. */
const RANGE_MIN_S = 4
const MIN_S = 1

const rule = z.looseObject({ expr: z.string(), for: z.string().optional() })
const ruleFile = z.object({
  groups: z.array(z.looseObject({ rules: z.array(rule) })),
})

/** `yaml`: a rule file. Answers one as JSON, which is YAML. */
export function shortenedRules(yaml: string): string {
  const { groups } = ruleFile.parse(parse(yaml))
  const shortened = groups.map((group) => ({ ...group, rules: group.rules.map(shortenedRule) }))
  return JSON.stringify({ groups: shortened }, null, 2)
}

function shortenedRule({ expr, for: waits, ...rest }: z.infer<typeof rule>) {
  return {
    ...rest,
    expr: shortenedExpression(expr),
    ...(waits === undefined ? {} : { for: shorter(waits, MIN_S) }),
  }
}

/** Ranges, steps of subqueries and offsets. */
export function shortenedExpression(expr: string): string {
  return expr
    .replace(/\[(\w+)(?::(\w*))?\]/g, (found, range: string, step?: string) => {
      const shortRange = shorter(range, RANGE_MIN_S)
      if (!found.includes(':')) return `[${shortRange}]`
      return `[${shortRange}:${step ? shorter(step, MIN_S) : ''}]`
    })
    .replace(/\boffset (\w+)/g, (_, offset: string) => `offset ${shorter(offset, RANGE_MIN_S)}`)
}

const SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3_600,
  d: 86_400,
  w: 604_800,
}

function shorter(duration: string, minS: number): string {
  const parts = [...duration.matchAll(/(\d+)([smhdw])/g)]
  if (parts.map(([part]) => part).join('') !== duration) {
    throw new Error(`'${duration}' is no duration that is known here`)
  }
  const seconds = parts.reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (SECONDS[unit] ?? 0),
    0,
  )
  return `${Math.max(minS, Math.round(seconds / SHORTER_BY))}s`
}
