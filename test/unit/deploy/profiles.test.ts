import { describe, expect, it } from 'vitest'
import { PROFILE_NAMES, profileOf } from '../../../deploy/local/profiles.ts'

const profiles = PROFILE_NAMES.map(profileOf)

describe('the profiles', () => {
  it('share no port and no folder, so that all of them can run at the same time', () => {
    const ports = profiles.flatMap((profile) => Object.values(profile.ports))

    expect(new Set(ports).size).toBe(ports.length)
    expect(new Set(profiles.map(({ folder }) => folder)).size).toBe(profiles.length)
  })

  it('stay below the ports that the system gives to outgoing connections', () => {
    const ports = profiles.flatMap((profile) => Object.values(profile.ports))

    expect(Math.max(...ports)).toBeLessThan(32_768)
  })

  it('keep data for `make up` only', () => {
    expect(profiles.filter(({ fresh }) => !fresh).map(({ name }) => name)).toEqual(['up'])
  })

  it('give up durability nowhere but in tests', () => {
    const relaxed = profiles.filter(({ survivesPowerLoss }) => !survivesPowerLoss)

    expect(relaxed.map(({ name }) => name)).toEqual(['test'])
  })

  it('name the database of the tests so that destructive support accepts it', () => {
    expect(profileOf('test').database).toMatch(/test/)
    expect(profileOf('up').database).not.toMatch(/test/)
  })
})
