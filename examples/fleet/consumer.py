#!/usr/bin/env python3
"""Takes the records of many boxes from RabbitMQ and keeps each once, in PostgreSQL, as docs/fleet.md says.

    consumer.py --amqp URL --postgresql URL [--queue NAME] [--stream] [--batch COUNT]

Records come at least once; the key makes one of them. A batch is acknowledged after its transaction is committed: whatever
ends the consumer in between has RabbitMQ send the batch again, and then nothing of it is new.
"""

import argparse
import json
import pathlib
import sys
import time

import pika
import psycopg2
from psycopg2.extras import execute_values

EXCHANGE = "tandem.event"
DEAD = "tandem.dead"
QUIET = 0.2

INSERT = """INSERT INTO record (key, appliance_id, first, seq, class, type, tm, data) VALUES %s
            ON CONFLICT (key) DO NOTHING RETURNING key"""


def declare(channel, queue, stream):
    """The exchange, the queue, and where that goes which is no record. Whoever comes first makes them."""
    channel.exchange_declare(EXCHANGE, "topic", durable=True)
    if stream:
        # Kept for whoever reads later, too: a week, or 20 GB.
        kept = {"x-queue-type": "stream", "x-max-age": "7D", "x-max-length-bytes": 20_000_000_000}
        channel.queue_declare(queue, durable=True, arguments=kept)
    else:
        channel.exchange_declare(DEAD, "fanout", durable=True)
        channel.queue_declare(DEAD, durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_bind(DEAD, DEAD)
        kept = {
            "x-queue-type": "quorum",
            # One reader at a time, so that order is kept; a second one waits to take over.
            "x-single-active-consumer": True,
            "x-dead-letter-exchange": DEAD,
            "x-dead-letter-strategy": "at-least-once",
            # A queue that is full says so, and the boxes keep their records; it throws nothing away.
            "x-overflow": "reject-publish",
            "x-max-length-bytes": 20_000_000_000,
        }
        channel.queue_declare(queue, durable=True, arguments=kept)
    channel.queue_bind(queue, EXCHANGE, "#")


def row(body):
    """A record as a row; ValueError, KeyError or TypeError where it is none."""
    record = json.loads(body)
    first = record["data"]["first"] if record["class"] == "missed" else record["seq"]
    names = ["key", "appliance_id"], ["seq", "class", "type", "tm"]
    before, after = ([record[name] for name in some] for some in names)
    if not isinstance(record["seq"], int) or not isinstance(first, int):
        raise ValueError("a number is none")
    return (*before, first, *after, json.dumps(record["data"]))


def keep(cursor, rows):
    """Keeps what is new, in order, and says how much that was."""
    # A key that comes twice in one statement counts once, too.
    rows = list({row[0]: row for row in rows}.values())
    new = execute_values(cursor, INSERT, rows, page_size=len(rows), fetch=True)
    for appliance in sorted({row[1] for row in rows}):
        least = min(row[2] for row in rows if row[1] == appliance)
        # Whoever begins to listen later begins with what comes first.
        cursor.execute(
            "INSERT INTO appliance VALUES (%s, %s) ON CONFLICT (id) DO NOTHING", (appliance, least - 1)
        )
        cursor.execute("SELECT cursor FROM appliance WHERE id = %s FOR UPDATE", (appliance,))
        settled = cursor.fetchone()[0]
        cursor.execute(
            "SELECT first, seq FROM record WHERE appliance_id = %s AND seq > %s ORDER BY seq", (appliance, settled)
        )
        for first, seq in cursor:
            if first > settled + 1:
                break
            settled = seq
        cursor.execute("UPDATE appliance SET cursor = %s WHERE id = %s", (settled, appliance))
    return len(new)


class Consumer:
    def __init__(self, given):
        self.given = given
        self.database = psycopg2.connect(given.postgresql)
        with self.database, self.database.cursor() as cursor:
            cursor.execute(pathlib.Path(__file__).with_name("schema.sql").read_text())
        self.connection = pika.BlockingConnection(pika.URLParameters(given.amqp))
        self.channel = self.connection.channel()
        declare(self.channel, given.queue, given.stream)
        self.channel.basic_qos(prefetch_count=given.batch)

    def arguments(self):
        if not self.given.stream:
            return {}
        with self.database, self.database.cursor() as cursor:
            cursor.execute("SELECT next FROM stream_offset WHERE queue = %s", (self.given.queue,))
            found = cursor.fetchone()
        return {"x-stream-offset": found[0] if found else "first"}

    def run(self):
        batch = []
        print("ready", flush=True)
        # With nothing new for a moment, or enough of it, what is there goes into one transaction.
        for delivery in self.channel.consume(self.given.queue, inactivity_timeout=QUIET, arguments=self.arguments()):
            if delivery[0] is not None:
                batch.append(delivery)
            if batch and (delivery[0] is None or len(batch) >= self.given.batch):
                self.take(batch)
                batch = []

    def take(self, batch):
        refused, good = set(), []
        for delivery in batch:
            try:
                good.append((delivery, row(delivery[2])))
            except (ValueError, KeyError, TypeError) as error:
                self.refuse(delivery, error, refused)
        try:
            new = self.commit(good)
        except (psycopg2.DataError, psycopg2.IntegrityError):
            new = 0
            for one in good:
                # One of them is a record for us, but not for PostgreSQL.
                try:
                    new += self.commit([one])
                except (psycopg2.DataError, psycopg2.IntegrityError) as error:
                    self.refuse(one[0], error, refused)
        print(f"{len(good)} records, {len(good) - new} of them again", flush=True)
        # Only now: RabbitMQ forgets what is acknowledged.
        tags = [method.delivery_tag for method, _, _ in batch if method.delivery_tag not in refused]
        if tags:
            self.channel.basic_ack(tags[-1], multiple=True)

    def commit(self, good):
        """All of it or nothing; says how much of it is new."""
        if not good:
            return 0
        with self.database, self.database.cursor() as cursor:
            new = keep(cursor, [row for _, row in good])
            if self.given.stream:
                offset = good[-1][0][1].headers["x-stream-offset"]
                cursor.execute(
                    "INSERT INTO stream_offset VALUES (%s, %s) ON CONFLICT (queue) DO UPDATE SET next = excluded.next",
                    (self.given.queue, offset + 1),
                )
        return new

    def refuse(self, delivery, error, refused):
        """What is no record goes to the dead letters, where people look at it. A stream keeps it anyway."""
        method, _, body = delivery
        print(f"refused {body[:80]!r}: {error}", file=sys.stderr, flush=True)
        if not self.given.stream:
            self.channel.basic_reject(method.delivery_tag, requeue=False)
            refused.add(method.delivery_tag)

    def close(self):
        """What was not acknowledged comes again, to whoever is there first."""
        for it in (self.connection, self.database):
            try:
                it.close()
            except (pika.exceptions.AMQPError, psycopg2.Error):
                pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--amqp", required=True)
    parser.add_argument("--postgresql", required=True)
    parser.add_argument("--queue", default="tandem.records")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--batch", type=int, default=500)
    given = parser.parse_args()
    wait, gone = 1, (pika.exceptions.AMQPError, psycopg2.OperationalError, psycopg2.InterfaceError, OSError)
    while True:
        try:
            consumer = Consumer(given)
            wait = 1
            try:
                consumer.run()
            finally:
                consumer.close()
        except gone as error:
            print(f"again in {wait} s: {error!r}", file=sys.stderr, flush=True)
            time.sleep(wait)
            wait = min(wait * 2, 30)


if __name__ == "__main__":
    main()
