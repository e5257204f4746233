import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.utils.Utils;

/**
 * Prints the call events that are in the log now, one JSON line each, and ends.
 *
 * <p>Without anybody's deserializer: the format is a zero byte, the schema's id in four bytes, and plain
 * Avro. Confluent's deserializer does the same, but is not on Maven Central; Apicurio's is, with its own
 * client and configuration beside it.
 *
 * <pre>ReadCallEvents BROKERS REGISTRY_URL TOPIC SCHEMA_FILE [WORKSPACE]</pre>
 */
public final class ReadCallEvents {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final int HEADER_BYTES = 5;

  private final HttpClient http = HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
  private final ObjectMapper json = new ObjectMapper();
  private final Map<Integer, GenericDatumReader<GenericRecord>> readers = new HashMap<>();
  private final String registryUrl;
  /** What every record is read as, whatever schema wrote it: our copy of call-event.avsc. */
  private final Schema ours;

  private ReadCallEvents(String registryUrl, Schema ours) {
    this.registryUrl = registryUrl;
    this.ours = ours;
  }

  public static void main(String[] args) throws Exception {
    var events = new ReadCallEvents(args[1], new Schema.Parser().parse(new File(args[3])));
    try (var consumer = consumer(args[0])) {
      events.print(consumer, args[2], args.length > 4 ? args[4] : null);
    }
  }

  private static KafkaConsumer<String, byte[]> consumer(String brokers) {
    var properties = new Properties();
    properties.put("bootstrap.servers", brokers);
    // No group: partitions are assigned by hand and nothing is committed.
    properties.put("enable.auto.commit", "false");
    properties.put("auto.offset.reset", "none");
    properties.put("default.api.timeout.ms", String.valueOf(TIMEOUT.toMillis()));
    return new KafkaConsumer<>(properties, new StringDeserializer(), new ByteArrayDeserializer());
  }

  private void print(KafkaConsumer<String, byte[]> consumer, String topic, String workspace)
      throws Exception {
    var out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    var partitions = partitions(consumer, topic, workspace);
    var ends = consumer.endOffsets(partitions);
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
    Set<String> seen = new HashSet<>();
    while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
      for (var record : consumer.poll(Duration.ofSeconds(1))) {
        var partition = new TopicPartition(topic, record.partition());
        if (record.offset() >= ends.get(partition)) continue;
        if (workspace != null && !workspace.equals(record.key())) continue;
        var event = decode(record);
        if (seen.add(event.get("eventId").toString())) out.println(event);
      }
    }
    out.flush();
  }

  /** All, or the one in which all events of the workspace lie: murmur2 of the key, as in every Java client. */
  private static List<TopicPartition> partitions(
      KafkaConsumer<String, byte[]> consumer, String topic, String workspace) {
    var found = consumer.partitionsFor(topic);
    if (workspace == null) {
      return found.stream().map(p -> new TopicPartition(topic, p.partition())).toList();
    }
    var hash = Utils.murmur2(workspace.getBytes(StandardCharsets.UTF_8));
    return List.of(new TopicPartition(topic, Utils.toPositive(hash) % found.size()));
  }

  private GenericRecord decode(ConsumerRecord<String, byte[]> record) throws Exception {
    var bytes = ByteBuffer.wrap(record.value());
    if (bytes.remaining() <= HEADER_BYTES || bytes.get() != 0) {
      throw new IOException("no Confluent wire format at offset " + record.offset());
    }
    var id = bytes.getInt();
    var reader = readers.get(id);
    if (reader == null) {
      // Both schemas: fields that the writer did not have get our defaults, symbols that are newer
      // than our copy become `unknown`.
      reader = new GenericDatumReader<>(schemaAt("/schemas/ids/" + id), ours);
      readers.put(id, reader);
    }
    BinaryDecoder avro =
        DecoderFactory.get()
            .binaryDecoder(record.value(), HEADER_BYTES, record.value().length - HEADER_BYTES, null);
    return reader.read(null, avro);
  }

  private Schema schemaAt(String path) throws Exception {
    var request = HttpRequest.newBuilder(URI.create(registryUrl + path)).timeout(TIMEOUT).build();
    var answer = http.send(request, BodyHandlers.ofString());
    if (answer.statusCode() != 200) {
      throw new IOException(path + " of the registry answers " + answer.statusCode());
    }
    return new Schema.Parser().parse(json.readTree(answer.body()).get("schema").asText());
  }
}
