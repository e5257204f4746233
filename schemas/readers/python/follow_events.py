"""A job that never ends: prints each event as it comes, in a consumer group of your own.

    python follow_events.py --group data-team.dashboard

The place is committed only behind what was printed, so an event is never lost to a crash, and the last
ones may come again after one: keep what you make of an event under its `eventId`.
"""

import argparse
import os
import signal

from call_events import EventReader, to_json_line
from confluent_kafka import Consumer, KafkaException

RECORDS_PER_COMMIT_MAX = 500


def main() -> None:
    args = arguments()
    reader = EventReader(args.registry, args.subject, None, drop_personal=False)
    consumer = Consumer(
        {
            "bootstrap.servers": args.brokers,
            "group.id": args.group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",  # of a new group: all that is still kept
        }
    )
    consumer.subscribe([args.topic])
    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while not stopped:
        records = consumer.consume(RECORDS_PER_COMMIT_MAX, timeout=1)
        for record in records:
            if record.error():
                raise KafkaException(record.error())
            # Raises while the registry is away: the process ends, and begins here when started again.
            print(to_json_line(reader.read(record)), flush=True)
        if records:
            consumer.commit(asynchronous=False)
    consumer.close()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--brokers", default=os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092"))
    parser.add_argument(
        "--registry", default=os.environ.get("SCHEMA_REGISTRY_URL", "http://127.0.0.1:8081")
    )
    parser.add_argument("--topic", default="calls.events")
    parser.add_argument("--subject", default="calls.events-value")
    parser.add_argument("--group", required=True, help="begins with what your ACL allows")
    return parser.parse_args()


main()
