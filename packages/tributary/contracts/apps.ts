/** Application id of a topology's processor: its consumer group, and the prefix of its internal topics. */
export const processorApp = (topology: string) => `processor-${topology}`
/** Application id of a service's subscriptions. */
export const inboxApp = (service: string) => `${service}.inbox`
/** Application id of the Elasticsearch sink. */
export const sinkApp = 'sink'
/** Consumer group of the Kafka Connect workers. */
export const connectGroup = 'tributary-connect'
