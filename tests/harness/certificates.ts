import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate authority of a test's own, and one certificate of a server that it signed. All paths are of PEM files. */
export interface Certificates {
  readonly folder: string
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

/**
 * Makes both with the program `openssl`, in a folder of their own below the system's temporary folder.
 * @param name what the certificate is for, as OpenSSL writes it: `IP:127.0.0.1`, `DNS:localhost`
 */
export function makeCertificates(name = 'IP:127.0.0.1'): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-certificates-'))
  const path = (file: string) => join(folder, file)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test CA')
  openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=test server')
  writeFileSync(path('names'), `subjectAltName=${name}\n`)
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
  openssl('x509', '-req', '-in', 'server.csr', '-out', 'server.pem', ...signed)
  return { folder, ca: path('ca.pem'), certificate: path('server.pem'), key: path('server.key') }
}

/** The text of a PEM file. */
export const pem = (file: string): string => readFileSync(file, 'utf8')
