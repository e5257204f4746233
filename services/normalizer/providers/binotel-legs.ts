import type { Agent, CallStatus, Direction, Leg } from '../../shared/call-event.ts'
import { readOutcome } from './binotel-outcome.ts'
import { unansweredStatus } from './call-sides.ts'
import type { JsonObject } from './provider.ts'
import { firstText, numbered, object, seconds, text } from './wire-value.ts'

/**
 * The history of a Binotel call: who was rung, in order, through which group, and who of them is
 * the agent. A group has a number that looks like an extension (801 beside 901); it is told from a
 * person only by being named as a group somewhere in the call.
 */
export interface RungLeg {
  readonly leg: Leg
  readonly group: string | null
}

interface Employee {
  readonly extension: string | null
  readonly name: string | null
  readonly email: string | null
}

const NOBODY: Agent = { id: null, name: null, extension: null, email: null }

export function readLegs(details: JsonObject, direction: Direction | null): readonly RungLeg[] {
  const history = numbered(details['historyData'])
  const entries = history.length > 0 ? history : numbered(details['dstNumbers'])
  return entries.map((entry) => readLeg(object(entry), direction))
}

function readLeg(entry: JsonObject, direction: Direction | null): RungLeg {
  const route = routeOf(text(entry['dstNumber'])) // "801 > 901": through group 801 to 901
  const groups = [...routeOf(text(entry['internalAdditionalData'])), ...route.slice(0, -1)]
  const { extension, name, email } = employeeOf(entry)
  return {
    leg: {
      extension: extension ?? route.at(-1) ?? null,
      name,
      email,
      status: legStatus(entry, direction),
      waitDuration: seconds(entry['waitsec']),
      talkDuration: seconds(entry['billsec']),
    },
    group: groups.at(-1) ?? null,
  }
}

/** Unlike the call, a leg of an inbound call can be busy or out of order while the next one rings. */
function legStatus(entry: JsonObject, direction: Direction | null): CallStatus | null {
  if (text(entry['disposition']) === null && text(entry['billsec']) === null) return null
  const outcome = readOutcome(entry['disposition'], seconds(entry['billsec']))
  if (outcome === 'not_final' || outcome === 'not_a_call') return null
  return outcome === 'unanswered' ? unansweredStatus(direction, 'no_answer') : outcome
}

/** The group through which the call came: of the whole call, else of the leg that tells one. */
export function groupOf(details: JsonObject, legs: readonly RungLeg[]): string | null {
  const ofCall = routeOf(text(details['internalAdditionalData'])).at(-1)
  if (ofCall !== undefined) return ofCall
  const told = legs.filter(({ group }) => group !== null)
  const talked = told.findLast(({ leg }) => leg.status === 'answered')
  return (talked ?? told[0])?.group ?? null
}

/** Who talked last; where nobody talked, who was rung, if that is exactly one person. */
export function agentOf(
  details: JsonObject,
  legs: readonly RungLeg[],
  call: { readonly direction: Direction | null; readonly status: CallStatus | null },
): Agent {
  const groups = [groupOf(details, legs), ...legs.map(({ group }) => group)]
  const people = legs
    .map(({ leg }) => leg)
    .filter(({ extension }) => extension !== null && !groups.includes(extension))
  const ofCall = employeeOf(details)
  if (call.status === 'answered') {
    const talked = people.findLast(({ status }) => status === 'answered')
    return agent(talked ?? ofCall, ofCall)
  }
  const rung = people.at(-1)
  if (new Set(people.map(({ extension }) => extension)).size > 1) return NOBODY
  if (rung !== undefined) return agent(rung, ofCall)
  // Nobody is in the history. An unanswered call names "the extension or the group that was rung":
  // it is a person where it has a face, or where a person must have dialled.
  const isPerson = ofCall.name !== null || ofCall.email !== null || call.direction === 'outbound'
  const isGroup = ofCall.extension !== null && groups.includes(ofCall.extension)
  return isPerson && !isGroup ? agent(ofCall, ofCall) : NOBODY
}

/** The call names the employee of one leg more fully than that leg itself at times. */
function agent(employee: Employee, ofCall: Employee): Agent {
  const isSame = employee.extension === ofCall.extension
  return {
    id: null,
    name: employee.name ?? (isSame ? ofCall.name : null),
    extension: employee.extension,
    email: employee.email ?? (isSame ? ofCall.email : null),
  }
}

function employeeOf(entry: JsonObject): Employee {
  const employee = object(entry['employeeData'])
  return {
    extension: firstText(entry['internalNumber'], entry['extNumber']),
    name: firstText(employee['name'], entry['employeeName']),
    email: firstText(employee['email'], entry['employeeEmail']),
  }
}

/** `801 > 901` and the open `801 > ` of older bodies, as their parts. */
function routeOf(written: string | null): readonly string[] {
  return (written ?? '')
    .split('>')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
