export { aboveZero, oneOf, positive, seconds, wholeNumber } from './arguments.ts'
export { ConfigError, readConfig, setting } from './config.ts'
export { printable, printableLines } from './printable.ts'
