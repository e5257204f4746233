"""A data team's consumer: reads our topic with Confluent's own client and knows nothing of our code.

Prints the first COUNT events as JSON lines, with the key of each record.
Usage: read_events.py BROKERS REGISTRY_URL TOPIC COUNT
"""

import json
import sys
import time

from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

WITHIN_SECONDS = 30


def main(brokers: str, registry_url: str, topic: str, count: int) -> None:
    decode = AvroDeserializer(SchemaRegistryClient({"url": registry_url}))
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": f"{topic}.team-x",
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topic])
    deadline = time.monotonic() + WITHIN_SECONDS
    found = 0
    while found < count and time.monotonic() < deadline:
        record = consumer.poll(1)
        if record is None:
            continue
        if record.error():
            sys.exit(str(record.error()))
        event = decode(record.value(), SerializationContext(topic, MessageField.VALUE))
        print(json.dumps({"key": record.key().decode(), "event": event}, default=iso))
        found += 1
    consumer.close()
    if found < count:
        sys.exit(f"only {found} of {count} events within {WITHIN_SECONDS} s")


def iso(value: object) -> str:
    """Timestamps come as datetime; anything else that JSON does not know is a surprise."""
    return value.isoformat()


main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
