"""A batch job: writes a range of the log to standard output, one JSON line per event, and ends.

    python dump_events.py --since 2026-05-26T00:00:00Z --until 2026-05-27T00:00:00Z > events.ndjson

It reads to where the log ended when it began, commits nothing and is in no group: run it as often as you
like. A repeated event is written once per run (memory: some 100 bytes per event of the range). Times are log
times, when Kafka accepted the event, UTC; a call can be older than that.
"""

import argparse
import os
import sys
from datetime import datetime

from call_events import EventReader, partition_of, to_json_line
from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.serialization import SerializationError

TIMEOUT_S = 30


def main() -> None:
    args = arguments()
    own_schema = open(args.own_schema, encoding="utf-8").read() if args.own_schema else None
    reader = EventReader(args.registry, args.subject, own_schema, args.drop_personal)
    consumer = Consumer(
        {
            "bootstrap.servers": args.brokers,
            "group.id": "data-team.dump",  # the client demands one; nothing is subscribed or committed
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",  # the range ran out of retention while it was read: say so
        }
    )
    try:
        dump(consumer, reader, args)
    finally:
        consumer.close()


def dump(consumer: Consumer, reader: EventReader, args: argparse.Namespace) -> None:
    partitions = partitions_of(consumer, args.topic, args.workspace)
    starts, ends = range_of(consumer, args.topic, partitions, args.since, args.until)
    consumer.assign(
        [TopicPartition(args.topic, p, starts[p]) for p in partitions if starts[p] < ends[p]]
    )
    seen: set[str] = set()
    unreadable = 0
    unread = {p for p in partitions if starts[p] < ends[p]}
    while unread:
        record = consumer.poll(TIMEOUT_S)
        if record is None:
            sys.exit(f"no answer from {args.brokers} for {TIMEOUT_S} s: the dump is not complete")
        partition = record.partition()
        if record.error():
            if record.error().code() != KafkaError._PARTITION_EOF:
                raise KafkaException(record.error())
            unread.discard(partition)
            continue
        if record.offset() + 1 >= ends[partition]:
            unread.discard(partition)
        if record.offset() >= ends[partition]:
            continue
        if args.workspace and record.key() != args.workspace.encode():
            continue
        try:
            event = reader.read(record)
        except SerializationError as error:
            # Somebody else's bytes, or a dead letter with the reason `undecodable`.
            place = f"partition {partition}, offset {record.offset()}"
            print(f"{place}: no event: {error}", file=sys.stderr)
            unreadable += 1
            continue
        if event["eventId"] not in seen:
            seen.add(event["eventId"])
            print(to_json_line(event))
    if unreadable:
        sys.exit(f"{unreadable} records are no events, see above; all others were written")


def partitions_of(consumer: Consumer, topic: str, workspace: str | None) -> list[int]:
    """A workspace lies in one partition: nothing else has to be read for it."""
    found = consumer.list_topics(topic, TIMEOUT_S).topics[topic]
    if found.error:
        raise KafkaException(found.error)
    everywhere = sorted(found.partitions)
    return [partition_of(workspace, len(everywhere))] if workspace else everywhere


def range_of(
    consumer: Consumer, topic: str, partitions: list[int], since: int | None, until: int | None
) -> tuple[dict[int, int], dict[int, int]]:
    """First offset, and the one behind the last, of each partition."""
    starts, ends = {}, {}
    for partition in partitions:
        place = TopicPartition(topic, partition)
        starts[partition], ends[partition] = consumer.get_watermark_offsets(place, TIMEOUT_S)
    for offsets, time in ((starts, since), (ends, until)):
        if time is None:
            continue
        wanted = [TopicPartition(topic, p, time) for p in partitions]
        for place in consumer.offsets_for_times(wanted, TIMEOUT_S):
            # Nothing is that young: from or to the end of what was there when we began.
            offset = ends[place.partition] if place.offset == OFFSET_END else place.offset
            offsets[place.partition] = min(offset, ends[place.partition])
    return starts, ends


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--brokers", default=os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092"))
    parser.add_argument(
        "--registry", default=os.environ.get("SCHEMA_REGISTRY_URL", "http://127.0.0.1:8081")
    )
    parser.add_argument("--topic", default="calls.events", help="or calls.dead-letter")
    parser.add_argument("--subject", default="calls.events-value", help="of both topics")
    parser.add_argument("--since", type=milliseconds, help="log time, inclusive")
    parser.add_argument("--until", type=milliseconds, help="log time, exclusive")
    parser.add_argument("--workspace", help="only this one: reads one partition")
    parser.add_argument("--own-schema", help="file: read with this copy, not with the newest")
    parser.add_argument("--drop-personal", action="store_true", help="leave out marked fields")
    return parser.parse_args()


def milliseconds(text: str) -> int:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no zone: write 2026-05-26T00:00:00Z")
    return int(time.timestamp() * 1000)


main()
