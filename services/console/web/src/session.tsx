import { createContext, useContext } from 'react'
import type { Answer } from './api.ts'

export type Session = Answer<'/v1/session', 'get'>

export const SessionContext = createContext<Session | null>(null)

/** Who is signed in. Only for what is shown behind the sign-in. */
export function useSession(): Session {
  const session = useContext(SessionContext)
  if (session === null) throw new Error('Nobody is signed in here.')
  return session
}
