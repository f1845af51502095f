// Written by `npx --no tributary schemas generate` from the .avsc files beside it: change those, not this.

import { type Contract, contract, type Id, type Instant } from 'tributary/contracts'

/** A member took a book home. */
export interface BookLent {
  readonly loanId: Id<'loan'>
  readonly memberId: Id<'member'>
  readonly title: string
  readonly lentAt: Instant
}

export const BookLent: Contract<BookLent> = contract<BookLent>({"type":"record","namespace":"library.loans","name":"BookLent","doc":"A member took a book home.","fields":[{"name":"loanId","type":"string"},{"name":"memberId","type":"string"},{"name":"title","type":"string"},{"name":"lentAt","type":{"type":"long","logicalType":"timestamp-millis"}}]})

/** The book is back. */
export interface BookReturned {
  readonly loanId: Id<'loan'>
  readonly returnedAt: Instant
}

export const BookReturned: Contract<BookReturned> = contract<BookReturned>({"type":"record","namespace":"library.loans","name":"BookReturned","doc":"The book is back.","fields":[{"name":"loanId","type":"string"},{"name":"returnedAt","type":{"type":"long","logicalType":"timestamp-millis"}}]})

/** Somebody became a member. */
export interface MemberJoined {
  readonly memberId: Id<'member'>
  readonly name: string
}

export const MemberJoined: Contract<MemberJoined> = contract<MemberJoined>({"type":"record","namespace":"library.members","name":"MemberJoined","doc":"Somebody became a member.","fields":[{"name":"memberId","type":"string"},{"name":"name","type":"string"}]})

/** A loan with the name of its member. */
export interface LoanRow {
  readonly loanId: Id<'loan'>
  readonly title: string
  /** Null while the member isn't known. */
  readonly member: string | null
  readonly lentAt: Instant
  readonly returnedAt: Instant | null
}

export const LoanRow: Contract<LoanRow> = contract<LoanRow>({"type":"record","namespace":"library.rows","name":"LoanRow","doc":"A loan with the name of its member.","fields":[{"name":"loanId","type":"string"},{"name":"title","type":"string"},{"name":"member","type":["null","string"],"default":null,"doc":"Null while the member isn't known."},{"name":"lentAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"returnedAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null}]})
