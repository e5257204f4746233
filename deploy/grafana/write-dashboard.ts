import { writeFileSync } from 'node:fs'
import { DASHBOARD_FILE, renderDashboard } from './dashboard.ts'

/** `npm run dashboard` */
writeFileSync(DASHBOARD_FILE, renderDashboard())
