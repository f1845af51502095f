import { h, svg } from './dom.js'

/**
 * Boxes and arrows whose places the server has found: see drawing.ts.
 * @typedef {{ width: number, height: number,
 *   boxes: { id: string, kind: string, lines: string[], x: number, y: number, width: number, height: number }[],
 *   arrows: { from: string, to: string, label?: string, points: { x: number, y: number }[] }[] }} Drawing
 */

const LINE = 17

/**
 * A drawing that scrolls where it is wider than its place. Whoever can't see it is read what goes where.
 * @param {Drawing} drawing @param {string} label
 */
export function drawingOf({ width, height, boxes, arrows }, label) {
  const names = new Map(boxes.map(({ id, lines }) => [id, lines[0]]))
  const tip = `arrow-${label.replace(/\W+/g, '-')}`
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label },
    svg(
      'svg',
      { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label },
      svg('desc', {}, arrows.map(({ from, to }) => `${names.get(from)} → ${names.get(to)}`).join('; ')),
      svg(
        'defs',
        {},
        svg(
          'marker',
          {
            id: tip,
            viewBox: '0 0 8 8',
            refX: 7,
            refY: 4,
            markerWidth: 9,
            markerHeight: 9,
            orient: 'auto',
            markerUnits: 'userSpaceOnUse',
          },
          svg('path', { d: 'M0 0 8 4 0 8z', class: 'tip-of-arrow' }),
        ),
      ),
      arrows.map(({ label: why, points }) =>
        svg(
          'path',
          { d: through(points), class: why ? `arrow ${why.replace(' ', '-')}` : 'arrow', 'marker-end': `url(#${tip})` },
          why && svg('title', {}, why),
        ),
      ),
      boxes.map((box) => boxOf(box)),
    ),
  )
}

/** @param {Drawing['boxes'][number]} box */
function boxOf({ kind, lines, x, y, width, height }) {
  const first = y - ((lines.length - 1) * LINE) / 2
  return svg(
    'g',
    { class: `box ${kind}` },
    svg('rect', { x: x - width / 2, y: y - height / 2, width, height, rx: kind === 'topic' ? height / 2 : 7 }),
    lines.map((line, at) =>
      svg('text', { x, y: first + at * LINE, class: at > 0 ? 'does' : '', 'dominant-baseline': 'central' }, line),
    ),
  )
}

/** A smooth line: it touches the middles between its inner points. @param {{ x: number, y: number }[]} points */
function through(points) {
  const [start, ...rest] = points
  const end = /** @type {{ x: number, y: number }} */ (rest.pop())
  const curves = rest.map((point, at) => {
    const next = rest[at + 1]
    const to = next ? { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 } : end
    return `Q${point.x} ${point.y} ${to.x} ${to.y}`
  })
  return `M${start.x} ${start.y}${curves.join('') || `L${end.x} ${end.y}`}`
}
