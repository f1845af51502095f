import { defineSystem } from 'tributary/system'
import { loansTopology } from '#processors/loans/topology.ts'
import { Loans, Members } from '#schemas/topics.ts'
import { loans } from '#sinks/read-models.ts'
import { loansReport } from '#sinks/reports/loans.ts'
import { verification } from '#sinks/verify/verification.ts'

export default defineSystem({
  title: 'Library',
  services: {
    members: { publishes: Members, load: () => import('#producers/members/service.ts') },
    loans: { publishes: Loans, load: () => import('#producers/loans/service.ts') },
  },
  topologies: [{ topology: loansTopology }],
  readModels: [loans],
  verify: verification,
  reports: [loansReport],
})
