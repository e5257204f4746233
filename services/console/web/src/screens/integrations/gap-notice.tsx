import { ButtonLink } from '../../components/button.tsx'
import { Notice } from '../../components/notice.tsx'
import { canBeDelivered, type Gap } from '../../gap.ts'
import { Moment } from '../../time.tsx'
import { useTileText } from './tile-text.ts'

/** The newest gap that can still be filled: what was missed in it waits to be delivered. */
export function GapNotice({ gaps }: { readonly gaps: readonly Gap[] }) {
  const { gap: t } = useTileText()
  const gap = gaps.find(canBeDelivered)
  if (gap === undefined) return null
  return (
    <Notice
      tone="info"
      title={gap.to === null ? t.openTitle : t.closedTitle}
      action={
        <ButtonLink to="/recovery" icon="rewind">
          {t.action}
        </ButtonLink>
      }
    >
      {gap.to === null ? t.open : t.closed} <Moment at={gap.from} form="minute" />
      {gap.to === null ? (
        '.'
      ) : (
        <>
          {' – '}
          <Moment at={gap.to} form="minute" />
        </>
      )}
    </Notice>
  )
}
