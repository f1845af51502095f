import type { Report } from 'tributary/reports'

export const loansReport: Report = {
  id: 'loans',
  title: 'Loans',
  panels: [
    { id: 'loans', title: 'Loans', readModel: 'loans', measure: { kind: 'documents' }, format: 'count' },
    {
      id: 'by-day',
      title: 'Loans by day',
      readModel: 'loans',
      measure: { kind: 'documents' },
      format: 'count',
      by: { kind: 'time', field: 'lentAt' },
    },
    {
      id: 'by-member',
      title: 'Who reads most',
      readModel: 'loans',
      measure: { kind: 'documents' },
      format: 'count',
      by: { kind: 'terms', field: 'member', size: 10 },
    },
  ],
}
