import { answer, Receiver } from '../support/receiver.ts'
import { liveLine, painter } from './live-line.ts'
import { NEIGHBOUR } from './workspaces.ts'

/** Program: `kept-receiver.ts <port>`. What stays of the demo's receiver with `KEEP=1`. */
const receiver = new Receiver()
receiver.script(NEIGHBOUR, () => answer(503))
receiver.onReceived = (received) => {
  console.log(liveLine(received, null, painter(false, {})))
  // It may run for days, and nobody judges it.
  receiver.received.length = 0
}
process.once('SIGTERM', () => void receiver.stop().then(() => process.exit(0)))
await receiver.start(Number(process.argv[2]))
console.log(`listening on ${receiver.port}`)
