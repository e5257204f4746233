import { api, take } from '../../api.ts'
import { ConfirmDialog } from '../../components/confirm-dialog.tsx'
import { useSession } from '../../session.tsx'
import { useTileText } from './tile-text.ts'

interface DisconnectProps {
  readonly onClose: () => void
  readonly onDisconnected: () => Promise<void>
}

export function Disconnect({ onClose, onDisconnected }: DisconnectProps) {
  const { disconnect: t } = useTileText()
  const { workspaceId } = useSession()
  const disconnect = async () => {
    const params = { path: { id: workspaceId } }
    await take(api.DELETE('/v1/workspaces/{id}/connection', { params }))
    await onDisconnected()
  }
  return (
    <ConfirmDialog title={t.title} confirm={t.confirm} onConfirm={disconnect} onClose={onClose}>
      <ul className="consequences">
        <li>{t.stops}</li>
        <li>{t.kept}</li>
        <li>{t.forgets}</li>
      </ul>
    </ConfirmDialog>
  )
}
