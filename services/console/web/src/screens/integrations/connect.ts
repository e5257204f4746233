import { api, take } from '../../api.ts'
import type { Connected, ConnectionRequest } from './connection.ts'

/** @throws ApiError 422 with an error class when the endpoint did not accept the ping. */
export function connect(workspaceId: string, body: ConnectionRequest): Promise<Connected> {
  const path = { id: workspaceId }
  return take(api.PUT('/v1/workspaces/{id}/connection', { params: { path }, body }))
}
