/** Every server's version, once: docker-compose.yml is generated from them. */
export const versions = {
  // Not 4.3 or 4.4: a killed broker leaves transactions open for ever (docs/decisions.md).
  kafka: '4.2.1',
  debezium: '3.7.0.Final',
  apicurio: '3.3.3',
  elasticsearch: '9.5.3',
  postgres: '18.4',
  node: '24.21.0',
  log4j: '2.25.3',
  maven: '3.9.11',
  temurin: '25.0.4.1+1',
  mavenDependencyPlugin: '3.9.0',
} as const

/** The images of docker-compose.yml, by service. Each says its version in full. */
export const images: Readonly<Record<string, string>> = {
  postgres: `postgres:${versions.postgres}-bookworm`,
  kafka: `apache/kafka:${versions.kafka}`,
  registry: `apicurio/apicurio-registry:${versions.apicurio}`,
  elasticsearch: `docker.elastic.co/elasticsearch/elasticsearch:${versions.elasticsearch}`,
  connect: `quay.io/debezium/connect:${versions.debezium}`,
  kibana: `docker.elastic.co/kibana/kibana:${versions.elasticsearch}`,
}

/** What Elasticsearch and the rest need. */
export const OLDEST_JDK = 21
