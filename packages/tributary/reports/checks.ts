import type { ReadModel } from '#read-models/read-model'
import { type FieldAt, fieldAt, isNumeric } from './fields.ts'
import type { Condition, Format } from './report.ts'

/** What a place of a definition is checked against. */
export interface Checked {
  readonly readModels: ReadonlyMap<string, ReadModel>
  readonly faults: string[]
  readonly currency: string | undefined
}

/** The field at a path, which has to be there. */
export function known({ readModels, faults }: Checked, readModel: string, path: string, place: string) {
  const model = readModels.get(readModel)
  if (!model) return undefined
  const found = fieldAt(model, path)
  if (!found) faults.push(`${place}: "${readModel}" has no field "${path}"`)
  return found
}

/** A read model that has to be there. */
export function modelThere({ readModels, faults }: Checked, readModel: string, place: string): void {
  if (!readModels.has(readModel)) faults.push(`${place}: there is no read model "${readModel}"`)
}

/** A format has to be one that can be written. */
export function formatFaults({ faults, currency }: Checked, format: Format | undefined, place: string): void {
  if (format === 'money' && currency === undefined) {
    faults.push(`${place}: money of which currency? The system says no \`currency\``)
  }
  if (typeof format !== 'object') return
  if (format.kind === 'money' && !isCurrency(format.currency)) {
    faults.push(`${place}: "${format.currency}" is not an ISO 4217 code like "EUR"`)
  }
  if (format.kind === 'rating' && !(Number.isInteger(format.of) && format.of >= 1 && format.of <= 10)) {
    faults.push(`${place}: a rating is of 1 to 10 stars`)
  }
}

/** A condition's field has to be there. */
export function conditionFaults(checked: Checked, readModel: string, condition: Condition, place: string): void {
  known(checked, readModel, condition.field, place)
}

export const isTime = ({ kind, list }: FieldAt) => (kind === 'instant' || kind === 'day') && !list
export const isTerm = ({ kind }: FieldAt) => kind === 'string' || kind === 'boolean' || isNumeric(kind)

export const isCurrency = (code: string) => Intl.supportedValuesOf('currency').includes(code)
