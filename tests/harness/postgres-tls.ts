import { chmodSync, chownSync, copyFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Knex } from 'knex'
import { shape } from 'tributary/testing/stack'
import { readStackSettings } from '../../packages/tributary/stack/environment.ts'
import { placesOf } from '../../packages/tributary/stack/places.ts'
import type { Certificates } from './certificates.ts'

/** Lets a stack's PostgreSQL speak TLS as well, from a moment later on: it takes new certificates without a restart. */
export async function letSpeakTls(
  superuser: Knex,
  env: Readonly<Record<string, string | undefined>>,
  certificates: Certificates,
): Promise<void> {
  const places = placesOf(readStackSettings(shape, env))
  const [certificate, key] = ['tls.pem', 'tls.key'].map((file) => join(places.data, 'postgres', 'config', file))
  copyFileSync(certificates.certificate, certificate!)
  copyFileSync(certificates.key, key!)
  chmodSync(key!, 0o600)
  if (places.account) chownSync(key!, places.account.uid, places.account.gid)
  await superuser.raw(`alter system set ssl_cert_file = '${certificate}'`)
  await superuser.raw(`alter system set ssl_key_file = '${key}'`)
  await superuser.raw('alter system set ssl = on')
  await superuser.raw('select pg_reload_conf()')
}
