/** What a colour says: fine, needs attention, broken, at rest, for information. */
export type Tone = 'good' | 'warn' | 'bad' | 'idle' | 'info'
