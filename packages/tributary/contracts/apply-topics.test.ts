import { expect, test } from 'vitest'
import { untilLed } from './apply-topics.ts'

test('a broker that does not know a new topic yet is asked again', async () => {
  const answers = [new Error('This server does not host this topic-partition'), { topics: [] }]
  const asked: unknown[] = []
  await untilLed(
    {
      async fetchTopicMetadata(about) {
        asked.push(about)
        const answer = answers.shift()!
        if (answer instanceof Error) throw answer
        return answer
      },
    },
    ['loans.events'],
  )
  expect(asked).toEqual([{ topics: ['loans.events'] }, { topics: ['loans.events'] }])
})
