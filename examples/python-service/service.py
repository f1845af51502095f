"""The service `loyalty`: grants points for orders. It learns of orders from their topic and tells of points in its outbox.

Settings: DATABASE_URL, KAFKA_BROKERS, REGISTRY_URL (ending in /apis/ccompat/v7); ORDERS_TOPIC (default orders.events).
"""

import json
import logging
import os
import signal
import threading
from pathlib import Path

import psycopg

from codec import Codec
from inbox import Inbox
from outbox import Outbox

SERVICE = "loyalty"
HERE = Path(__file__).parent
ORDER_PLACED = HERE / "../../schemas/events/orders/OrderPlaced.avsc"


def grant_points(connection, outbox, order):
    """One point for each whole unit of money. The insert locks the row: nobody else grants for this order meanwhile."""
    points = sum(item["priceCents"] for item in order["items"]) // 100
    granted = connection.execute(
        "insert into points (customer_id, order_id, points) values (%s, %s, %s) on conflict do nothing",
        (order["customerId"], order["orderId"], points),
    ).rowcount
    if granted:
        value = {
            "customerId": order["customerId"],
            "orderId": order["orderId"],
            "points": points,
            "orderedAt": order["purchasedAt"],
        }
        outbox.publish(connection, "PointsGranted", "points", order["orderId"], value, at=order["purchasedAt"])


def main():
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    schemas = [json.loads(file.read_text()) for file in (HERE / "PointsGranted.avsc", ORDER_PLACED)]
    codec = Codec(os.environ["REGISTRY_URL"], schemas)
    outbox = Outbox(SERVICE, codec)
    stopped = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stopped.set())
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        handlers = {"tributary.orders.OrderPlaced": lambda connection, order: grant_points(connection, outbox, order)}
        inbox = Inbox(connection, codec, os.environ.get("ORDERS_TOPIC", "orders.events"), handlers)
        inbox.run(os.environ["KAFKA_BROKERS"], f"{SERVICE}.inbox", stopped)


if __name__ == "__main__":
    main()
