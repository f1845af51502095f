import type { Stack } from 'tributary/testing/stack'

/**
 * These tests have two forms: a short one for every run, and a long one (`npm run soak`). A property that fails prints
 * its seed and path; EDGES_SEED and EDGES_PATH play it again.
 */
const long = process.env.SOAK === 'long'

export const soak = {
  long,
  replay: {
    ...(process.env.EDGES_SEED ? { seed: Number(process.env.EDGES_SEED) } : {}),
    ...(process.env.EDGES_PATH ? { path: process.env.EDGES_PATH } : {}),
  },
}

/** How often, in the short and in the long form. */
export function runs(each: { readonly short: number; readonly long: number }): number {
  return long ? each.long : each.short
}

/** The dead letters of all applications that nobody has dealt with. */
export async function openLetters(stack: Stack): Promise<unknown[]> {
  const { code, stdout, stderr } = await stack.tributary(['dead-letters', 'list', '--json'], { timeoutMs: 60_000 })
  if (code !== 0) throw new Error(`tributary dead-letters list ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as unknown[]
}
