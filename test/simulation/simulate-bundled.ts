import { spawn } from 'node:child_process'
import { projectPath } from '../../services/shared/project-path.ts'
import { bundleSimulation } from './bundle.ts'

/** `make simulate`: what simulate.ts does, as fast as it can. */
const file = projectPath('.local', 'simulation', 'simulate.mjs')
await bundleSimulation(file)
const simulation = spawn(process.execPath, ['--enable-source-maps', file], { stdio: 'inherit' })
simulation.once('exit', (code) => {
  process.exitCode = code ?? 1
})
