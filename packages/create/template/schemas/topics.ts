import { eventsTopic, rowsTopic } from 'tributary/contracts'
import { BookLent, BookReturned, LoanRow, MemberJoined } from './contracts.generated.ts'

export const Members = eventsTopic('members', { MemberJoined }, { key: (event) => event.memberId })
export const Loans = eventsTopic('loans', { BookLent, BookReturned }, { key: (event) => event.loanId })

export const LoanRows = rowsTopic('loans', LoanRow, { key: (row) => row.loanId })
