import { expect, test } from 'vitest'
import { belongsTo } from './leftovers.ts'

const mine = belongsTo({ home: '/srv/a', data: '/srv/a/data', supervisor: '/srv/a/supervisor' })

test.each([
  '/usr/bin/java -Xmx768m -Dtributary.home=/srv/a -cp /jars/* kafka.Kafka server.properties',
  '/x/bin/postgres -D /srv/a/data/postgres/cluster -c port=1',
  '/n/node /src/tributary.ts --home /srv/a service orders',
  '/n/node /src/tributary.ts --home /srv/a connectors watch',
  'PM2 v7.0.4: God Daemon (/srv/a/supervisor)',
])('a process of this home is recognised: %s', (command) => {
  expect(mine(command)).toBe(true)
})

test.each([
  '/usr/bin/java -Dtributary.home=/srv/ab -cp /jars/* kafka.Kafka server.properties',
  '/x/bin/postgres -D /srv/b/data/postgres/cluster -c port=1',
  '/n/node /src/tributary.ts --home /srv/b service orders',
  '/n/node /src/tributary.ts --home /srv/a load /data',
  '/n/node /src/tributary.ts --home /srv/a up',
  'PM2 v7.0.4: God Daemon (/root/.pm2)',
  'vim /srv/a/secrets.env',
])('a stranger is left alone: %s', (command) => {
  expect(mine(command)).toBe(false)
})
