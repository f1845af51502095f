import { publish, type Republishable } from 'tributary/outbox'
import { CategoryTranslated, ProductListed, SellerJoined } from '#schemas/contracts.generated.ts'

interface ProductRecord {
  readonly product_id: string
  readonly category: string | null
  readonly name_length: number | null
  readonly description_length: number | null
  readonly photos: number | null
  readonly weight_g: number | null
  readonly length_cm: number | null
  readonly height_cm: number | null
  readonly width_cm: number | null
}
interface SellerRecord {
  readonly seller_id: string
  readonly zip: string
  readonly city: string
  readonly state: string
}

export const republish: readonly Republishable[] = [
  {
    kind: 'product',
    table: 'products',
    key: ['product_id'],
    rebuild: (trx, product: ProductRecord) =>
      publish(trx, ProductListed, {
        productId: product.product_id,
        category: product.category,
        nameLength: product.name_length,
        descriptionLength: product.description_length,
        photos: product.photos,
        weightG: product.weight_g,
        lengthCm: product.length_cm,
        heightCm: product.height_cm,
        widthCm: product.width_cm,
      }),
  },
  {
    kind: 'seller',
    table: 'sellers',
    key: ['seller_id'],
    rebuild: (trx, { seller_id, zip, city, state }: SellerRecord) =>
      publish(trx, SellerJoined, { sellerId: seller_id, zip, city, state }),
  },
  {
    kind: 'category',
    table: 'category_translations',
    key: ['category'],
    rebuild: (trx, { category, english }: CategoryTranslated) =>
      publish(trx, CategoryTranslated, { category, english }),
  },
]
