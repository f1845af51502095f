import { eventsTopic, rowsTopic } from 'tributary/contracts'
import * as c from './contracts.generated.ts'
import { categoryKey, paymentKey, productKey, reviewKey, salesKey, sellerKey } from './keys.ts'

export const Customers = eventsTopic(
  'customers',
  {
    CustomerRegistered: c.CustomerRegistered,
    CustomerMoved: c.CustomerMoved,
  },
  { key: (event) => event.customerId },
)
export const Catalog = eventsTopic(
  'catalog',
  {
    ProductListed: c.ProductListed,
    ProductCategorised: c.ProductCategorised,
    SellerJoined: c.SellerJoined,
    SellerMoved: c.SellerMoved,
    CategoryTranslated: c.CategoryTranslated,
  },
  {
    key: {
      ProductListed: ({ productId }) => productKey(productId),
      ProductCategorised: ({ productId }) => productKey(productId),
      SellerJoined: ({ sellerId }) => sellerKey(sellerId),
      SellerMoved: ({ sellerId }) => sellerKey(sellerId),
      CategoryTranslated: ({ category }) => categoryKey(category),
    },
  },
)
export const Orders = eventsTopic(
  'orders',
  {
    OrderPlaced: c.OrderPlaced,
    OrderApproved: c.OrderApproved,
    OrderInvoiced: c.OrderInvoiced,
    OrderProcessing: c.OrderProcessing,
    OrderShipped: c.OrderShipped,
    OrderDelivered: c.OrderDelivered,
    OrderCanceled: c.OrderCanceled,
    OrderUnavailable: c.OrderUnavailable,
  },
  { key: (event) => event.orderId },
)
export const Payments = eventsTopic(
  'payments',
  {
    PaymentReceived: c.PaymentReceived,
    PaymentReversed: c.PaymentReversed,
  },
  { key: ({ orderId, sequence }) => paymentKey(orderId, sequence) },
)
export const Shipping = eventsTopic(
  'shipping',
  {
    ShipmentPrepared: c.ShipmentPrepared,
    ShipmentShipped: c.ShipmentShipped,
    ShipmentDelivered: c.ShipmentDelivered,
  },
  { key: (event) => event.shipmentId },
)
export const Reviews = eventsTopic(
  'reviews',
  {
    ReviewWritten: c.ReviewWritten,
    ReviewAnswered: c.ReviewAnswered,
    ReviewWithdrawn: c.ReviewWithdrawn,
  },
  { key: ({ orderId, reviewId }) => reviewKey(orderId, reviewId) },
)

export const OrderRows = rowsTopic('orders', c.OrderRow, { key: (row) => row.orderId })
export const SalesRows = rowsTopic('sales', c.SalesRow, { key: salesKey })
export const CustomerRows = rowsTopic('customers', c.CustomerRow, { key: (row) => row.uniqueId })
export const SellerRows = rowsTopic('sellers', c.SellerRow, { key: (row) => row.sellerId })
