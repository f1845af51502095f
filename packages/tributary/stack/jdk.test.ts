import { expect, test } from 'vitest'
import { chooseJdk, noJdkMessage, parseJavaVersion } from './native/jdk.ts'

const versions: Record<string, number> = { '/old': 17, '/new': 25, '/enough': 21 }
const versionOf = (home: string) => versions[home]

test('the first Java that is new enough is taken, not the first', () => {
  expect(chooseJdk(['/none', '/old', '/enough', '/new'], versionOf)).toEqual({ home: '/enough', version: 21 })
})

test('without one the message names those that are too old, and how to get one', () => {
  expect(chooseJdk(['/old'], versionOf)).toBeUndefined()
  expect(noJdkMessage(['/old'], versionOf, 'x answers 404')).toMatch(
    /JDK 21 or newer.*\n {2}\/old: Java 17\n.*x answers 404.*JAVA_HOME.*JDK_MIRROR/s,
  )
  expect(noJdkMessage([], versionOf, 'x')).toMatch(/none was found/)
})

test('versions are read as old and new Javas write them', () => {
  expect(parseJavaVersion('IMPLEMENTOR="Eclipse Adoptium"\nJAVA_VERSION="25.0.1"')).toBe(25)
  expect(parseJavaVersion('JAVA_VERSION="1.8.0_402"')).toBe(8)
  expect(parseJavaVersion('    java.specification.version = 21\n')).toBe(21)
  expect(parseJavaVersion('nothing of the kind')).toBeUndefined()
})
