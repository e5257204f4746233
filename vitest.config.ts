import { defineConfig } from 'vitest/config'

const withStack = {
  globalSetup: ['test/support/stack.setup.ts'],
  fileParallelism: false,
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // Of `it.concurrent`: recordings that wait for a window of silence wait together.
  maxConcurrency: 20,
}

/** Tests without servers keep nothing in module scope: files share what they import, in half the time. */
const withoutServers = { isolate: false, testTimeout: 30_000 }

export default defineConfig({
  test: {
    globals: false,
    coverage: {
      include: ['services/dispatcher/lane/**'],
      // The part that decides on order and loss. What is missing to 100 % of branches are guards
      // for the compiler that nothing can reach.
      thresholds: { lines: 100, functions: 100, branches: 99 },
    },
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], ...withoutServers } },
      { test: { name: 'guide', include: ['test/guide/**/*.test.ts'], ...withoutServers } },
      {
        test: { name: 'regression', include: ['test/regression/**/*.test.ts'], ...withoutServers },
      },
      {
        test: {
          name: 'stack',
          include: ['test/{integration,e2e,hostile}/**/*.test.ts'],
          ...withStack,
        },
      },
      {
        // After the others: six servers at once, and times are measured.
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          globalSetup: ['test/support/cluster.setup.ts'],
          fileParallelism: false,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // After the others: npm and Go take both cores, and some of those measure time.
        test: {
          name: 'deploy',
          include: ['test/deploy/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
