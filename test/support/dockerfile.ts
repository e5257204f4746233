import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, statSync } from 'node:fs'
import { basename, join, relative } from 'node:path'

/**
 * Runs the steps of a Dockerfile in a folder per stage, as far as that goes without Docker: COPY out of the
 * context or an earlier stage, RUN with a shell, ENV and WORKDIR. The base image is this machine.
 */
export interface Instruction {
  readonly name: string
  readonly text: string
}

const KNOWN = new Set('ARG CMD COPY ENTRYPOINT ENV FROM LABEL RUN USER WORKDIR'.split(' '))

/** @throws Error naming an instruction that is not understood here: it must not be passed over. */
export function parseDockerfile(source: string): readonly Instruction[] {
  const lines = source.split('\n').filter((line) => !/^\s*(#|$)/.test(line))
  const logical = lines
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
  return logical.map((line) => {
    const [, name = '', text = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    if (!KNOWN.has(name)) throw new Error(`Not understood: ${line}`)
    return { name, text }
  })
}

export interface BuildOptions {
  readonly context: string
  /** Text of `.dockerignore`. */
  readonly ignore: string
  /** Empty; gets a folder for each stage. */
  readonly target: string
}

/**
 * The folder that is the last stage's root.
 *
 * @throws Error with what a failed RUN said, or naming a file that COPY does not find.
 */
export function runDockerfile(
  instructions: readonly Instruction[],
  { context, ignore, target }: BuildOptions,
): string {
  const build: Build = {
    context,
    isSent: contextFilter(ignore),
    target,
    stages: new Map(),
    stage: null,
  }
  for (const { name, text } of instructions) STEPS[name]?.(text, build)
  return stageOf(build).root
}

interface Build {
  readonly context: string
  readonly isSent: (path: string) => boolean
  readonly target: string
  readonly stages: Map<string, Stage>
  stage: Stage | null
}

interface Stage {
  readonly root: string
  readonly env: Record<string, string>
  workdir: string
}

/** What is not here says how the image is run, not what is in it. */
const STEPS: Readonly<Record<string, (text: string, build: Build) => void>> = {
  FROM(text, build) {
    const name = / AS (\S+)$/i.exec(text)?.[1] ?? `stage-${build.stages.size}`
    build.stage = { root: join(build.target, name), env: {}, workdir: '/' }
    build.stages.set(name, build.stage)
    mkdirSync(build.stage.root)
  },
  WORKDIR(text, build) {
    stageOf(build).workdir = text
    mkdirSync(folderOf(build), { recursive: true })
  },
  ENV(text, build) {
    const [variable = '', value = ''] = text.split('=')
    stageOf(build).env[variable] = value
  },
  RUN(text, build) {
    run(text, folderOf(build), stageOf(build).env)
  },
  COPY(text, build) {
    const { context, isSent, stages } = build
    const from = /^--from=(\S+) /.exec(text)?.[1]
    const words = text.replace(/^--from=\S+ /, '').split(/\s+/)
    const source = from === undefined ? context : stages.get(from)?.root
    if (source === undefined) throw new Error(`COPY from a stage that is not there: ${text}`)
    const isCopied = (file: string) => from !== undefined || isSent(relative(context, file))
    copy(words, { source, destination: folderOf(build), isCopied })
  },
}

function stageOf({ stage }: Build): Stage {
  if (stage === null) throw new Error('A Dockerfile begins with FROM.')
  return stage
}

function folderOf(build: Build): string {
  const { root, workdir } = stageOf(build)
  return join(root, workdir)
}

function copy(
  words: readonly string[],
  {
    source,
    destination,
    isCopied,
  }: { source: string; destination: string; isCopied: (file: string) => boolean },
): void {
  const to = words.at(-1) ?? ''
  for (const word of words.slice(0, -1)) {
    const from = join(source, word)
    if (!existsSync(from) || !isCopied(from)) {
      throw new Error(`COPY does not find ${word}: is it there, and let through by .dockerignore?`)
    }
    const isInto = to.endsWith('/') && !statSync(from).isDirectory()
    const target = isInto ? join(destination, to, basename(word)) : join(destination, to)
    cpSync(from, target, { recursive: true, filter: isCopied, verbatimSymlinks: true })
  }
}

function run(command: string, cwd: string, env: Record<string, string>): void {
  const { status, stdout, stderr } = spawnSync('sh', ['-ec', command], {
    cwd,
    // Nothing of the caller but what finds programs and packages: a build sees no more.
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      npm_config_prefer_offline: 'true',
      ...env,
    },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status !== 0) throw new Error(`RUN ${command}\n${stdout}\n${stderr}`.slice(0, 4_000))
}

/**
 * The part of `.dockerignore` that we use: `*`, `!path` for it and what is below, and `**` + `/name` for that name
 * anywhere. The last line that fits decides.
 */
function contextFilter(ignore: string): (path: string) => boolean {
  const rules = ignore.split('\n').filter((line) => !/^\s*(#|$)/.test(line))
  return (path) => {
    let isSent = true
    for (const rule of rules) {
      const isBack = rule.startsWith('!')
      if (fits(isBack ? rule.slice(1) : rule, path)) isSent = isBack
    }
    return isSent
  }
}

function fits(pattern: string, path: string): boolean {
  if (pattern === '*') return true
  const steps = path.split('/')
  if (pattern.startsWith('**/')) return steps.includes(pattern.slice(3))
  return path === pattern || path.startsWith(`${pattern}/`)
}
