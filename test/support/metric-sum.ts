/** What the process with this telemetry port tells of a metric, summed over its labels; 0 if nothing. */
export async function metricSum(telemetryPort: number, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${telemetryPort}/metrics`)
  const lines = (await response.text()).split('\n')
  return lines
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
