import { equalsSql } from 'tributary/testing/sql'
import { test } from 'vitest'
import { loansTopology } from '#processors/loans/topology.ts'
import { service as loans } from '#producers/loans/service.ts'
import { service as members } from '#producers/members/service.ts'
import { verification } from './verification.ts'

test('the loans are what the SQL of `make verify` says, whatever happened in whatever order', async () => {
  await equalsSql(loansTopology, {
    services: [members, loans],
    verification,
    // What the services' tables hold once these events happened.
    tables: {
      members: `select "memberId", name from "MemberJoined"`,
      loans: `select lent."loanId", "memberId", title, "lentAt", "returnedAt"
              from "BookLent" lent left join "BookReturned" returned using (key)`,
    },
    // Somebody joins once; a book is lent once, and comes back after that, once.
    possible: (earlier, { name }) => earlier.length === (name === 'BookReturned' ? 1 : 0),
  })
})
