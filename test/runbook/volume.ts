import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { HOST } from '../../deploy/local/profiles.ts'

/**
 * The volume that Kafka's data lie on, as the kubelet tells of it. What is in it is measured; its size
 * is made up, since nobody here may mount one.
 */
export class Volume {
  readonly claim = 'kafka-0'
  readonly #folder: string
  readonly #server: Server
  #bytes: number

  private constructor(folder: string, bytes: number) {
    this.#folder = folder
    this.#bytes = bytes
    this.#server = createServer((_request, response) => {
      this.#metrics().then(
        (text) => response.end(text),
        (error: Error) => response.writeHead(500).end(error.message),
      )
    })
  }

  /** `folder`: absolute; of the data. */
  static async start(folder: string): Promise<Volume> {
    const volume = new Volume(folder, (await usedIn(folder)) + ROOM_BYTES)
    await new Promise<void>((resolve) => volume.#server.listen(0, HOST, resolve))
    return volume
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Until hardly anything is free. */
  async fill(): Promise<void> {
    await writeFile(this.#ballast, Buffer.alloc(ROOM_BYTES * 0.95, 1))
  }

  async empty(): Promise<void> {
    await rm(this.#ballast, { force: true })
  }

  resize(bytes: number): void {
    this.#bytes = bytes
  }

  async stop(): Promise<void> {
    await this.empty()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get #ballast(): string {
    return join(this.#folder, 'ballast')
  }

  async #metrics(): Promise<string> {
    const labels = `{namespace="data",persistentvolumeclaim="${this.claim}"}`
    const available = Math.max(0, this.#bytes - (await usedIn(this.#folder)))
    return [
      `kubelet_volume_stats_available_bytes${labels} ${available}`,
      `kubelet_volume_stats_capacity_bytes${labels} ${this.#bytes}`,
      '',
    ].join('\n')
  }
}

const ROOM_BYTES = 100 * 1024 * 1024

async function usedIn(folder: string): Promise<number> {
  // It ends with 1 when a segment is deleted while it looks, and prints the sum all the same.
  const { stdout } = await promisify(execFile)('du', ['-sk', folder]).catch(
    (error: Error & { stdout: string }) => error,
  )
  return Number.parseInt(stdout, 10) * 1024
}
