import { type ClockSkewOptions, watchClockSkew } from './clock-skew.ts'
import { watchClockSteps } from './clock-steps.ts'

/** Tells when the clock of this machine steps, and how far those of the servers are from it. */
export function watchClocks(options: ClockSkewOptions): { stop(): Promise<void> } {
  const watches = [watchClockSteps(options), watchClockSkew(options)]
  return {
    async stop() {
      await Promise.all(watches.map((watch) => watch.stop()))
    },
  }
}
