export type { InboxLetter } from './memory-inbox.ts'
export { type ScratchDatabase, scratchDatabase } from './scratch-database.ts'
export { type RequestOptions, type ScratchService, type ServiceAnswer, scratchService } from './scratch-service.ts'
