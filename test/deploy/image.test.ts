import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectPath } from '../../services/shared/project-path.ts'
import { parseDockerfile, runDockerfile } from '../support/dockerfile.ts'
import { READ_CONFIG } from '../support/known-variables.ts'

/**
 * The image without Docker: the steps of deploy/Dockerfile, run in order in a clean folder on this machine's Node. What it
 * cannot show is the base image.
 */
const steps = parseDockerfile(readFileSync(projectPath('deploy/Dockerfile'), 'utf8'))
const NODE_MODULES_MB_MAX = 120

describe('the image', () => {
  const target = mkdtempSync(join(tmpdir(), 'image-'))
  let app = ''

  beforeAll(() => {
    const ignore = readFileSync(projectPath('.dockerignore'), 'utf8')
    app = join(runDockerfile(steps, { context: projectPath(), ignore, target }), 'app')
    // Whoever runs the service may read and no more; it is not its owner either.
    chmodSync(target, 0o755)
    spawnSync('chmod', ['-R', 'a-w,a+rX', app])
  })

  afterAll(() => {
    spawnSync('chmod', ['-R', 'u+w', target])
    rmSync(target, { recursive: true, force: true })
  })

  it(`holds less than ${NODE_MODULES_MB_MAX} MB of packages`, () => {
    const mb = sizeOf(join(app, 'node_modules')) / 1_000_000
    console.info(`node_modules of the image: ${mb.toFixed(1)} MB`)

    expect(mb).toBeGreaterThan(10)
    expect(mb).toBeLessThan(NODE_MODULES_MB_MAX)
  })

  it('holds the packages of production and not one for development', () => {
    const { packages } = JSON.parse(readFileSync(projectPath('package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean; devOptional?: boolean; link?: boolean }>
    }
    const { dependencies } = JSON.parse(readFileSync(join(app, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
    }
    const isHere = (path: string) => existsSync(join(app, path))
    const forDevelopment = Object.entries(packages).filter(([, { dev }]) => dev)

    expect(forDevelopment.length).toBeGreaterThan(50)
    expect(forDevelopment.map(([path]) => path).filter(isHere)).toEqual([])
    const needed = Object.keys(dependencies).map((name) => `node_modules/${name}`)
    expect(needed.filter((path) => !isHere(path))).toEqual([])
  })

  it('holds no source, no test and no link that leads nowhere', () => {
    expect(readdirSync(app).sort()).toEqual(['dist', 'node_modules', 'package.json', 'schemas'])
    expect(filesBelow(app).filter((file) => !existsSync(file))).toEqual([])
    expect(existsSync(join(app, 'dist/web/index.html'))).toBe(true)
  })

  it.each(['normalizer', 'dispatcher', 'console'])(
    'starts the %s as a stranger up to its configuration',
    (name) => {
      const { status, stderr } = start(name, {})

      expect(stderr).toContain('DATABASE_URL: is required and not set')
      expect(stderr).toContain('SECRETS_KEY: is required and not set')
      expect(status).toBe(78)
    },
  )

  it('starts the command that creates the topics', () => {
    const { status, stderr } = start('topics', { DISPATCHER_RETRY_TIERS: '5s,soon' })

    expect(stderr).toContain('DISPATCHER_RETRY_TIERS: must be delays such as 30s,2m,6h')
    expect(status).toBe(78)
  })

  it('starts the command that migrates Postgres', () => {
    const { status, stderr } = start('migrations', {})

    expect(stderr).toContain('DATABASE_URL: is required and not set')
    expect(status).toBe(78)
  })

  it('cannot be changed by who runs in it', () => {
    const { status } = asStranger(
      [process.execPath, '-e', "require('node:fs').writeFileSync('x', '')"],
      {},
    )

    expect(status).not.toBe(0)
    expect(existsSync(join(app, 'x'))).toBe(false)
  })

  function start(name: string, env: Record<string, string>) {
    expect(Object.keys(READ_CONFIG)).toContain(name)
    const entrypoint: string[] = JSON.parse(textOf('ENTRYPOINT'))
    const [program = '', ...options] = entrypoint
    expect(program).toBe('node')
    return asStranger([process.execPath, ...options, `dist/services/${name}/main.js`], env)
  }

  /** As another user where we are root, which could write in spite of every mode. */
  function asStranger([file = '', ...args]: readonly string[], env: Record<string, string>) {
    const isRoot = process.getuid?.() === 0
    return spawnSync(file, args, {
      cwd: app,
      env,
      encoding: 'utf8',
      timeout: 30_000,
      ...(isRoot ? { uid: 1000, gid: 1000 } : {}),
    })
  }
})

describe('deploy/Dockerfile', () => {
  it('pins each base to one version', () => {
    const bases = steps.filter(({ name }) => name === 'FROM').map(({ text }) => text)

    expect(bases.length).toBeGreaterThan(1)
    for (const base of bases)
      expect(base).toMatch(/^node:\d+\.\d+\.\d+-[a-z-]+(@sha256:[0-9a-f]{64})?( AS \w+)?$/)
  })

  it('runs as a user that Kubernetes can see is not root', () => {
    expect(textOf('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/)
  })

  it('refuses a step that these tests would pass over', () => {
    expect(() => parseDockerfile('FROM node:24.21.0\nADD https://example.com/x /x\n')).toThrow(
      /ADD/,
    )
  })
})

function textOf(instruction: string): string {
  return steps.find(({ name }) => name === instruction)?.text ?? ''
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) =>
    join(folder, name),
  )
}

function sizeOf(folder: string): number {
  const sizes = filesBelow(folder)
    .map((file) => statSync(file))
    .filter((stat) => stat.isFile())
  return sizes.reduce((total, { size }) => total + size, 0)
}
