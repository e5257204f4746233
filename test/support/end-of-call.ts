/** A part of a call by which Stream Telecom tells that a session of one leg is over, as JSON. */
export function endOfCall(sessionid: string): string {
  return JSON.stringify({
    event: 'End_in',
    type: 'in',
    from: '380671234567',
    to: '380441112233',
    sessionid,
    time_start: 1_754_650_000_000,
    event_time: 1_754_650_003_000,
  })
}
