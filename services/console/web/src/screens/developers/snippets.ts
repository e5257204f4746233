import go from './snippets/verify.go?raw'
import php from './snippets/verify.php?raw'
import python from './snippets/verify.py?raw'
import node from './snippets/verify-node.mjs?raw'

/** The files themselves, as the tests execute them. */
export const SNIPPETS = [
  { language: 'Node', file: 'verify-node.mjs', text: node },
  { language: 'Python', file: 'verify.py', text: python },
  { language: 'PHP', file: 'verify.php', text: php },
  { language: 'Go', file: 'verify.go', text: go },
] as const
