import { spawn } from 'node:child_process'
import { chown, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemPath } from '../launch.ts'
import type { Account } from '../places.ts'

/** Doing things as the account the servers run as (or as the caller, without one). */
export const runAs = {
  /** Gives these children of a folder to the account. */
  async giveTo(account: Account | undefined, folder: string, children: readonly string[]): Promise<void> {
    if (!account) return
    for (const child of children) await chown(join(folder, child), account.uid, account.gid)
  },

  async exists(path: string): Promise<boolean> {
    return stat(path).then(
      () => true,
      () => false,
    )
  },

  /** Runs a program to its end. Throws with what it said when it fails. */
  run(
    account: Account | undefined,
    program: string,
    args: readonly string[],
    options: { cwd?: string; env?: Record<string, string> } = {},
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        cwd: options.cwd ?? '/',
        env: { PATH: systemPath, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', TZ: 'UTC', ...options.env },
        stdio: ['ignore', 'pipe', 'pipe'],
        ...(account ? { uid: account.uid, gid: account.gid } : {}),
      })
      let said = ''
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk) => {
          said = (said + chunk).slice(-4000)
        })
      child.on('error', (error) => reject(new Error(`${program} can't be run: ${error.message}`)))
      child.on('close', (code) =>
        code === 0 ? resolve() : reject(new Error(`${program} failed with status ${code}:\n${said.trim()}`)),
      )
    })
  },
}
