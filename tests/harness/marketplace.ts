import system from '#config'

/** What there is in the marketplace, as its config says: a new service, topic or read model is in the lists by itself. */
export const { services, topics, contracts, deadLetterTopics } = system
export const domainTopics = [...system.domainTopics.values()]
export const readModels = system.readModels.map(({ name }) => name)
