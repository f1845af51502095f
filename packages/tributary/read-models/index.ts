export { compileDocument, type Document } from './document.ts'
export { type FieldMapping, type Pace, paces, type ReadModel, readModel } from './read-model.ts'
