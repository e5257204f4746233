import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** A machine that never asked Debian for its lists has to do so first. */
const UNPACK = `
set -e
apt-get download -qq "$@" || { apt-get update -qq && apt-get download -qq "$@"; }
for package in *.deb; do dpkg-deb -x "$package" .; done
rm -- *.deb`

/** The largest has 19 MB; a machine without a network must not hold up what goes on without it. */
const DOWNLOAD_WITHIN_MS = 120_000

/**
 * Packages of Debian, unpacked into the folder and not installed. apt checks each against its signed
 * list before.
 *
 * @throws Error with the last thing that apt said.
 */
export async function unpackDebianPackages(
  folder: string,
  packages: readonly string[],
): Promise<void> {
  try {
    const options = { cwd: folder, timeout: DOWNLOAD_WITHIN_MS }
    await promisify(execFile)('sh', ['-c', UNPACK, 'sh', ...packages], options)
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string }
    // apt warns about its sandbox first when root runs it; what failed comes last.
    const said = stderr.trim().split('\n').at(-1) || message
    throw new Error(`\`apt-get download ${packages.join(' ')}\` failed (${said})`, { cause: error })
  }
}
