import { describe, expect, it } from 'vitest'
import { brokerSettings } from '../../../deploy/local/kafka-settings.ts'
import { brokersOf, type Profile, profileOf } from '../../../deploy/local/profiles.ts'

const one = profileOf('up')
const three = profileOf('cluster')

function settingsOf(profile: Profile): Record<string, string>[] {
  return brokersOf(profile).map((broker) => brokerSettings(profile, broker))
}

function each(setting: string): (string | undefined)[] {
  return settingsOf(three).map((settings) => settings[setting])
}

describe('the settings of three brokers', () => {
  it('differ in who a broker is, where it listens and where its data lies', () => {
    for (const setting of ['node.id', 'listeners', 'advertised.listeners', 'log.dirs']) {
      expect(new Set(each(setting)).size, setting).toBe(3)
    }
  })

  it('name the same three voters, each where it listens as a controller', () => {
    const [voters, ...others] = each('controller.quorum.voters')
    const listening = each('listeners').map((listeners) => listeners?.split('CONTROLLER://')[1])

    expect(voters?.split(',')).toEqual(listening.map((address, index) => `${index + 1}@${address}`))
    expect(others).toEqual([voters, voters])
  })

  it('replicate everything three times, and take nothing that only one broker has', () => {
    expect(settingsOf(three)[0]).toMatchObject({
      'default.replication.factor': '3',
      'min.insync.replicas': '2',
      'offsets.topic.replication.factor': '3',
      'transaction.state.log.replication.factor': '3',
      'transaction.state.log.min.isr': '2',
      'share.coordinator.state.topic.replication.factor': '3',
      'share.coordinator.state.topic.min.isr': '2',
    })
  })

  it('leave the session of a broker as long as it is in production', () => {
    expect(settingsOf(three)[0]).not.toHaveProperty(['broker.session.timeout.ms'])
    expect(settingsOf(three)[0]).not.toHaveProperty(['broker.heartbeat.interval.ms'])
  })
})

describe('the settings of one broker', () => {
  it('ask for no replica that cannot be', () => {
    const factors = Object.entries(settingsOf(one)[0] ?? {}).filter(([name]) =>
      /replication\.factor|min\.isr|min\.insync/.test(name),
    )

    expect(factors).toHaveLength(5)
    expect(factors.filter(([, value]) => value !== '1')).toEqual([])
  })

  it('keep its data where it has always been', () => {
    expect(settingsOf(one)[0]?.['log.dirs']).toBe(`${one.folder}/data/kafka/log`)
  })
})
