export const commonEn = {
  retry: 'Try again',
  cancel: 'Cancel',
  close: 'Close',
  save: 'Save',
  copy: 'Copy',
  copied: 'Copied',
  loading: 'Loading…',
  optional: 'optional',
  more: 'More actions',
  open: 'Open',
  never: 'never',
  now: 'any moment now',
  inTime: (time: string) => `in ${time}`,
  errors: {
    title: 'This could not be loaded',
    network: 'The server cannot be reached. Check your internet connection.',
    server: 'Something went wrong on our side. Nothing of yours is lost; try again in a moment.',
    notBuilt: 'This part is not available yet.',
    tooMany: 'Too many requests in a short time. Wait a moment.',
  },
  event: {
    'call.completed': 'Call completed',
    'call.recording_ready': 'Recording ready',
    'call.transcribed': 'Call transcribed',
    'order.created': 'Order created',
  },
  outcome: {
    delivered: 'Delivered',
    retrying: 'Will be retried',
    dead_lettered: 'Given up',
    suspended: 'Suspended',
  },
  errorClass: {
    unauthorized: {
      title: 'Wrong password (401 or 403)',
      hint: 'Your endpoint refused our password. Check it, and how it is sent: as a Bearer token, as Basic user:password, or in a header of your choice.',
    },
    not_found: {
      title: 'Nothing at this path (404)',
      hint: 'Copy the URL again. In n8n take the production URL and activate the workflow.',
    },
    rejected: {
      title: 'The content was refused (400, 422)',
      hint: 'Your endpoint did not accept what we sent. It has to take a POST with JSON.',
    },
    rate_limited: {
      title: 'Too many requests (429)',
      hint: 'Your endpoint asks us to slow down. Raise its limit; events wait meanwhile, in order.',
    },
    server_error: {
      title: 'Your endpoint failed (5xx)',
      hint: 'It was reached and failed on its side. Look into its log; is the service running?',
    },
    redirect: {
      title: 'It redirects elsewhere (3xx)',
      hint: 'We do not follow redirects. Enter the final URL, often the one with https, www or a slash at the end.',
    },
    client_error: {
      title: 'The request was refused (4xx)',
      hint: 'Your endpoint has to allow POST at this path.',
    },
    timeout: {
      title: 'No answer within 5 seconds',
      hint: 'Answer 200 at once and do the work afterwards. Check that a firewall does not drop our connection.',
    },
    refused: {
      title: 'Nothing listens there',
      hint: 'Nothing accepts connections at this address and port. Check the port; is the service running?',
    },
    reset: {
      title: 'The connection broke off',
      hint: 'It was closed before a complete answer. Check the proxy in front of your service.',
    },
    dns: {
      title: 'The host name is unknown',
      hint: 'Check its spelling and its DNS records. It has to lead to a public address; internal ones are not allowed.',
    },
    tls: {
      title: 'The certificate is not valid',
      hint: 'It is expired, self-signed, for another name, or its chain is incomplete. Install a valid one.',
    },
    blocked_address: {
      title: 'Not a public address',
      hint: 'The URL has to lead to a public https address. Internal addresses are not allowed.',
    },
  },
}
