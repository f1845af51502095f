import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Stopped, Turns } from './turns.ts'

test('free turns need no waiting, and no more are granted than allowed', async () => {
  const turns = new Turns({ concurrency: 2 })
  expect(turns.step()).toBeUndefined()
  expect(turns.repeat()).toBeUndefined()
  const third = turns.step()
  expect(third).toBeInstanceOf(Promise)
  turns.end()
  await third
})

test('repeats go before steps, and steps before new orders', async () => {
  const turns = new Turns({ concurrency: 1 })
  turns.step()
  const order: string[] = []
  const waits = [
    turns.spare().then(() => order.push('spare')),
    turns.step()!.then(() => order.push('step')),
    turns.repeat()!.then(() => order.push('repeat')),
  ]
  for (let turn = 0; turn < 3; turn++) {
    turns.end()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(waits)
  expect(order).toEqual(['repeat', 'step', 'spare'])
})

test('a stop ends waits for turns, and for room', async () => {
  const turns = new Turns({ concurrency: 1 })
  turns.step()
  const [step, repeat, spare] = [turns.step()!, turns.repeat()!, turns.spare()]
  turns.stop()
  await expect(step).rejects.toThrow(Stopped)
  await expect(repeat).rejects.toThrow(Stopped)
  await spare
  expect(() => turns.step()).toThrow(Stopped)
})

describe('at a rate', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  async function stepsWithin(turns: Turns, ms: number): Promise<number[]> {
    const from = performance.now()
    const at: number[] = []
    let going = true
    const stepping = (async () => {
      while (going) {
        await turns.step()
        turns.end()
        at.push(performance.now() - from)
      }
    })().catch(() => {})
    await vi.advanceTimersByTimeAsync(ms)
    going = false
    turns.stop()
    await stepping
    return at
  }

  test('steps are spaced evenly', async () => {
    const turns = new Turns({ concurrency: 4, rate: 50 })
    // The first tenth of a second may be made up for.
    const at = (await stepsWithin(turns, 2_000)).filter((ms) => ms >= 1_000 && ms < 2_000)
    expect(at.length).toBeGreaterThanOrEqual(49)
    expect(at.length).toBeLessThanOrEqual(51)
    const gaps = at.slice(1).map((ms, index) => ms - at[index]!)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(22)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(18)
  })

  test('a pause is followed by no burst', async () => {
    const turns = new Turns({ concurrency: 100, rate: 50 })
    await vi.advanceTimersByTimeAsync(60_000)
    expect((await stepsWithin(turns, 1_000)).length).toBeLessThanOrEqual(57)
  })

  test('repeats are not held back', () => {
    const turns = new Turns({ concurrency: 10, rate: 0.001 })
    expect(turns.repeat()).toBeUndefined()
    expect(turns.repeat()).toBeUndefined()
  })
})
