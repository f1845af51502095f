/** What was asked for can't be added; nothing was changed. Its message says why, and what to do. */
export class Refused extends Error {
  override readonly name = 'Refused'
}
