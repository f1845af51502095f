import type { z } from 'zod'
import {
  connectSettings,
  elasticsearchSettings,
  kafkaSettings,
  postgresSettings,
  registrySettings,
  setting,
} from '#runtime/config'
import { stackSettings } from './environment.ts'
import { shapeOf } from './shape.ts'

const { defaultPorts } = shapeOf({ services: ['service'], topologies: new Map([['topology', {}]]) })

/** Read where they are needed. */
export const furtherStackSettings = {
  MVNW_REPOURL: setting.url.optional().describe('a mirror of Maven Central, which Connect’s parts come from'),
  CONTAINER_CPUS: setting.count
    .optional()
    .describe('Docker: processors a container may use; 2, or as many as there are'),
}

/** Further settings of whoever sets up databases, and those of a service whose database is on a server of its own. */
export const databaseSettings = {
  POSTGRES_USER: setting.text.optional().describe('who sets up databases on a server that is given: a superuser'),
  POSTGRES_PASSWORD: setting.text.optional().describe('its password'),
  '<SERVICE>_POSTGRES_URL': setting.postgresUrl.optional().describe('the server of one service'),
  '<SERVICE>_POSTGRES_USER': setting.text.optional().describe('the superuser there, where it is another one'),
  '<SERVICE>_POSTGRES_PASSWORD': setting.text.optional().describe('its password'),
}

/** Every setting that a project may have in `.env`, as Markdown: from their definitions. */
export function settingsText(): string {
  const { POSTGRES_PORT: _, ...postgres } = postgresSettings
  const ports = Object.entries(defaultPorts).map(([name, port]) => {
    const each = /^(PROCESSOR_TOPOLOGY|SERVICE)_PORT$/.test(name)
    return each
      ? `| \`${name.replace(/TOPOLOGY|SERVICE/, '<$&>')}\` | ${port}, the next one … |`
      : `| \`${name}\` | ${port} |`
  })
  return [
    ...section('How the system runs', { ...stackSettings, ...furtherStackSettings }),
    '## Ports, all on 127.0.0.1',
    '',
    '| setting | default |',
    '| --- | --- |',
    ...ports,
    '',
    ...section('PostgreSQL', { ...postgres, ...databaseSettings }),
    ...section('Kafka', kafkaSettings),
    ...section('Schema registry', registrySettings),
    ...section('Kafka Connect', connectSettings),
    ...section('Elasticsearch', elasticsearchSettings),
  ].join('\n')
}

function section(title: string, settings: Readonly<Record<string, z.ZodType>>): string[] {
  const rows = Object.entries(settings).map(([name, type]) => {
    if (type.description === undefined) throw new Error(`the setting ${name} doesn't say what it is: describe it`)
    const { defaultValue } = type.def as { defaultValue?: unknown }
    const shown = defaultValue === undefined || defaultValue === '' ? '' : `\`${defaultValue}\``
    return `| \`${name}\` | ${type.description} | ${shown} |`
  })
  return [`## ${title}`, '', '| setting | what it says | default |', '| --- | --- | --- |', ...rows, '']
}
