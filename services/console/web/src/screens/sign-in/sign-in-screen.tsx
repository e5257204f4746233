import type { Session } from '../../session.tsx'

export function SignInScreen(_: { readonly onSignedIn: (session: Session) => void }) {
  return null
}
