import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * Which addresses we connect to on a customer's behalf: public unicast only.
 *
 * A customer chooses the URL, so without this rule our network would be theirs to probe: cloud
 * metadata at 169.254.169.254, the broker, the database. Refused is everything that is not known
 * to be public (ipaddr.js names the special ranges of the IANA registries: private, loopback,
 * link-local, CGNAT, documentation, benchmarking, class E, multicast, ULA, NAT64, 6to4, Teredo,
 * SRv6 and so on), all of IPv6 outside 2000::/3, the only block given out for global unicast, and
 * the addresses that look public and are answered by the cloud that we run in.
 */
export type AddressRule = (address: string) => boolean

/** Azure's platform service: credentials and settings of a virtual machine, seen from inside. */
const INSIDE_OF_A_CLOUD = [ipaddr.parseCIDR('168.63.129.16/32')]
const GLOBAL_UNICAST_V6 = ipaddr.parseCIDR('2000::/3')

/**
 * The rule with exceptions: what lies in one of `allowCidrs` is allowed whatever it is.
 *
 * @throws Error naming the entry that is no CIDR.
 */
export function createAddressRule(allowCidrs: readonly string[]): AddressRule {
  const allowed = allowCidrs.map(parseCidr)
  return (text) => {
    // Stricter than ipaddr.js, which also reads 0x7f.1: nothing may be vetted as another address
    // than the one that the socket connects to.
    if (isIP(text) === 0) return false
    const address = ipaddr.process(text)
    return allowed.some((cidr) => contains(cidr, address)) || isPublic(address)
  }
}

export function isCidr(text: string): boolean {
  return ipaddr.isValidCIDR(text)
}

type Address = ReturnType<typeof ipaddr.parse>
type Cidr = ReturnType<typeof ipaddr.parseCIDR>

function parseCidr(text: string): Cidr {
  try {
    return ipaddr.parseCIDR(text)
  } catch (cause) {
    throw new Error(`"${text}" is no address range such as 10.0.0.0/8 or fd00::/8`, { cause })
  }
}

function contains([network, bits]: Cidr, address: Address): boolean {
  // ipaddr.js throws when the families differ.
  return network.kind() === address.kind() && address.match(network, bits)
}

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false
  if (INSIDE_OF_A_CLOUD.some((cidr) => contains(cidr, address))) return false
  return address.kind() === 'ipv4' || contains(GLOBAL_UNICAST_V6, address)
}
