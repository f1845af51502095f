import { execFileSync } from 'node:child_process'
import { statfsSync } from 'node:fs'

/** Kafka and Elasticsearch keep a file open for each segment, and a connection for each client. */
const LEAST_FILES = 4096
/** PostgreSQL's parallel workers meet in shared memory. */
const LEAST_SHARED_MB = 64

/** What this machine is short of, in a sentence each; the stack may run all the same. */
export function machineWarnings(limits = { files: mostFiles(), sharedMb: sharedMemoryMb() }): string[] {
  const { files, sharedMb } = limits
  return [
    ...(files !== undefined && files < LEAST_FILES
      ? [
          `a process may open ${files} files here: under load the servers need ${LEAST_FILES} (ulimit -n ${LEAST_FILES})`,
        ]
      : []),
    ...(sharedMb !== undefined && sharedMb < LEAST_SHARED_MB
      ? [`/dev/shm has ${sharedMb} MB: PostgreSQL may need ${LEAST_SHARED_MB} for large queries (mount it larger)`]
      : []),
  ]
}

/** The hard limit: Node and Java raise the soft one to it by themselves. */
function mostFiles(): number | undefined {
  try {
    const said = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim()
    return said === 'unlimited' ? undefined : Number(said)
  } catch {
    return undefined
  }
}

function sharedMemoryMb(): number | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const { bsize, blocks } = statfsSync('/dev/shm')
    return Math.round((bsize * blocks) / 1e6)
  } catch {
    return undefined
  }
}
