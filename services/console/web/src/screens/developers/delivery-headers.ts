/**
 * The headers of a delivery, with an example of each. A test holds them against what the dispatcher
 * really sends; what each means stands in the dictionaries.
 */
export const DELIVERY_HEADERS = {
  'content-type': 'application/json',
  'user-agent': 'call-webhook/0.1.0',
  'webhook-id': 'evt_5c1e…',
  'webhook-timestamp': '1779803985',
  'webhook-signature': 'v1,K5oZfzN95Z9UVu1E…',
  'webhook-sequence': '48213',
  'webhook-attempt': '1',
  'webhook-replay': 'true',
  authorization: 'Bearer …',
} as const

export type DeliveryHeader = keyof typeof DELIVERY_HEADERS
