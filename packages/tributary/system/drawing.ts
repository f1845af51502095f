import dagre from '@dagrejs/dagre'

/** What is drawn: boxes with one or two lines of text, and arrows. */
export interface Boxes {
  readonly nodes: readonly {
    readonly id: string
    readonly kind: string
    readonly name: string
    readonly does?: string
  }[]
  readonly edges: readonly { readonly from: string; readonly to: string; readonly crosses?: string }[]
}

/** Where everything is, in px; `x` and `y` are a box's middle. */
export interface Drawing {
  readonly width: number
  readonly height: number
  readonly boxes: readonly {
    readonly id: string
    readonly kind: string
    readonly lines: readonly string[]
    readonly x: number
    readonly y: number
    readonly width: number
    readonly height: number
  }[]
  readonly arrows: readonly {
    readonly from: string
    readonly to: string
    readonly label?: string
    readonly points: readonly { readonly x: number; readonly y: number }[]
  }[]
}

/** Of bold text of 13 px, in a wide font: nobody can measure it here. */
const CHARACTER = 8.2
const LINE = 17
const MARGIN = 12
/** So many characters of a line are shown. */
const LONGEST = 34

const shorten = (text: string) => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text)

/** Lays boxes out from left to right, those that are read before those that read them. */
export function draw({ nodes, edges }: Boxes): Drawing {
  const graph = new dagre.graphlib.Graph()
  graph.setGraph({ rankdir: 'LR', nodesep: 18, ranksep: 44, marginx: 4, marginy: 4 })
  const boxes = nodes.map(({ id, kind, name, does }) => {
    const lines = [name, ...(does === undefined ? [] : [does])].map(shorten)
    const width = Math.round(Math.max(...lines.map(({ length }) => length)) * CHARACTER + 2 * MARGIN)
    return { id, kind, lines, width, height: lines.length * LINE + MARGIN }
  })
  for (const { id, width, height } of boxes) graph.setNode(id, { width, height })
  for (const { from, to } of edges) graph.setEdge(from, to, {})
  dagre.layout(graph)
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number }
  const at = ({ x, y }: { x: number; y: number }) => ({ x: Math.round(x), y: Math.round(y) })
  return {
    width: Math.ceil(width),
    height: Math.ceil(height),
    boxes: boxes.map((box) => ({ ...box, ...at(graph.node(box.id) as { x: number; y: number }) })),
    arrows: edges.map(({ from, to, crosses }) => ({
      from,
      to,
      ...(crosses !== undefined && { label: crosses }),
      points: (graph.edge(from, to) as { points: { x: number; y: number }[] }).points.map(at),
    })),
  }
}
