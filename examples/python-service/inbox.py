"""Subscribing: Kafka delivers at least once, the inbox makes it once in effect."""

import logging

import confluent_kafka

log = logging.getLogger("inbox")


class Inbox:
    """Handles the events of one topic, each in a transaction with the note that it was handled and the new position."""

    def __init__(self, connection, codec, topic, handlers):
        """connection: psycopg's, in autocommit; handlers: by full name of the event, called with (connection, value)."""
        self._connection = connection
        self._codec = codec
        self._topic = topic
        self._handlers = handlers

    def run(self, brokers, group, stopped):
        """Works until the event `stopped` is set. Raises what a handler raises: nothing of that record was done then."""
        consumer = confluent_kafka.Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": group,
                "enable.auto.commit": False,
                # How long one that was killed keeps others from its partitions.
                "session.timeout.ms": 10_000,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
            }
        )
        consumer.subscribe([self._topic], on_assign=self._begin_where_we_are)
        try:
            while not stopped.is_set():
                message = consumer.poll(0.2)
                if message is None:
                    continue
                if message.error():
                    log.warning("%s", message.error())
                    continue
                self.take(message)
                # Only follows: the position that counts is in the database.
                consumer.commit(message, asynchronous=True)
        finally:
            consumer.close()

    def take(self, message):
        """Handles one message, unless that was done before. Says whether it did."""
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        headers = dict(message.headers() or [])
        event_id = headers["ce_id"].decode() if "ce_id" in headers else f"{topic}/{partition}/{offset}"
        with self._connection.transaction():
            # Locked until the end: another member that believes to own the partition waits, and finds it done.
            position = self._connection.execute(
                """insert into inbox_offsets as o (topic, "partition", next_offset) values (%s, %s, 0)
                   on conflict (topic, "partition") do update set next_offset = o.next_offset returning next_offset""",
                (topic, partition),
            ).fetchone()[0]
            if offset < position:
                return False
            fresh = self._connection.execute(
                "insert into inbox (topic, event_id) values (%s, %s) on conflict do nothing", (topic, event_id)
            ).rowcount
            if fresh:
                self._handle(message.value())
            self._connection.execute(
                'update inbox_offsets set next_offset = %s where topic = %s and "partition" = %s',
                (offset + 1, topic, partition),
            )
            return bool(fresh)

    def _handle(self, payload):
        # A tombstone: whoever keeps what is gone deletes it. This service keeps nothing of the kind.
        if payload is None:
            return
        name, value = self._codec.decode(payload)
        # Types without a handler are passed over: they come with newer versions of the publisher, too.
        if name in self._handlers:
            self._handlers[name](self._connection, value)

    def _begin_where_we_are(self, consumer, partitions):
        for partition in partitions:
            row = self._connection.execute(
                'select next_offset from inbox_offsets where topic = %s and "partition" = %s',
                (partition.topic, partition.partition),
            ).fetchone()
            partition.offset = row[0] if row else confluent_kafka.OFFSET_BEGINNING
        consumer.assign(partitions)
