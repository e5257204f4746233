import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  decodeSecret,
  newSigningSecret,
  sign,
} from '../../../../services/shared/egress/webhook-signature.ts'
import { projectPath } from '../../../../services/shared/project-path.ts'

/**
 * What the page "Developers" tells customers to paste is executed here, byte for byte, in its own
 * language, against signatures that our own code has made. A language that is not installed is
 * skipped, and the name of the skipped test says so.
 */

interface Request {
  readonly secret: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

interface Language {
  readonly name: string
  readonly snippet: string
  readonly driver: { readonly file: string; readonly text: string }
  readonly command: readonly string[]
  readonly probe: readonly string[]
}

/** Each driver reads requests as JSON and answers with one boolean for each. */
const LANGUAGES: readonly Language[] = [
  {
    name: 'Node',
    snippet: 'verify-node.mjs',
    driver: {
      file: 'driver.mjs',
      text: `import { readFileSync } from 'node:fs'
import { verify } from './verify-node.mjs'
const requests = JSON.parse(readFileSync(0, 'utf8'))
console.log(JSON.stringify(requests.map((r) => verify(r.secret, r.headers, r.body))))`,
    },
    command: [process.execPath, 'driver.mjs'],
    probe: [process.execPath, '--version'],
  },
  {
    name: 'Python',
    snippet: 'verify.py',
    driver: {
      file: 'driver.py',
      text: `import json, sys
from verify import verify
requests = json.loads(sys.stdin.buffer.read())
print(json.dumps([verify(r["secret"], r["headers"], r["body"].encode()) for r in requests]))`,
    },
    command: ['python3', '-B', 'driver.py'],
    probe: ['python3', '--version'],
  },
  {
    name: 'PHP',
    snippet: 'verify.php',
    driver: {
      file: 'driver.php',
      text: `<?php require 'verify.php';
$requests = json_decode(file_get_contents('php://stdin'), true);
echo json_encode(array_map(fn ($r) => verify($r['secret'], $r['headers'], $r['body']), $requests));`,
    },
    command: ['php', 'driver.php'],
    probe: ['php', '--version'],
  },
  {
    name: 'Go',
    snippet: 'verify.go',
    driver: {
      file: 'main.go',
      text: `package main
import ("encoding/json"; "net/http"; "os")
func main() {
	var requests []struct { Secret string; Headers map[string]string; Body string }
	if err := json.NewDecoder(os.Stdin).Decode(&requests); err != nil { panic(err) }
	answers := []bool{}
	for _, r := range requests {
		headers := http.Header{}
		for name, value := range r.Headers { headers.Set(name, value) }
		answers = append(answers, Verify(r.Secret, headers, []byte(r.Body)))
	}
	json.NewEncoder(os.Stdout).Encode(answers)
}`,
    },
    command: ['go', 'run', 'verify.go', 'main.go'],
    probe: ['go', 'version'],
  },
]

const SNIPPETS = ['services', 'console', 'web', 'src', 'screens', 'developers', 'snippets']
/** Go compiles its standard library the first time. */
const TIMEOUT_MS = 180_000

const secret = newSigningSecret()
const otherSecret = newSigningSecret()
const body = JSON.stringify({ event: 'call.completed', client: { name: 'ТОВ «Їжак»' } })
const nowSec = Math.floor(Date.now() / 1000)

function signedRequest({ signedWith = [secret], at = nowSec } = {}): Request {
  const id = 'evt_0123456789abcdef0123456789abcdef'
  const signatures = signedWith.map((one) => sign(decodeSecret(one), id, at, body))
  return {
    secret,
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(at),
      'webhook-signature': signatures.join(' '),
    },
    body,
  }
}

function withHeader(request: Request, name: string, value: string): Request {
  return { ...request, headers: { ...request.headers, [name]: value } }
}

const good = signedRequest()
const CASES: readonly (readonly [accepted: boolean, what: string, request: Request])[] = [
  [true, 'a signed request', good],
  [
    true,
    'a rotation: the new secret signs first, ours second',
    signedRequest({ signedWith: [otherSecret, secret] }),
  ],
  [true, 'a sender whose clock is four minutes behind', signedRequest({ at: nowSec - 240 })],
  [false, 'a body with one more byte', { ...good, body: `${body} ` }],
  [false, 'another id', withHeader(good, 'webhook-id', 'evt_other')],
  [false, 'another time', withHeader(good, 'webhook-timestamp', String(nowSec - 1))],
  [false, 'a request of ten minutes ago, sent again', signedRequest({ at: nowSec - 600 })],
  [false, 'a request from the future', signedRequest({ at: nowSec + 600 })],
  [false, 'the signature of another secret', signedRequest({ signedWith: [otherSecret] })],
  [false, 'no signature', withHeader(good, 'webhook-signature', '')],
  [false, 'a signature that is no base64', withHeader(good, 'webhook-signature', 'v1,ї')],
  [
    false,
    'another version of the scheme',
    withHeader(good, 'webhook-signature', `v2${good.headers['webhook-signature']?.slice(2)}`),
  ],
  [false, 'a time that is no number', withHeader(good, 'webhook-timestamp', 'now')],
  [false, 'no headers at all', { ...good, headers: {} }],
]

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'snippets-'))
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function isInstalled([command = '', ...args]: readonly string[]): boolean {
  return spawnSync(command, args).status === 0
}

async function answersOf(language: Language): Promise<unknown> {
  const { snippet, driver, command } = language
  copyFileSync(projectPath(...SNIPPETS, snippet), join(folder, snippet))
  writeFileSync(join(folder, driver.file), driver.text)
  const [program = '', ...args] = command
  const child = spawn(program, args, { cwd: folder })
  child.stdin.end(JSON.stringify(CASES.map(([, , request]) => request)))
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${stderr}`)
  return JSON.parse(stdout)
}

describe('verify snippets', () => {
  for (const language of LANGUAGES) {
    const isHere = isInstalled(language.probe)
    const title = `${language.name}: accepts what we sign and refuses everything else`

    it.skipIf(!isHere)(
      isHere ? title : `${title} (skipped: ${language.name} is not installed here)`,
      async () => {
        const answers = (await answersOf(language)) as unknown[]

        const described = CASES.map(([, what], index) => [what, answers[index]])
        expect(described).toEqual(CASES.map(([isAccepted, what]) => [what, isAccepted]))
      },
      TIMEOUT_MS,
    )
  }
})
