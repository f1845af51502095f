import { printableLines } from '#runtime/printable'

/** What `up` tells while it works. */
export interface Say {
  line(text: string): void
  /** Reports a long download: every second on a terminal, every 10 s otherwise. */
  progress(text: string, megabytes: number, soFar: () => number): { end(): void }
  /** A step with the time it took. */
  step<T>(text: string, work: () => Promise<T>): Promise<T>
}

export function openSay(out: NodeJS.WriteStream = process.stdout): Say {
  const line = (text: string) => void out.write(`${printableLines(text)}\n`)
  return {
    line,
    progress(text, megabytes, soFar) {
      const before = soFar()
      line(`${text} (${megabytes} MB)`)
      const show = () => {
        const done = Math.min(Math.max(0, Math.round(soFar() - before)), megabytes)
        out.write(out.isTTY ? `\r  ${done} of ${megabytes} MB ` : `  ${done} of ${megabytes} MB\n`)
      }
      const timer = setInterval(show, out.isTTY ? 1_000 : 10_000)
      return {
        end() {
          clearInterval(timer)
          if (out.isTTY) out.write('\r\u001b[K')
        },
      }
    },
    async step(text, work) {
      const start = performance.now()
      const result = await work()
      line(`${text} (${((performance.now() - start) / 1000).toFixed(1)} s)`)
      return result
    },
  }
}
