import { Button } from '../../components/button.tsx'
import { recoveryEn } from '../../i18n/recovery.en.ts'
import { recoveryUk } from '../../i18n/recovery.uk.ts'
import { useText } from '../../i18n.ts'
import type { GrowingList } from '../../use-growing-list.ts'

/** Below a list that has more; says where the rest is when the page shows no more. */
export function ShowMore<Item>({ list }: { readonly list: GrowingList<Item> }) {
  const t = useText({ en: recoveryEn, uk: recoveryUk })
  const { resource, showMore } = list
  if (resource.data?.nextCursor == null) return null
  return (
    <div className="row recovery-more">
      {showMore === null ? (
        <p className="muted">
          {t.allShown} <a href="/docs">/docs</a>
        </p>
      ) : (
        <Button onClick={() => void showMore() /* Its failure is shown above. */}>{t.more}</Button>
      )}
    </div>
  )
}
