#!/bin/sh
# What kcat shows of the log without decoding it: keys, headers, places, times. Debian's kcat is built
# without Avro; where `kcat -V` says Avro, add `-s value=avro -r "$SCHEMA_REGISTRY_URL"` to decode.
#
#   sh calls.sh places            each event: partition, offset, log time in ms, workspace, schema id
#   sh calls.sh ends              the end of each partition
#   sh calls.sh dead-letters      workspace, and why each event was given up (headers)
#   sh calls.sh rejected          workspace, headers and raw bytes of what could not be normalized
#
# It reads what is there and ends (-e); it is in no group and commits nothing.
set -eu

brokers=${KAFKA_BROKERS:-127.0.0.1:9092}
prefix=${TOPIC_PREFIX:-calls}

case ${1:-} in
  places)
    # Of the value only the zero byte and the id, which kcat prints in one word: the rest is Avro.
    kcat -b "$brokers" -t "$prefix.events" -C -q -e -o beginning -s 'value=bI' \
      -f '%p %o %T %k %s\n' | sed 's/ 0\([0-9]*\)$/ \1/' ;;
  ends)
    kcat -b "$brokers" -Q $(kcat -b "$brokers" -L -t "$prefix.events" |
      awk -v topic="$prefix.events" '$1 == "partition" { print "-t " topic ":" int($2) ":-1" }') ;;
  dead-letters)
    kcat -b "$brokers" -t "$prefix.dead-letter" -C -q -e -o beginning -f '%T %k %h\n' ;;
  rejected)
    kcat -b "$brokers" -t "$prefix.rejected" -C -q -e -o beginning -f '%T %k %h\n%s\n' ;;
  *)
    echo "usage: calls.sh places | ends | dead-letters | rejected" >&2
    exit 64 ;;
esac
