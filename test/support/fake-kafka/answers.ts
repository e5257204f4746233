import type { Surroundings } from './asked.ts'
import type { Frame } from './broker-server.ts'
import {
  answerFetch,
  answerInitProducerId,
  answerListOffsets,
  answerMetadata,
  answerProduce,
} from './data-answers.ts'
import { ERRORS } from './error-codes.ts'
import type { SeenRequest, Trouble } from './faults.ts'
import {
  answerFindCoordinator,
  answerHeartbeat,
  answerJoinGroup,
  answerLeaveGroup,
  answerOffsetCommit,
  answerOffsetFetch,
  answerSyncGroup,
} from './group-answers.ts'
import { APIS, type ApiName, type ResponseBody } from './messages.ts'
import { Reader, Writer } from './wire.ts'

/** @throws when the frame is no request that the fake brokers know. */
export function readRequest(broker: number, frame: Frame): SeenRequest {
  const api = apiOf(frame)
  const body = APIS[api].request.read(new Reader(frame.body))
  // The field of the API reads its own body, which the type system does not see.
  return {
    api,
    broker,
    connection: frame.connection,
    clientId: frame.clientId,
    body,
  } as SeenRequest
}

/** Carries the request out; answers what goes back over the wire. */
export async function carryOut(
  request: SeenRequest,
  trouble: Trouble,
  around: Surroundings,
): Promise<Buffer> {
  const body = await answer(request, trouble, around)
  const to = new Writer()
  const { response } = APIS[request.api] as { response: { write(to: Writer, body: object): void } }
  response.write(to, body)
  return to.buffer
}

function answer(
  request: SeenRequest,
  trouble: Trouble,
  around: Surroundings,
): object | Promise<object> {
  const rest = { ...around, trouble }
  switch (request.api) {
    case 'ApiVersions':
      return describeVersions()
    case 'Metadata':
      return answerMetadata({ ...rest, request })
    case 'InitProducerId':
      return answerInitProducerId({ ...rest, request })
    case 'Produce':
      return answerProduce({ ...rest, request })
    case 'Fetch':
      return answerFetch({ ...rest, request })
    case 'ListOffsets':
      return answerListOffsets({ ...rest, request })
    case 'FindCoordinator':
      return answerFindCoordinator({ ...rest, request })
    case 'JoinGroup':
      return answerJoinGroup({ ...rest, request })
    case 'SyncGroup':
      return answerSyncGroup({ ...rest, request })
    case 'Heartbeat':
      return answerHeartbeat({ ...rest, request })
    case 'LeaveGroup':
      return answerLeaveGroup({ ...rest, request })
    case 'OffsetCommit':
      return answerOffsetCommit({ ...rest, request })
    case 'OffsetFetch':
      return answerOffsetFetch({ ...rest, request })
  }
}

function apiOf({ apiKey, apiVersion }: Frame): ApiName {
  const names = Object.keys(APIS) as ApiName[]
  const api = names.find((name) => APIS[name].key === apiKey)
  if (!api) throw new Error(`no API of the key ${apiKey}`)
  const [min, max] = APIS[api].versions
  if (apiVersion < min || apiVersion > max) throw new Error(`${api} of version ${apiVersion}`)
  return api
}

function describeVersions(): ResponseBody<'ApiVersions'> {
  const apis = Object.values(APIS).map(({ key, versions: [min, max] }) => ({ key, min, max }))
  return { errorCode: ERRORS.NONE, apis, throttleMs: 0 }
}
