/** The runbook as a person reads it: which commands an alert's entry has. Pure. */

export interface Block {
  /** The line of prose before the commands, without its colon: what they show or mend. */
  readonly title: string
  /** As they stand. */
  readonly commands: string
}

export interface Entry {
  /** The anchor that GitHub gives its heading. */
  readonly anchor: string
  readonly blocks: readonly Block[]
}

/** The anchor that GitHub gives a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

/**
 * Entries of the chapter "Runbook" of a page, also those without commands. What stands before the
 * first entry is not among them: it says which variables the commands need.
 *
 * @throws when commands have no line before them that says what they do.
 */
export function entriesOf(markdown: string): readonly Entry[] {
  const [, ...entries] = chapterOf(markdown).split('\n### ')
  return entries.map((entry) => {
    const [heading = ''] = entry.split('\n')
    return { anchor: anchorOf(heading), blocks: blocksOf(entry) }
  })
}

/**
 * The commands right before the first entry: short words that those of all entries are written with.
 *
 * @throws when the page has none.
 */
export function wordsOf(markdown: string): string {
  const [head = ''] = chapterOf(markdown).split('\n### ')
  const words = [...head.matchAll(BLOCK)].at(-1)?.[2]
  if (words === undefined) throw new Error('the runbook has no words before its first entry')
  return words
}

function chapterOf(markdown: string): string {
  const [, chapter = ''] = markdown.split('\n## Runbook\n')
  return chapter.split(/\n## /)[0] ?? ''
}

const BLOCK = /^([^\n]*)\n+ *```sh\n([\s\S]*?)^ *```$/gm

function blocksOf(entry: string): Block[] {
  return [...entry.matchAll(BLOCK)].map(([, line = '', commands = '']) => ({
    title: titleOf(line, commands),
    commands,
  }))
}

function titleOf(line: string, commands: string): string {
  const title = /^(.+):$/.exec(line)?.[1]
  if (title !== undefined) return title
  throw new Error(`no line that ends with a colon says what these do:\n${commands}`)
}
