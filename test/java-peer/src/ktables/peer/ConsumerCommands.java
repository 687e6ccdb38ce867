package ktables.peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Reads topics from their start to their end, as every group-less Java reader would. */
final class ConsumerCommands {
    private static final long READ_MS = 120_000;

    private ConsumerCommands() {}

    static void addTo(Map<String, Peer.Command> commands) {
        commands.put("consume", ConsumerCommands::consume);
        commands.put("table", ConsumerCommands::table);
    }

    private static JsonNode consume(Arguments arguments) throws Exception {
        ObjectNode result = Peer.JSON.createObjectNode();
        ArrayNode records = result.putArray("records");
        putPositions(result, readToEnd(arguments, record -> {
            ObjectNode target = records.addObject()
                    .put("partition", record.partition())
                    .put("offset", record.offset())
                    .put("timestamp", record.timestamp())
                    .put("keyBase64", Arguments.base64(record.key()))
                    .put("valueBase64", Arguments.base64(record.value()));
            Arguments.putHeaders(target, record.headers());
        }));
        return result;
    }

    private static JsonNode table(Arguments arguments) throws Exception {
        Map<String, String> entries = new LinkedHashMap<>();
        long[] counts = new long[3];
        Map<Integer, Long> positions = readToEnd(arguments, record -> {
            counts[0]++;
            if (record.key() == null) {
                counts[1]++;
            } else if (record.value() == null) {
                counts[2]++;
                entries.remove(Arguments.base64(record.key()));
            } else {
                entries.put(Arguments.base64(record.key()), Arguments.base64(record.value()));
            }
        });
        ObjectNode result = Peer.JSON.createObjectNode()
                .put("records", counts[0])
                .put("keyless", counts[1])
                .put("tombstones", counts[2]);
        ObjectNode target = result.putObject("entries");
        entries.forEach(target::put);
        putPositions(result, positions);
        return result;
    }

    private static void putPositions(ObjectNode result, Map<Integer, Long> positions) {
        ObjectNode target = result.putObject("positions");
        positions.forEach((partition, position) -> target.put(partition.toString(), position.longValue()));
    }

    /** Ends by position, not by record: the last offsets may be markers, aborted data or holes. */
    private static Map<Integer, Long> readToEnd(Arguments arguments, Consumer<ConsumerRecord<byte[], byte[]>> visitor) {
        arguments.allow("bootstrapServers", "config", "topic", "isolation");
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", arguments.text("bootstrapServers"));
        config.put("isolation.level", arguments.text("isolation", "read_committed"));
        config.put("enable.auto.commit", "false");
        config.put("auto.offset.reset", "earliest");
        config.put("fetch.max.wait.ms", "100");
        config.putAll(arguments.texts("config"));
        String topic = arguments.text("topic");
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                    .map(info -> new TopicPartition(topic, info.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            long deadline = System.nanoTime() + Duration.ofMillis(READ_MS).toNanos();
            while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
                if (System.nanoTime() > deadline) {
                    throw new TimeoutException(topic + " was not read to its end within " + READ_MS + " ms");
                }
                consumer.poll(Duration.ofMillis(200)).forEach(visitor);
            }
            Map<Integer, Long> positions = new TreeMap<>();
            partitions.forEach(partition -> positions.put(partition.partition(), consumer.position(partition)));
            return positions;
        }
    }
}
