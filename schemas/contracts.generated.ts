// Written by `npx --no tributary schemas generate` from the .avsc files beside it: change those, not this.

import { type Contract, contract, type Id, type Instant } from 'tributary/contracts'

/** A category has an English name, or another one than before. */
export interface CategoryTranslated {
  /** Its own name. */
  readonly category: string
  readonly english: string
}

export const CategoryTranslated: Contract<CategoryTranslated> = contract<CategoryTranslated>({"type":"record","namespace":"tributary.catalog","name":"CategoryTranslated","doc":"A category has an English name, or another one than before.","fields":[{"name":"category","type":"string","doc":"Its own name."},{"name":"english","type":"string"}]})

/** The product was put into another category, or into none. */
export interface ProductCategorised {
  readonly productId: Id<'product'>
  readonly category: string | null
}

export const ProductCategorised: Contract<ProductCategorised> = contract<ProductCategorised>({"type":"record","namespace":"tributary.catalog","name":"ProductCategorised","doc":"The product was put into another category, or into none.","fields":[{"name":"productId","type":"string"},{"name":"category","type":["null","string"],"default":null}]})

/** A product can be sold. */
export interface ProductListed {
  readonly productId: Id<'product'>
  /** The category's own (Portuguese) name; null where the product has none. */
  readonly category: string | null
  /** Characters of the product's name. */
  readonly nameLength: number | null
  /** Characters of its description. */
  readonly descriptionLength: number | null
  readonly photos: number | null
  /** Grams. */
  readonly weightG: number | null
  readonly lengthCm: number | null
  readonly heightCm: number | null
  readonly widthCm: number | null
}

export const ProductListed: Contract<ProductListed> = contract<ProductListed>({"type":"record","namespace":"tributary.catalog","name":"ProductListed","doc":"A product can be sold.","fields":[{"name":"productId","type":"string"},{"name":"category","type":["null","string"],"doc":"The category's own (Portuguese) name; null where the product has none.","default":null},{"name":"nameLength","type":["null","int"],"doc":"Characters of the product's name.","default":null},{"name":"descriptionLength","type":["null","int"],"doc":"Characters of its description.","default":null},{"name":"photos","type":["null","int"],"default":null},{"name":"weightG","type":["null","int"],"doc":"Grams.","default":null},{"name":"lengthCm","type":["null","int"],"default":null},{"name":"heightCm","type":["null","int"],"default":null},{"name":"widthCm","type":["null","int"],"default":null}]})

/** A seller may offer products. */
export interface SellerJoined {
  readonly sellerId: Id<'seller'>
  /** Postal code as text: leading zeros count. */
  readonly zip: string
  readonly city: string
  /** Two-letter state. */
  readonly state: string
}

export const SellerJoined: Contract<SellerJoined> = contract<SellerJoined>({"type":"record","namespace":"tributary.catalog","name":"SellerJoined","doc":"A seller may offer products.","fields":[{"name":"sellerId","type":"string"},{"name":"zip","type":"string","doc":"Postal code as text: leading zeros count."},{"name":"city","type":"string"},{"name":"state","type":"string","doc":"Two-letter state."}]})

/** The seller works from somewhere else from now on. */
export interface SellerMoved {
  readonly sellerId: Id<'seller'>
  /** Postal code as text: leading zeros count. */
  readonly zip: string
  readonly city: string
  /** Two-letter state. */
  readonly state: string
}

export const SellerMoved: Contract<SellerMoved> = contract<SellerMoved>({"type":"record","namespace":"tributary.catalog","name":"SellerMoved","doc":"The seller works from somewhere else from now on.","fields":[{"name":"sellerId","type":"string"},{"name":"zip","type":"string","doc":"Postal code as text: leading zeros count."},{"name":"city","type":"string"},{"name":"state","type":"string","doc":"Two-letter state."}]})

/** The customer lives somewhere else from now on. */
export interface CustomerMoved {
  readonly customerId: Id<'customer'>
  /** Postal code as text: leading zeros count. */
  readonly zip: string
  readonly city: string
  /** Two-letter state. */
  readonly state: string
}

export const CustomerMoved: Contract<CustomerMoved> = contract<CustomerMoved>({"type":"record","namespace":"tributary.customers","name":"CustomerMoved","doc":"The customer lives somewhere else from now on.","fields":[{"name":"customerId","type":"string"},{"name":"zip","type":"string","doc":"Postal code as text: leading zeros count."},{"name":"city","type":"string"},{"name":"state","type":"string","doc":"Two-letter state."}]})

/** A customer id came into being. One person (uniqueId) may have many. */
export interface CustomerRegistered {
  readonly customerId: Id<'customer'>
  /** The person. */
  readonly uniqueId: Id<'person'>
  /** Postal code as text: leading zeros count. */
  readonly zip: string
  readonly city: string
  /** Two-letter state. */
  readonly state: string
}

export const CustomerRegistered: Contract<CustomerRegistered> = contract<CustomerRegistered>({"type":"record","namespace":"tributary.customers","name":"CustomerRegistered","doc":"A customer id came into being. One person (uniqueId) may have many.","fields":[{"name":"customerId","type":"string"},{"name":"uniqueId","type":"string","doc":"The person."},{"name":"zip","type":"string","doc":"Postal code as text: leading zeros count."},{"name":"city","type":"string"},{"name":"state","type":"string","doc":"Two-letter state."}]})

/** The payment was accepted. */
export interface OrderApproved {
  readonly orderId: Id<'order'>
  /** Null where the time isn't known. */
  readonly approvedAt: Instant | null
}

export const OrderApproved: Contract<OrderApproved> = contract<OrderApproved>({"type":"record","namespace":"tributary.orders","name":"OrderApproved","doc":"The payment was accepted.","fields":[{"name":"orderId","type":"string"},{"name":"approvedAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"Null where the time isn't known.","default":null}]})

/** Canceled. Final, from any state. */
export interface OrderCanceled {
  readonly orderId: Id<'order'>
}

export const OrderCanceled: Contract<OrderCanceled> = contract<OrderCanceled>({"type":"record","namespace":"tributary.orders","name":"OrderCanceled","doc":"Canceled. Final, from any state.","fields":[{"name":"orderId","type":"string"}]})

/** All of its shipments have arrived. */
export interface OrderDelivered {
  readonly orderId: Id<'order'>
}

export const OrderDelivered: Contract<OrderDelivered> = contract<OrderDelivered>({"type":"record","namespace":"tributary.orders","name":"OrderDelivered","doc":"All of its shipments have arrived.","fields":[{"name":"orderId","type":"string"}]})

/** The invoice was written. */
export interface OrderInvoiced {
  readonly orderId: Id<'order'>
}

export const OrderInvoiced: Contract<OrderInvoiced> = contract<OrderInvoiced>({"type":"record","namespace":"tributary.orders","name":"OrderInvoiced","doc":"The invoice was written.","fields":[{"name":"orderId","type":"string"}]})

export interface OrderedItem {
  /** 1, 2, … within the order. */
  readonly itemNo: number
  readonly productId: Id<'product'>
  readonly sellerId: Id<'seller'>
  readonly priceCents: number
  readonly freightCents: number
  /** Until when the seller must hand it to the carrier. */
  readonly shipBy: Instant | null
}

/** A customer ordered. The items never change afterwards. */
export interface OrderPlaced {
  readonly orderId: Id<'order'>
  readonly customerId: Id<'customer'>
  readonly purchasedAt: Instant
  /** The delivery date promised. */
  readonly estimatedAt: Instant | null
  readonly items: readonly OrderedItem[]
}

export const OrderPlaced: Contract<OrderPlaced> = contract<OrderPlaced>({"type":"record","namespace":"tributary.orders","name":"OrderPlaced","doc":"A customer ordered. The items never change afterwards.","fields":[{"name":"orderId","type":"string"},{"name":"customerId","type":"string"},{"name":"purchasedAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"estimatedAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"The delivery date promised.","default":null},{"name":"items","type":{"type":"array","items":{"type":"record","name":"OrderedItem","fields":[{"name":"itemNo","type":"int","doc":"1, 2, … within the order."},{"name":"productId","type":"string"},{"name":"sellerId","type":"string"},{"name":"priceCents","type":"long"},{"name":"freightCents","type":"long"},{"name":"shipBy","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"Until when the seller must hand it to the carrier.","default":null}]}}}]})

/** The sellers are at work on it. */
export interface OrderProcessing {
  readonly orderId: Id<'order'>
}

export const OrderProcessing: Contract<OrderProcessing> = contract<OrderProcessing>({"type":"record","namespace":"tributary.orders","name":"OrderProcessing","doc":"The sellers are at work on it.","fields":[{"name":"orderId","type":"string"}]})

/** Its first shipment is on the way. */
export interface OrderShipped {
  readonly orderId: Id<'order'>
}

export const OrderShipped: Contract<OrderShipped> = contract<OrderShipped>({"type":"record","namespace":"tributary.orders","name":"OrderShipped","doc":"Its first shipment is on the way.","fields":[{"name":"orderId","type":"string"}]})

/** Can't be fulfilled. Final, from any state. */
export interface OrderUnavailable {
  readonly orderId: Id<'order'>
}

export const OrderUnavailable: Contract<OrderUnavailable> = contract<OrderUnavailable>({"type":"record","namespace":"tributary.orders","name":"OrderUnavailable","doc":"Can't be fulfilled. Final, from any state.","fields":[{"name":"orderId","type":"string"}]})

/** Money came in for an order. */
export interface PaymentReceived {
  readonly orderId: Id<'order'>
  /** Numbers the order's payments; may have gaps. */
  readonly sequence: number
  /** credit_card, boleto, voucher, debit_card, not_defined */
  readonly type: string
  readonly installments: number
  readonly cents: number
}

export const PaymentReceived: Contract<PaymentReceived> = contract<PaymentReceived>({"type":"record","namespace":"tributary.payments","name":"PaymentReceived","doc":"Money came in for an order.","fields":[{"name":"orderId","type":"string"},{"name":"sequence","type":"int","doc":"Numbers the order's payments; may have gaps."},{"name":"type","type":"string","doc":"credit_card, boleto, voucher, debit_card, not_defined"},{"name":"installments","type":"int"},{"name":"cents","type":"long"}]})

/** The payment was taken back; it no longer counts. */
export interface PaymentReversed {
  readonly orderId: Id<'order'>
  readonly sequence: number
}

export const PaymentReversed: Contract<PaymentReversed> = contract<PaymentReversed>({"type":"record","namespace":"tributary.payments","name":"PaymentReversed","doc":"The payment was taken back; it no longer counts.","fields":[{"name":"orderId","type":"string"},{"name":"sequence","type":"int"}]})

/** The review was answered. */
export interface ReviewAnswered {
  readonly orderId: Id<'order'>
  readonly reviewId: Id<'review'>
  readonly answeredAt: Instant
}

export const ReviewAnswered: Contract<ReviewAnswered> = contract<ReviewAnswered>({"type":"record","namespace":"tributary.reviews","name":"ReviewAnswered","doc":"The review was answered.","fields":[{"name":"orderId","type":"string"},{"name":"reviewId","type":"string"},{"name":"answeredAt","type":{"type":"long","logicalType":"timestamp-millis"}}]})

/** The review was taken back; it no longer counts. */
export interface ReviewWithdrawn {
  readonly orderId: Id<'order'>
  readonly reviewId: Id<'review'>
}

export const ReviewWithdrawn: Contract<ReviewWithdrawn> = contract<ReviewWithdrawn>({"type":"record","namespace":"tributary.reviews","name":"ReviewWithdrawn","doc":"The review was taken back; it no longer counts.","fields":[{"name":"orderId","type":"string"},{"name":"reviewId","type":"string"}]})

/** A customer reviewed an order. */
export interface ReviewWritten {
  readonly orderId: Id<'order'>
  /** Unique within the order only. */
  readonly reviewId: Id<'review'>
  /** 1 to 5. */
  readonly score: number
  readonly title: string | null
  readonly comment: string | null
  readonly createdAt: Instant
}

export const ReviewWritten: Contract<ReviewWritten> = contract<ReviewWritten>({"type":"record","namespace":"tributary.reviews","name":"ReviewWritten","doc":"A customer reviewed an order.","fields":[{"name":"orderId","type":"string"},{"name":"reviewId","type":"string","doc":"Unique within the order only."},{"name":"score","type":"int","doc":"1 to 5."},{"name":"title","type":["null","string"],"default":null},{"name":"comment","type":["null","string"],"default":null},{"name":"createdAt","type":{"type":"long","logicalType":"timestamp-millis"}}]})

/** The customer has it. */
export interface ShipmentDelivered {
  readonly shipmentId: Id<'shipment'>
  readonly orderId: Id<'order'>
  /** Null where the order has no items. */
  readonly sellerId: Id<'seller'> | null
  /** Null where the time isn't known. */
  readonly deliveredAt: Instant | null
}

export const ShipmentDelivered: Contract<ShipmentDelivered> = contract<ShipmentDelivered>({"type":"record","namespace":"tributary.shipping","name":"ShipmentDelivered","doc":"The customer has it.","fields":[{"name":"shipmentId","type":"string"},{"name":"orderId","type":"string"},{"name":"sellerId","type":["null","string"],"doc":"Null where the order has no items.","default":null},{"name":"deliveredAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"Null where the time isn't known.","default":null}]})

/** What one seller sends for one order exists as a shipment. */
export interface ShipmentPrepared {
  readonly shipmentId: Id<'shipment'>
  readonly orderId: Id<'order'>
  /** Null where the order has no items. */
  readonly sellerId: Id<'seller'> | null
}

export const ShipmentPrepared: Contract<ShipmentPrepared> = contract<ShipmentPrepared>({"type":"record","namespace":"tributary.shipping","name":"ShipmentPrepared","doc":"What one seller sends for one order exists as a shipment.","fields":[{"name":"shipmentId","type":"string"},{"name":"orderId","type":"string"},{"name":"sellerId","type":["null","string"],"doc":"Null where the order has no items.","default":null}]})

/** The carrier has it. */
export interface ShipmentShipped {
  readonly shipmentId: Id<'shipment'>
  readonly orderId: Id<'order'>
  /** Null where the order has no items. */
  readonly sellerId: Id<'seller'> | null
  /** Null where the time isn't known. */
  readonly shippedAt: Instant | null
}

export const ShipmentShipped: Contract<ShipmentShipped> = contract<ShipmentShipped>({"type":"record","namespace":"tributary.shipping","name":"ShipmentShipped","doc":"The carrier has it.","fields":[{"name":"shipmentId","type":"string"},{"name":"orderId","type":"string"},{"name":"sellerId","type":["null","string"],"doc":"Null where the order has no items.","default":null},{"name":"shippedAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"Null where the time isn't known.","default":null}]})

/** A person with all of their orders. */
export interface CustomerRow {
  readonly uniqueId: Id<'person'>
  readonly orders: number
  /** All payments. */
  readonly spentCents: number
  readonly firstOrderAt: Instant | null
  readonly lastOrderAt: Instant | null
  /** Mean of the orders' review scores. */
  readonly averageScore: number | null
  /** Sorted, distinct. */
  readonly states: readonly string[]
}

export const CustomerRow: Contract<CustomerRow> = contract<CustomerRow>({"type":"record","namespace":"tributary.rows","name":"CustomerRow","doc":"A person with all of their orders.","fields":[{"name":"uniqueId","type":"string"},{"name":"orders","type":"long"},{"name":"spentCents","type":"long","doc":"All payments."},{"name":"firstOrderAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},{"name":"lastOrderAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},{"name":"averageScore","type":["null","double"],"doc":"Mean of the orders' review scores.","default":null},{"name":"states","type":{"type":"array","items":"string"},"doc":"Sorted, distinct."}]})

export interface OrderRowCustomer {
  readonly customerId: Id<'customer'>
  readonly uniqueId: Id<'person'> | null
  readonly city: string | null
  readonly state: string | null
  readonly zip: string | null
}

export interface OrderRowItem {
  readonly itemNo: number
  readonly productId: Id<'product'>
  /** English name, else its own, else unknown. */
  readonly category: string
  readonly sellerId: Id<'seller'>
  readonly priceCents: number
  readonly freightCents: number
  readonly shipBy: Instant | null
}

export interface OrderRowPayment {
  readonly sequence: number
  readonly type: string
  readonly installments: number
  readonly cents: number
}

/** An order with all of its parts. Null: not known. */
export interface OrderRow {
  readonly orderId: Id<'order'>
  readonly status: string | null
  readonly purchasedAt: Instant | null
  readonly approvedAt: Instant | null
  /** The earliest of its shipments. */
  readonly shippedAt: Instant | null
  /** The latest of its shipments, once all are delivered. */
  readonly deliveredAt: Instant | null
  readonly estimatedAt: Instant | null
  readonly customer: OrderRowCustomer | null
  /** By itemNo. */
  readonly items: readonly OrderRowItem[]
  readonly itemCount: number
  readonly itemsCents: number
  readonly freightCents: number
  /** Items and freight. */
  readonly totalCents: number
  /** By sequence. */
  readonly payments: readonly OrderRowPayment[]
  readonly paidCents: number
  /** Paid minus total. */
  readonly balanceCents: number
  readonly reviewScore: number | null
  readonly late: boolean | null
  readonly deliveryDays: number | null
}

export const OrderRow: Contract<OrderRow> = contract<OrderRow>({"type":"record","namespace":"tributary.rows","name":"OrderRow","doc":"An order with all of its parts. Null: not known.","fields":[{"name":"orderId","type":"string"},{"name":"status","type":["null","string"],"default":null},{"name":"purchasedAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},{"name":"approvedAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},{"name":"shippedAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"The earliest of its shipments.","default":null},{"name":"deliveredAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"doc":"The latest of its shipments, once all are delivered.","default":null},{"name":"estimatedAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},{"name":"customer","type":["null",{"type":"record","name":"OrderRowCustomer","fields":[{"name":"customerId","type":"string"},{"name":"uniqueId","type":["null","string"],"default":null},{"name":"city","type":["null","string"],"default":null},{"name":"state","type":["null","string"],"default":null},{"name":"zip","type":["null","string"],"default":null}]}],"default":null},{"name":"items","type":{"type":"array","items":{"type":"record","name":"OrderRowItem","fields":[{"name":"itemNo","type":"int"},{"name":"productId","type":"string"},{"name":"category","type":"string","doc":"English name, else its own, else unknown."},{"name":"sellerId","type":"string"},{"name":"priceCents","type":"long"},{"name":"freightCents","type":"long"},{"name":"shipBy","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null}]}},"doc":"By itemNo."},{"name":"itemCount","type":"int"},{"name":"itemsCents","type":"long"},{"name":"freightCents","type":"long"},{"name":"totalCents","type":"long","doc":"Items and freight."},{"name":"payments","type":{"type":"array","items":{"type":"record","name":"OrderRowPayment","fields":[{"name":"sequence","type":"int"},{"name":"type","type":"string"},{"name":"installments","type":"int"},{"name":"cents","type":"long"}]}},"doc":"By sequence."},{"name":"paidCents","type":"long"},{"name":"balanceCents","type":"long","doc":"Paid minus total."},{"name":"reviewScore","type":["null","int"],"default":null},{"name":"late","type":["null","boolean"],"default":null},{"name":"deliveryDays","type":["null","int"],"default":null}]})

/** What was sold on one day (UTC) to one state in one category. */
export interface SalesRow {
  /** YYYY-MM-DD */
  readonly day: string
  readonly state: string
  readonly category: string
  /** Distinct orders. */
  readonly orders: number
  readonly items: number
  /** Prices, without freight. */
  readonly revenueCents: number
  readonly freightCents: number
}

export const SalesRow: Contract<SalesRow> = contract<SalesRow>({"type":"record","namespace":"tributary.rows","name":"SalesRow","doc":"What was sold on one day (UTC) to one state in one category.","fields":[{"name":"day","type":"string","doc":"YYYY-MM-DD"},{"name":"state","type":"string"},{"name":"category","type":"string"},{"name":"orders","type":"long","doc":"Distinct orders."},{"name":"items","type":"long"},{"name":"revenueCents","type":"long","doc":"Prices, without freight."},{"name":"freightCents","type":"long"}]})

/** A seller with what they sold; canceled and unavailable orders don't count. */
export interface SellerRow {
  readonly sellerId: Id<'seller'>
  readonly city: string
  readonly state: string
  /** Distinct orders. */
  readonly orders: number
  readonly items: number
  readonly revenueCents: number
  readonly freightCents: number
  readonly lateOrders: number
  /** Each order once. */
  readonly averageScore: number | null
}

export const SellerRow: Contract<SellerRow> = contract<SellerRow>({"type":"record","namespace":"tributary.rows","name":"SellerRow","doc":"A seller with what they sold; canceled and unavailable orders don't count.","fields":[{"name":"sellerId","type":"string"},{"name":"city","type":"string"},{"name":"state","type":"string"},{"name":"orders","type":"long","doc":"Distinct orders."},{"name":"items","type":"long"},{"name":"revenueCents","type":"long"},{"name":"freightCents","type":"long"},{"name":"lateOrders","type":"long"},{"name":"averageScore","type":["null","double"],"doc":"Each order once.","default":null}]})
