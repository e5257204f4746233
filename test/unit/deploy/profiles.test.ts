import { describe, expect, it } from 'vitest'
import {
  brokersOf,
  PROFILE_NAMES,
  type Profile,
  profileOf,
  stackEnvironment,
} from '../../../deploy/local/profiles.ts'

const profiles = PROFILE_NAMES.map(profileOf)

/** Each once: the first broker's are among the others. */
function portsOf(profile: Profile): number[] {
  const ofBrokers = brokersOf(profile).flatMap(({ port, controllerPort }) => [port, controllerPort])
  const { kafka: _, controller: __, ...others } = profile.ports
  return [...ofBrokers, ...Object.values(others)]
}

describe('the profiles', () => {
  it('share no port and no folder, so that all of them can run at the same time', () => {
    const ports = profiles.flatMap(portsOf)

    expect(new Set(ports).size).toBe(ports.length)
    expect(new Set(profiles.map(({ folder }) => folder)).size).toBe(profiles.length)
  })

  it('stay below the ports that the system gives to outgoing connections', () => {
    const roomForShiftedClones = 600

    expect(Math.max(...profiles.flatMap(portsOf)) + roomForShiftedClones).toBeLessThan(32_768)
  })

  it('keep data for `make up` only, with one broker or three', () => {
    expect(profiles.filter(({ fresh }) => !fresh).map(({ name }) => name)).toEqual([
      'up',
      'up-cluster',
    ])
  })

  it('give up durability nowhere but in tests', () => {
    const relaxed = profiles.filter(({ survivesPowerLoss }) => !survivesPowerLoss)

    expect(relaxed.map(({ name }) => name)).toEqual(['test', 'cluster'])
  })

  it('name the database of the tests so that destructive support accepts it', () => {
    const destructible = profiles.filter(({ database }) => database.includes('test'))

    expect(destructible.map(({ name }) => name)).toEqual(['test', 'cluster'])
  })

  it('name every broker of a cluster, and the only one elsewhere, as clients must know them', () => {
    const shift = profileOf('up').ports.kafka - 9092

    expect(stackEnvironment(profileOf('up')).KAFKA_BROKERS).toBe(`127.0.0.1:${9092 + shift}`)
    expect(stackEnvironment(profileOf('cluster')).KAFKA_BROKERS).toBe(
      [21_092, 21_094, 21_096].map((port) => `127.0.0.1:${port + shift}`).join(),
    )
  })
})
