import { runSeed } from './run-seed.ts'

/** `make simulate SEEDS=100000 FROM=1`, or `SEED=42` for the timeline of one. */
const one = process.env['SEED']
const from = Number(process.env['FROM'] ?? 1)
const seeds = Number(process.env['SEEDS'] ?? 1_000)

if (one) {
  const result = await runSeed(Number(one))
  console.log(result.timeline.join('\n'))
  console.log(JSON.stringify(result.scenario, null, 1))
  console.log(result.violations.join('\n') || 'no violation')
} else {
  const began = Date.now()
  let requests = 0
  let failed = 0
  for (let seed = from; seed < from + seeds; seed++) {
    const result = await runSeed(seed)
    requests += result.requests
    if (result.violations.length === 0) continue
    failed++
    console.log(`seed ${seed}: ${result.violations.slice(0, 3).join('; ')}`)
    if (failed >= 20) break
  }
  console.log(`${seeds} seeds, ${failed} violated, ${requests} requests, ${Date.now() - began} ms`)
}
