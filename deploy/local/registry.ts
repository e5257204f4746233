import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from './daemon.ts'
import { DEPENDENCY_PLUGIN, downloaded } from './downloads.ts'
import { javaCommand } from './prerequisites.ts'
import {
  HOST,
  POSTGRES_PASSWORD,
  POSTGRES_USER,
  type Profile,
  REGISTRY_DATABASE,
  stackEnvironment,
} from './profiles.ts'
import type { Report, Server } from './server.ts'
import { StackError } from './stack-error.ts'

/** The newest version that runs on Java 17; 3.1 and later need 21. */
const ARTIFACT = 'io.apicurio:apicurio-registry-app:3.0.9:tar.gz:all'

/** Apicurio Registry with the API of Confluent's; it keeps the schemas in our Postgres. */
export function registryServer(profile: Profile, report: Report): Server {
  const { SCHEMA_REGISTRY_URL: url } = stackEnvironment(profile)
  return {
    name: 'registry',
    label: 'the schema registry',
    ports: [profile.ports.registry],
    prepare: () => prepare(profile, report),
    probe: () => probe(url),
    readyWithinMs: 60_000,
    stop: { signal: 'SIGTERM', withinMs: 10_000 },
  }
}

async function prepare({ ports }: Profile, report: Report): Promise<Command> {
  const folder = await downloaded(
    {
      name: 'apicurio-registry',
      maven: [`${DEPENDENCY_PLUGIN}:unpack`, `-Dartifact=${ARTIFACT}`],
      inputs: ARTIFACT,
    },
    report,
  )
  const runner = readdirSync(folder).find((file) => file.endsWith('-runner.jar'))
  if (runner === undefined) {
    throw new StackError(`${folder} holds no runnable registry: delete it and try again.`)
  }
  return {
    file: javaCommand(),
    // It answers a handful of requests per start of a service: the cheap compiler and collector
    // start sooner and take less memory.
    args: ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-jar', join(folder, runner)],
    env: {
      ...process.env,
      QUARKUS_HTTP_HOST: HOST,
      QUARKUS_HTTP_PORT: String(ports.registry),
      APICURIO_STORAGE_KIND: 'sql',
      APICURIO_STORAGE_SQL_KIND: 'postgresql',
      APICURIO_DATASOURCE_URL: `jdbc:postgresql://${HOST}:${ports.postgres}/${REGISTRY_DATABASE}`,
      APICURIO_DATASOURCE_USERNAME: POSTGRES_USER,
      APICURIO_DATASOURCE_PASSWORD: POSTGRES_PASSWORD,
      // By default it keeps 20 connections and takes up to 100: all that this Postgres gives away.
      APICURIO_DATASOURCE_JDBC_INITIAL_SIZE: '1',
      APICURIO_DATASOURCE_JDBC_MIN_SIZE: '1',
      APICURIO_DATASOURCE_JDBC_MAX_SIZE: '5',
    },
  }
}

async function probe(url: string): Promise<void> {
  const response = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(2_000) })
  await response.body?.cancel()
  if (response.status !== 200) throw new Error(`GET /subjects answers ${response.status}`)
}
