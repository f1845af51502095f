import { readConfig, setting } from 'tributary/runtime'
import type { Service } from './script.ts'

/** Where the services are, where freshness is, and where the journal lies. Throws `ConfigError`. */
export function simulatorSettings(env: Readonly<Record<string, string | undefined>> = process.env): {
  urls: Record<Service, string>
  freshnessUrl: string
  home: string
} {
  const local = (port: number) => setting.url.prefault(`http://127.0.0.1:${port}`)
  const config = readConfig(
    {
      CUSTOMERS_URL: local(14_001),
      CATALOG_URL: local(14_002),
      ORDERS_URL: local(14_003),
      PAYMENTS_URL: local(14_004),
      SHIPPING_URL: local(14_005),
      REVIEWS_URL: local(14_006),
      FRESHNESS_URL: local(14_022),
      TRIBUTARY_HOME: setting.text.default('.tributary'),
    },
    env,
  )
  return {
    urls: {
      customers: config.CUSTOMERS_URL,
      catalog: config.CATALOG_URL,
      orders: config.ORDERS_URL,
      payments: config.PAYMENTS_URL,
      shipping: config.SHIPPING_URL,
      reviews: config.REVIEWS_URL,
    },
    freshnessUrl: config.FRESHNESS_URL,
    home: config.TRIBUTARY_HOME,
  }
}
