import { describe, expect, it } from 'vitest'
import { createAddressRule } from '../../../../services/shared/egress/addresses.ts'

describe('address rule', () => {
  it.each(['8.8.8.8', '168.63.129.17', '93.184.216.34', '2606:4700::6810:84e5', '::ffff:8.8.8.8'])(
    'lets a public address pass: %s',
    (address) => {
      expect(createAddressRule([])(address)).toBe(true)
    },
  )

  it.each([
    ['this network', '0.0.0.0'],
    ['private', '10.1.2.3'],
    ['private', '172.16.0.1'],
    ['private', '192.168.1.1'],
    ['loopback', '127.0.0.1'],
    ['link-local, cloud metadata', '169.254.169.254'],
    ['Azure’s platform service', '168.63.129.16'],
    ['Azure’s platform service, IPv4-mapped', '::ffff:168.63.129.16'],
    ['CGNAT', '100.64.0.1'],
    ['IETF protocols', '192.0.0.9'],
    ['documentation', '192.0.2.1'],
    ['documentation', '198.51.100.1'],
    ['documentation', '203.0.113.1'],
    ['6to4 relay', '192.88.99.1'],
    ['AS112', '192.31.196.1'],
    ['AMT', '192.52.193.1'],
    ['benchmarking', '198.18.0.1'],
    ['multicast', '224.0.0.1'],
    ['class E', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['unspecified', '::'],
    ['loopback', '::1'],
    ['IPv4-mapped private', '::ffff:10.0.0.1'],
    ['IPv4-mapped metadata in hex', '::ffff:a9fe:a9fe'],
    ['IPv4-compatible', '::10.0.0.1'],
    ['IPv4-translated', '::ffff:0:10.0.0.1'],
    ['NAT64', '64:ff9b::a00:1'],
    ['local NAT64', '64:ff9b:1::1'],
    ['discard', '100::1'],
    ['Teredo', '2001::1'],
    ['benchmarking', '2001:2::1'],
    ['ORCHID', '2001:20::1'],
    ['documentation', '2001:db8::1'],
    ['documentation', '3fff::1'],
    ['6to4', '2002:a00:1::1'],
    ['SRv6', '5f00::1'],
    ['not allocated', '4000::1'],
    ['ULA', 'fd00::1'],
    ['link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['site-local', 'fec0::1'],
    ['multicast', 'ff02::1'],
  ])('refuses %s: %s', (_range, address) => {
    expect(createAddressRule([])(address)).toBe(false)
  })

  it.each(['', 'example.com', '0x7f.1', '2130706433', '010.0.0.1', '8.8.8', '8.8.8.8/32'])(
    'refuses what is no address in its plain form: "%s"',
    (text) => {
      expect(createAddressRule(['0.0.0.0/0'])(text)).toBe(false)
    },
  )

  it('lets the ranges of the operator pass, and only those', () => {
    const isAllowed = createAddressRule(['127.0.0.0/8', 'fd00::/8'])

    const passed = ['127.9.9.9', '::ffff:127.0.0.1', 'fd12::1', '10.0.0.1', '::1'].filter(isAllowed)

    expect(passed).toEqual(['127.9.9.9', '::ffff:127.0.0.1', 'fd12::1'])
  })

  it.each(['10.0.0.0', 'localhost', '10.0.0.0/33'])('names a range it cannot read: %s', (cidr) => {
    expect(() => createAddressRule([cidr])).toThrow(`"${cidr}" is no address range`)
  })
})
