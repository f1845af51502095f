import { expect, test } from 'vitest'
import system from '../../../tributary.config.ts'
import { belongsTo } from './leftovers.ts'
import { shapeOf } from './shape.ts'

const mine = belongsTo(shapeOf(system), { home: '/srv/a', data: '/srv/a/data', mark: '0a1b2c' })

test.each([
  '/usr/bin/java -Xmx768m -Dtributary.home.mark=0a1b2c -cp /jars/* kafka.Kafka server.properties',
  '/x/bin/postgres -D /srv/a/data/postgres/cluster -c port=1',
  '/n/node /src/tributary.ts --home /srv/a service orders',
  '/n/node /src/tributary.ts --home /srv/a connectors watch',
  '/n/node /src/stack/supervisor/daemon.ts /srv/a',
])('a process of this home is recognised: %s', (command) => {
  expect(mine(command)).toBe(true)
})

test.each([
  '/usr/bin/java -Dtributary.home.mark=0a1b2cd -cp /jars/* kafka.Kafka server.properties',
  '/x/bin/postgres -D /srv/b/data/postgres/cluster -c port=1',
  '/n/node /src/tributary.ts --home /srv/b service orders',
  '/n/node /src/tributary.ts --home /srv/a load /data',
  '/n/node /src/tributary.ts --home /srv/a up',
  '/n/node /src/stack/supervisor/daemon.ts /srv/ab',
  'vim /srv/a/secrets.env',
  '/n/node /src/tributary.ts --home /srv/a b service orders',
  '/n/node /src/stack/supervisor/daemon.ts /srv/a b',
])('a stranger is left alone: %s', (command) => {
  expect(mine(command)).toBe(false)
})
