import { publishes } from 'tributary/outbox'
import { Catalog } from '#schemas/topics.ts'

const product = { aggregate: 'product' }
const seller = { aggregate: 'seller' }

export const catalogEvents = publishes(Catalog, {
  ProductListed: product,
  ProductCategorised: product,
  SellerJoined: seller,
  SellerMoved: seller,
  CategoryTranslated: { aggregate: 'category' },
})
