/**
 * Something that the person at the keyboard can act on: the message says what is wrong and what to
 * do. The command line prints it alone; every other error is a defect and keeps its stack trace.
 */
export class StackError extends Error {
  override readonly name = 'StackError'

  /** Without the name: what is printed is the sentence alone. */
  override toString(): string {
    return this.message
  }
}
