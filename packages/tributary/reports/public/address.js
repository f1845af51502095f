/** What the page shows is what its address says: reports can be bookmarked and sent. */
export const address = () => new URLSearchParams(location.search)

/** @type {() => void} */
let render = () => {}

/** Says what draws the page when its address changes. @param {() => void} draw */
export function onChange(draw) {
  render = draw
  addEventListener('popstate', draw)
}

/** @param {Record<string, string | undefined>} changes @param {boolean} [replace] */
export function go(changes, replace = false) {
  const to = address()
  for (const [name, value] of Object.entries(changes)) {
    if (value) to.set(name, value)
    else to.delete(name)
  }
  const text = to.toString()
  history[replace ? 'replaceState' : 'pushState'](null, '', text ? `?${text}` : location.pathname)
  render()
}

/** Shows what a link leads to on this page; one that is opened elsewhere stays a link. @param {() => void} follow */
export const following = (follow) => (/** @type {MouseEvent} */ event) => {
  if (event.metaKey || event.ctrlKey) return
  event.preventDefault()
  event.stopPropagation()
  follow()
}
