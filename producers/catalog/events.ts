import { publishes } from 'tributary/outbox'
import { Catalog } from '#schemas/topics.ts'

const product = { aggregate: 'product', key: (e: { productId: string }) => `product/${e.productId}` }
const seller = { aggregate: 'seller', key: (e: { sellerId: string }) => `seller/${e.sellerId}` }

export const catalogEvents = publishes(Catalog, {
  ProductListed: product,
  ProductCategorised: product,
  SellerJoined: seller,
  SellerMoved: seller,
  CategoryTranslated: { aggregate: 'category', key: (e) => `category/${e.category}` },
})
