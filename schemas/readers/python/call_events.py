"""Call events for a program in Python: decoded, without personal data if asked, as JSON lines.

Every record is read with ONE schema, whatever wrote it: your own copy, or the newest in the registry at
the start. Fields that an older writer did not have are filled with their defaults, symbols that a newer
writer has are read as `unknown`, and the marks of personal fields are known for old records, too.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from confluent_kafka import Message, murmur2
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

Event = dict[str, Any]
Path = tuple[str, ...]


class EventReader:
    """Turns records of `calls.events` and `calls.dead-letter` into events."""

    def __init__(self, registry_url: str, subject: str, own_schema: str | None, drop_personal: bool):
        """`own_schema`: text of your copy of call-event.avsc; without it the registry is asked."""
        registry = SchemaRegistryClient({"url": registry_url})
        schema = own_schema or registry.get_latest_version(subject).schema.schema_str
        self._decode = AvroDeserializer(registry, schema)
        self._dropped = list(personal_fields(json.loads(schema))) if drop_personal else []

    def read(self, record: Message) -> Event:
        """Raises SerializationError for bytes that are no event, another error while the registry is away."""
        context = SerializationContext(record.topic(), MessageField.VALUE)
        event = self._decode(record.value(), context)
        for path in self._dropped:
            drop(event, path)
        # The log's own facts: where the record lies, and when Kafka accepted it.
        _, accepted_ms = record.timestamp()
        place = {"partition": record.partition(), "offset": record.offset()}
        return {**event, "log": {**place, "acceptedAt": accepted_ms}}


def partition_of(workspace_id: str, partitions: int) -> int:
    """Where all events of a workspace lie. murmur2 as in Java; librdkafka's own default is another."""
    return murmur2(workspace_id.encode(), partitions)


def personal_fields(record: Any, parents: Path = ()) -> Iterator[Path]:
    """Paths of the fields that the schema marks with `personal`."""
    for field in record["fields"]:
        path = (*parents, field["name"])
        if "personal" in field:
            yield path
        elif (inner := inner_record(field["type"])) is not None:
            yield from personal_fields(inner, path)


def inner_record(avro_type: Any) -> Any | None:
    """The record in a type, through unions and lists."""
    if isinstance(avro_type, list):
        return next((found for found in map(inner_record, avro_type) if found), None)
    if not isinstance(avro_type, dict):
        return None
    return avro_type if avro_type["type"] == "record" else inner_record(avro_type.get("items"))


def drop(value: Any, path: Path) -> None:
    """Takes a field out of a record, or out of each record of a list; null has none."""
    if isinstance(value, list):
        for item in value:
            drop(item, path)
    elif value is not None:
        name, *rest = path
        if rest:
            drop(value[name], tuple(rest))
        else:
            del value[name]


def to_json_line(event: Event) -> str:
    return json.dumps(event, ensure_ascii=False, default=iso_time)


def iso_time(value: object) -> str:
    """Times come as datetime; anything else that JSON does not know is a fault, and said to be one."""
    if isinstance(value, datetime):
        unit = "milliseconds" if value.microsecond else "seconds"
        return value.isoformat(timespec=unit).replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} in an event")
