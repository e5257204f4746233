import { useEffect, useState } from 'react'
import { api, SIGNED_OUT, take } from './api.ts'
import { ErrorNote } from './components/error-note.tsx'
import { Skeleton } from './components/skeleton.tsx'
import { SignInScreen } from './screens/sign-in/sign-in-screen.tsx'
import { SessionContext } from './session.tsx'
import { Shell } from './shell.tsx'
import { useResource } from './use-resource.ts'

/** Who is signed in sees the shell with its screens, everybody else the sign-in. */
export function App() {
  const session = useResource('session', (signal) => take(api.GET('/v1/session', { signal })))
  const [isOver, setIsOver] = useState(false)
  useEffect(() => {
    const end = () => setIsOver(true)
    window.addEventListener(SIGNED_OUT, end)
    return () => window.removeEventListener(SIGNED_OUT, end)
  }, [])

  if (isOver || session.error?.httpStatus === 401) {
    return (
      <SignInScreen
        onSignedIn={(signedIn) => {
          session.replace(signedIn)
          setIsOver(false)
        }}
      />
    )
  }
  if (session.data === undefined) {
    return (
      <main className="lone">
        {session.error === undefined ? (
          <Skeleton height="card" />
        ) : (
          <ErrorNote error={session.error} onRetry={session.reload} />
        )}
      </main>
    )
  }
  return (
    <SessionContext value={session.data}>
      <Shell />
    </SessionContext>
  )
}
