import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'

/**
 * Runs the commands of a page as they stand there, in one bash, as a person would who copies one
 * block after the other. Programs that are not on this machine, or must not be run on it, are
 * answered by us: the shell waits for the answer before it goes on.
 */
export interface Answer {
  readonly stdout: string
  /** Default: 0. The page's commands end with the first that fails. */
  readonly exitCode?: number
}

export type Program = (words: readonly string[]) => Promise<Answer>

export interface Shell {
  /** Where files of the commands are. */
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly programs: Readonly<Record<string, Program>>
  /** Before the block with this number, counted from 0; the page says what is to be true then. */
  readonly beforeBlock?: (index: number) => Promise<void>
}

/** Blocks of `sh` between a heading, which is written with its `##`, and the next one of any level. */
export function blocksOf(page: string, heading: string): readonly string[] {
  const section = readFileSync(page, 'utf8')
    .split(`\n${heading}\n`)[1]
    ?.split(/\n##+ /)[0]
  const blocks = [...(section ?? '').matchAll(/```sh\n([\s\S]*?)```/g)].map(
    ([, block = '']) => block,
  )
  if (blocks.length === 0) throw new Error(`${page} has no commands under ${heading}`)
  return blocks
}

/** Parts of a word and of an answer; none of them is in any command. */
const WORD_END = '\x1f'
const MESSAGE_END = '\x1e'

/** @throws what a program throws, or with the end of the shell's own words when a command fails. */
export async function runBlocks(blocks: readonly string[], shell: Shell): Promise<void> {
  const child = spawn('bash', ['--norc', '-c', scriptOf(blocks, Object.keys(shell.programs))], {
    cwd: shell.folder,
    env: { PATH: process.env['PATH'], ...shell.env },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  })
  const [, , , questions, answers] = child.stdio
  if (!(questions instanceof Readable && answers instanceof Writable)) {
    throw new Error('the shell has not the streams that it was started with')
  }
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-2_000)
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  try {
    await answerAll(questions, answers, shell)
  } catch (error) {
    child.kill()
    await ended
    throw error
  }
  const exitCode = await ended
  if (exitCode !== 0) throw new Error(`A command of the page ended with ${exitCode}: ${said}`)
}

async function answerAll(questions: Readable, answers: Writable, shell: Shell): Promise<void> {
  // A shell that ended without waiting for its answer is told of by its exit code.
  answers.on('error', () => {})
  questions.setEncoding('utf8')
  let text = ''
  for await (const chunk of questions) {
    text += String(chunk)
    for (let end = text.indexOf(MESSAGE_END); end >= 0; end = text.indexOf(MESSAGE_END)) {
      const [name = '', ...words] = text.slice(0, end).split(WORD_END)
      text = text.slice(end + 1)
      const { stdout, exitCode = 0 } = await answerTo(name, words, shell)
      answers.write(`${exitCode}${WORD_END}${stdout}${MESSAGE_END}`)
    }
  }
}

const BLOCK = 'block-begins'

async function answerTo(name: string, words: readonly string[], shell: Shell): Promise<Answer> {
  if (name === BLOCK) {
    await shell.beforeBlock?.(Number(words[0]))
    return { stdout: '' }
  }
  const program = shell.programs[name]
  if (program === undefined) throw new Error(`nobody stands in for ${name}`)
  return program(words)
}

function scriptOf(blocks: readonly string[], programs: readonly string[]): string {
  const standIns = programs.map((name) => `${name}() { ask ${name} "$@"; }`)
  const numbered = blocks.map((block, index) => `ask ${BLOCK} ${index}\n${block}`)
  return [PREAMBLE, ...standIns, ...numbered].join('\n')
}

const PREAMBLE = `set -euo pipefail
ask() {
  local IFS=$'\\x1f' answer
  printf '%s\\x1e' "$*" >&3
  IFS= read -r -d $'\\x1e' answer <&4
  printf '%s' "\${answer#*$'\\x1f'}"
  return "\${answer%%$'\\x1f'*}"
}`
