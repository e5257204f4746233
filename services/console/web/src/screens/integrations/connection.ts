import type { paths } from '../../api-schema.d.ts'

type OfConnection = paths['/v1/workspaces/{id}/connection']

export type Connection = OfConnection['get']['responses'][200]['content']['application/json']
/** With a URL, whether it works or not. */
export type LiveConnection = Exclude<Connection, { state: 'disconnected' }>
export type ConnectionRequest = OfConnection['put']['requestBody']['content']['application/json']
/** The answer to it. */
export type Connected = OfConnection['put']['responses'][200]['content']['application/json']
