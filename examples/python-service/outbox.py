"""Publishing: one row of the outbox in the transaction of the change it tells of."""

import os
import uuid
from datetime import datetime, timezone

from psycopg.pq import TransactionStatus


class Outbox:
    def __init__(self, service, codec):
        self._service = service
        self._codec = codec

    def publish(self, connection, event, aggregate, key, value, at=None):
        """Publishes an event with the change of the same transaction: both or neither. Lock the aggregate's row first.

        event: its short name, e.g. PointsGranted; aggregate: the kind of thing, e.g. points; key: which one;
        at: when it happened, an aware datetime; else now. Raises RuntimeError outside of a transaction.
        """
        if connection.info.transaction_status != TransactionStatus.INTRANS:
            raise RuntimeError(f"{event}: publish needs the transaction of the business change: with connection.transaction()")
        name = f"tributary.{self._service}.{event}"
        time = (at or datetime.now(timezone.utc)).astimezone(timezone.utc)
        connection.execute(
            """insert into outbox (id, aggregatetype, aggregateid, type, payload, source, time, traceparent)
               values (%s, %s, %s, %s, %s, %s, %s, %s)""",
            (
                uuid.uuid4(),
                aggregate,
                key,
                name,
                self._codec.encode(name, value),
                f"/tributary/{self._service}",
                time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03}Z",
                f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-00",
            ),
        )
