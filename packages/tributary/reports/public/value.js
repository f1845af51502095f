import { h } from './dom.js'
import { kindOf, writeFigure, writeValue, zoneName } from './format.js'

/** @typedef {import('./format.js').Format} Format */

/** The value at a path of a document. @param {any} document @param {string} path */
export const valueAt = (document, path) => path.split('.').reduce((value, name) => value?.[name], document)

/**
 * A document's value as it is shown; undefined where nothing is to be shown.
 * @param {unknown} value @param {Format} format
 * @returns {HTMLElement | string | undefined}
 */
export function showValue(value, format) {
  const { tones, tone, unknown, word, of } = typeof format === 'object' ? format : {}
  const text = writeValue(value, format)
  switch (kindOf(format)) {
    case 'flag':
      return value === true ? h('span', { class: `badge ${tone ?? ''}` }, word) : undefined
    case 'badge':
      if (text === undefined && unknown === undefined) return undefined
      return h('span', { class: `badge ${tones?.[text ?? ''] ?? ''}` }, text ?? unknown)
    case 'rating':
      return typeof value === 'number' ? rating(value, of ?? 5) : undefined
    case 'date':
      return text === undefined ? undefined : h('time', { datetime: value }, text)
    case 'id':
      return text === undefined ? undefined : h('span', { class: 'id', title: text }, h('bdi', {}, text))
    case 'text':
    case 'words':
      // Words of unknown direction don't turn the rest of the line around.
      return text === undefined ? undefined : h('bdi', {}, text)
    default:
      return text
  }
}

/** @param {number} value @param {number} of */
function rating(value, of) {
  // Stars are whole; what isn't, or lies beyond them, is shown by its number.
  const fits = Number.isInteger(value) && value >= 0 && value <= of
  const number = Number.isInteger(value) ? `${value} ★` : writeFigure(value, { kind: 'rating' })
  const drawn = fits ? '★'.repeat(value) + '☆'.repeat(of - value) : number
  return h('span', { class: 'stars', role: 'img', 'aria-label': `${value} of ${of}` }, drawn)
}

/** What stands where nothing is known. */
export const nothing = () => h('span', { class: 'muted' }, '–')

/** A label, with the time zone where moments are below it. @param {string} label @param {Format} format */
export const headOf = (label, format) => (kindOf(format) === 'date' ? `${label} (${zoneName()})` : label)
