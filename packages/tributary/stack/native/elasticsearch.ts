import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Launch } from '../launch.ts'
import { reachable, refuseUnusablePath } from '../paths.ts'
import type { Places } from '../places.ts'
import { components } from './components.ts'
import { runAs } from './run-as.ts'
import { everywhereAlike, homeMark, type NativeContext, serverFolder } from './server.ts'

const LOG4J = `status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %-5p %m (%c{1})%n
rootLogger.level=info
rootLogger.appenderRef.console.ref=console
`

export async function prepareElasticsearch(context: NativeContext): Promise<Launch> {
  const { places, ports, jdk, servers } = context
  const folder = await serverFolder(context, 'elasticsearch', 'log')
  await ensureIndices(places)
  const program = join(places.cache, components.elasticsearch.folder)
  const config = join(folder, 'config')
  await cp(join(program, 'config', 'jvm.options'), join(config, 'jvm.options'))
  await mkdir(join(config, 'jvm.options.d'), { recursive: true })
  await writeFile(
    join(config, 'jvm.options.d', 'heap.options'),
    [
      `-Xms${servers.heap.elasticsearch}`,
      `-Xmx${servers.heap.elasticsearch}`,
      '-XX:-UsePerfData',
      '-XX:-HeapDumpOnOutOfMemoryError',
      ...everywhereAlike,
      homeMark(places),
      '',
    ].join('\n'),
  )
  await writeFile(join(config, 'log4j2.properties'), LOG4J)
  const settings: Record<string, string> = {
    'cluster.name': 'tributary',
    'node.name': 'tributary',
    'path.logs': join(folder, 'log'),
    'network.host': '127.0.0.1',
    'http.port': String(ports.ELASTICSEARCH_PORT),
    'transport.port': String(ports.ELASTICSEARCH_TRANSPORT_PORT),
    ...servers.elasticsearch,
  }
  await writeFile(
    join(config, 'elasticsearch.yml'),
    Object.entries(settings)
      .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
      .join(''),
  )
  // The server keeps its keystore beside its configuration.
  await runAs.giveTo(places.account, folder, ['config'])
  return {
    command: join(program, 'bin', 'elasticsearch'),
    // Here and not in the file: the supervisor starts it anew when the folder is another one.
    args: [`-Epath.data=${places.indices}`],
    cwd: folder,
    env: {
      ES_JAVA_HOME: jdk.home,
      ES_PATH_CONF: config,
      ES_TMPDIR: join(folder, 'tmp'),
      // Split at blanks by its shell script: no place for a path.
      CLI_JAVA_OPTS: `-XX:-UsePerfData ${homeMark(places)}`,
      HOME: folder,
    },
  }
}

async function ensureIndices({ indices, account }: Places): Promise<void> {
  refuseUnusablePath('ELASTICSEARCH_DATA', indices)
  const cannot = (why: string) =>
    new Error(`Elasticsearch can't keep its indices in ${indices}: ${why} (ELASTICSEARCH_DATA)`)
  if (account && !reachable(indices)) throw cannot(`the user ${account.name}, whom the servers run as, can't get there`)
  await mkdir(indices, { recursive: true }).catch((error: Error) => {
    throw cannot(error.message)
  })
  await runAs.giveTo(account, indices, ['.'])
}
