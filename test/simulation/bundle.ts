import { build } from 'esbuild'
import { projectPath } from '../../services/shared/project-path.ts'

/**
 * The simulation as one file of JavaScript: it runs a quarter more seeds a second than what is
 * compiled while it loads, and starts at once.
 *
 * @param changed the text of a file that takes the place of what stands in the project.
 */
export async function bundleSimulation(
  outfile: string,
  changed?: { readonly path: string; readonly text: string },
): Promise<void> {
  await build({
    entryPoints: [projectPath('test', 'simulation', 'simulate.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    sourcemap: true,
    logLevel: 'error',
    outfile,
    plugins: [
      {
        name: 'changed-file',
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, ({ path }) =>
            path === changed?.path ? { contents: changed.text, loader: 'ts' } : undefined,
          ),
      },
    ],
  })
}
