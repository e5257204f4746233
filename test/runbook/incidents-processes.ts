import { type Incident, page } from './incident.ts'

/** What befalls any service, whatever it does. */

export const consoleEnded: Incident = {
  broken: 'no console runs',
  variables: () => ({ JOB: 'console' }),
  async break({ deployments }) {
    await deployments.end('console')
    return async () => undefined
  },
  steps: [
    page('Which do not run', /console-\d+ Gone/),
    page('The last that they said', /console/),
    page('If they are gone, or hang, and nothing says why: starts them anew', /restarted/),
  ],
}
