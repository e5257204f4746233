import { Button } from '../../components/button.tsx'
import type { Gap } from '../../gap.ts'
import { GapNotice } from './gap-notice.tsx'
import { useTileText } from './tile-text.ts'

interface NotConnectedProps {
  readonly gaps: readonly Gap[]
  readonly onConnect: () => void
}

export function NotConnected({ gaps, onConnect }: NotConnectedProps) {
  const t = useTileText()
  return (
    <>
      <GapNotice gaps={gaps} />
      <ol className="steps">
        {t.steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      <div className="tile-connect">
        <Button kind="primary" icon="plug" onClick={onConnect}>
          {t.connect}
        </Button>
      </div>
    </>
  )
}
