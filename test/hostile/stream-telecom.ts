/** 26 May 2026, 14:17:59 UTC. */
const STARTED_AT_S = 1_779_803_879

export interface HangUp {
  readonly session: number | string
  readonly leg: number | string
  readonly to?: string
  /** The leg that closes the session; without it the others are waited for. */
  readonly isLast: boolean
}

/** A leg of a session as Stream Telecom tells its end. */
export function hangUp({ session, leg, to = '80044022203', isLast }: HangUp): string {
  return JSON.stringify({
    event: 'Hangup',
    type: 'in',
    from: '380671234567',
    to,
    via: '380441234567',
    call_id: typeof leg === 'number' ? `${STARTED_AT_S}.${leg}` : leg,
    sessionid: typeof session === 'number' ? `${STARTED_AT_S}.${session}` : session,
    result: 'busy',
    time_start: STARTED_AT_S * 1_000,
    event_time: (STARTED_AT_S + 25) * 1_000,
    join: true,
    end_sess: isLast,
  })
}
