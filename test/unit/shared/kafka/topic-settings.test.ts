import { describe, expect, it } from 'vitest'
import {
  type Needs,
  settingsAdvice,
  settingsProblem,
} from '../../../../services/shared/kafka/topic-settings.ts'
import { eventsTopic, topicNames } from '../../../../services/shared/kafka/topics.ts'

const { config } = eventsTopic(topicNames('calls'), 12)
/** What three brokers of a careful operator tell of a topic that we created. */
const OURS = { ...config, 'cleanup.policy': 'delete', 'min.insync.replicas': '2' }
const LOG: Needs = { isLog: true, keptMs: 86_400_000, replicas: 3 }

function problemWith(changed: Readonly<Record<string, string>>, needs: Partial<Needs> = {}) {
  const settings = new Map(Object.entries({ ...OURS, ...changed }))
  return settingsProblem('calls.events', settings, { ...LOG, ...needs })
}

describe('the settings of a topic', () => {
  it('that we created are fine, and nothing is advised', () => {
    expect(problemWith({})).toBeNull()
    expect(settingsAdvice('calls.events', new Map(Object.entries(OURS)))).toEqual([])
  })

  it.each([
    ['max.message.bytes', '1048587', 'max.message.bytes=1048588'],
    ['compression.type', 'zstd', 'compression.type=uncompressed'],
    ['compression.type', 'lz4', 'compression.type=uncompressed'],
    ['compression.type', 'snappy', 'compression.type=uncompressed'],
    ['cleanup.policy', 'compact', 'cleanup.policy=delete'],
    ['cleanup.policy', 'compact,delete', 'cleanup.policy=delete'],
    ['message.timestamp.type', 'CreateTime', 'message.timestamp.type=LogAppendTime'],
    ['retention.ms', '86399999', 'retention.ms=86400000'],
    ['min.insync.replicas', '4', 'min.insync.replicas=2'],
  ])('are refused with the command that mends them: %s=%s', (name, value, mend) => {
    expect(problemWith({ [name]: value })).toContain(
      `run kafka-configs.sh --alter --topic calls.events --add-config ${mend}`,
    )
  })

  it.each([
    ['max.message.bytes', '10485760'],
    ['compression.type', 'gzip'],
    ['compression.type', 'producer'],
    ['retention.ms', '-1'],
    ['min.insync.replicas', '3'],
  ])('are taken where they do no harm: %s=%s', (name, value) => {
    expect(problemWith({ [name]: value })).toBeNull()
  })

  it('of a topic that is not the log may have the clocks of its producers', () => {
    const clocks = { 'message.timestamp.type': 'CreateTime' }

    expect(problemWith(clocks, { isLog: false })).toBeNull()
  })

  it.each([
    ['compression.type', 'producer'],
    ['retention.bytes', '1073741824'],
    ['unclean.leader.election.enable', 'true'],
  ])('are advised against where they do harm one day: %s=%s', (name, value) => {
    const [advice, ...more] = settingsAdvice('calls.events', new Map([[name, value]]))

    expect(advice).toContain('run kafka-configs.sh --alter --topic calls.events --add-config')
    expect(more).toEqual([])
  })
})
