import type { FastifyRequest } from 'fastify'

/** Who asks: the operator, a program with a token of a workspace, or a browser signed in for one. */
export type Caller =
  | { readonly kind: 'operator' }
  | { readonly kind: 'token'; readonly workspaceId: string; readonly tokenId: string }
  | { readonly kind: 'browser'; readonly workspaceId: string }

/** Of requests under way: the line that ends one says who it was. */
const callers = new WeakMap<FastifyRequest, Caller>()

export function noteCaller(request: FastifyRequest, caller: Caller): Caller {
  callers.set(request, caller)
  return caller
}

/** For the log. The id of a token is no secret: it names it in `DELETE …/tokens/{tokenId}`. */
export interface CallerFacts {
  /** `nobody`: without credentials, or with wrong ones. */
  readonly who: Caller['kind'] | 'nobody'
  /** That was asked about; absent where the caller is nobody, who could write anything. */
  readonly workspaceId?: string
  readonly tokenId?: string
}

export function callerFacts(request: FastifyRequest): CallerFacts {
  const caller = callers.get(request)
  if (caller === undefined) return { who: 'nobody' }
  const { kind: who, ...facts } = caller
  const { id } = (request.params ?? {}) as { readonly id?: string }
  return { who, ...facts, ...(id !== undefined && { workspaceId: id }) }
}
