import { type Codec, openCodec } from '#contracts/codec'
import { readConfig, registrySettings } from '#runtime/config'
import { httpAt } from '#runtime/http-at'
import type { System } from './system.ts'

/** A codec of a system's contracts, on the registry that the settings name. */
export async function openCodecOf({ contracts }: Pick<System, 'contracts'>): Promise<Codec> {
  return openCodec({ registry: httpAt('REGISTRY', readConfig(registrySettings)), contracts })
}
