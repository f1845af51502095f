import type { Format } from 'tributary/reports'

export const status: Format = {
  kind: 'badge',
  tones: { delivered: 'good', shipped: 'warn', canceled: 'bad', unavailable: 'bad' },
  unknown: 'unknown',
}
export const late: Format = { kind: 'flag', word: 'late', tone: 'warn' }
export const stars: Format = { kind: 'rating', of: 5 }
export const days: Format = { kind: 'duration', unit: 'day' }
