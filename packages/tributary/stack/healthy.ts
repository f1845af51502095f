/** The health check of our containers: `node packages/tributary/stack/healthy.ts <port>` ends well when GET /health does. */
const answer = await fetch(`http://127.0.0.1:${process.argv[2]}/health`, { signal: AbortSignal.timeout(4_000) })
if (!answer.ok) throw new Error(await answer.text())
