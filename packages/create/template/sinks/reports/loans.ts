import type { Report } from 'tributary/reports'

export const loansReport: Report = {
  id: 'loans',
  title: 'Loans',
  panels: [
    { id: 'loans', title: 'Loans', readModel: 'loans', measure: { kind: 'documents' }, format: 'number' },
    {
      id: 'by-day',
      title: 'Loans by day',
      readModel: 'loans',
      measure: { kind: 'documents' },
      format: 'number',
      by: { kind: 'time', field: 'lentAt' },
    },
    {
      id: 'by-member',
      title: 'Who reads most',
      readModel: 'loans',
      measure: { kind: 'documents' },
      format: 'number',
      by: { kind: 'terms', field: 'member', size: 10 },
    },
  ],
}
