/**
 * What the shell of whoever types a command may say that is meant for other work: a proxy for the world outside, another
 * PostgreSQL, another time zone. Processes of the stack get none of it (stack/supervisor); this is for the commands.
 */
import http from 'node:http'

const LOOPBACK = ['127.0.0.1', 'localhost', '::1', '[::1]']

/** Takes it out of the environment of this process, before anything is connected to. */
export function withoutForeignSettings(env: NodeJS.ProcessEnv): void {
  // PGHOST and the like: every connection of ours says where it goes. PGSSLMODE and PGOPTIONS would get into them.
  for (const name of Object.keys(env)) if (/^PG[A-Z]+$/.test(name)) delete env[name]
  env.TZ = 'UTC'
  goDirectToThisComputer(env)
}

/** The stack is on this computer: a proxy, which Node takes with NODE_USE_ENV_PROXY=1, knows no way to it. */
function goDirectToThisComputer(env: NodeJS.ProcessEnv): void {
  const proxied = ['http_proxy', 'https_proxy', 'all_proxy'].some((name) => env[name] || env[name.toUpperCase()])
  if (!proxied) return
  const given = (env.no_proxy || env.NO_PROXY || '').split(/[\s,]+/).filter((word) => word !== '')
  const direct = [...new Set([...given, ...LOOPBACK])].join(',')
  env.NO_PROXY = direct
  env.no_proxy = direct
  // `fetch` looks again at each request; Node's older client has read the variables when it started.
  http.globalAgent = new http.Agent({ keepAlive: true })
}
