package ktables.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** A plain consumer that fills a HashMap, on a thread of its own; the lock is taken once for each poll. */
final class ConsumerTable implements Table {
    private final boolean parses;
    private final KafkaConsumer<String, byte[]> consumer;
    private final Admin admin;
    private final List<TopicPartition> partitions;
    private final Consumer<byte[]> onSet;
    private final Map<String, Object> values = new HashMap<>();
    private final Map<TopicPartition, Long> positions = new HashMap<>();

    ConsumerTable(JsonNode task, Consumer<byte[]> onSet) throws Exception {
        String servers = task.get("bootstrapServers").asText();
        this.parses = task.get("json").asBoolean();
        this.onSet = onSet;
        Map<String, Object> config = new HashMap<>(FETCHES);
        config.put("bootstrap.servers", servers);
        config.put("isolation.level", "read_committed");
        config.put("enable.auto.commit", false);
        consumer = new KafkaConsumer<>(config, new StringDeserializer(), new ByteArrayDeserializer());
        partitions = consumer.partitionsFor(task.get("topic").asText()).stream()
                .map(info -> new TopicPartition(info.topic(), info.partition()))
                .toList();
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
        admin = Admin.create(Map.of("bootstrap.servers", servers));
        Thread thread = new Thread(this::follow, "table");
        thread.setDaemon(true);
        thread.start();
        reached(ends);
    }

    /** As large as those of the other clients. */
    static final Map<String, Object> FETCHES = Map.of(
            "max.partition.fetch.bytes", 4_194_304,
            "fetch.max.bytes", 67_108_864,
            "receive.buffer.bytes", -1,
            "max.poll.records", 100_000);

    private void follow() {
        try {
            while (true) {
                ConsumerRecords<String, byte[]> records = consumer.poll(Duration.ofSeconds(1));
                synchronized (this) {
                    for (ConsumerRecord<String, byte[]> record : records) {
                        values.put(record.key(), parses ? Bench.JSON.readTree(record.value()) : record.value());
                        if (onSet != null) {
                            onSet.accept(record.value());
                        }
                    }
                    for (TopicPartition partition : partitions) {
                        positions.put(partition, consumer.position(partition));
                    }
                    notifyAll();
                }
            }
        } catch (Exception error) {
            Bench.orEnd(error);
        }
    }

    private synchronized void reached(Map<TopicPartition, Long> ends) throws InterruptedException {
        for (Map.Entry<TopicPartition, Long> end : ends.entrySet()) {
            while (positions.getOrDefault(end.getKey(), 0L) < end.getValue()) {
                wait();
            }
        }
    }

    @Override
    public void barrier() {
        try {
            Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
            partitions.forEach(partition -> latest.put(partition, OffsetSpec.latest()));
            Map<TopicPartition, Long> ends = new HashMap<>();
            admin.listOffsets(latest).all().get().forEach((partition, info) -> ends.put(partition, info.offset()));
            reached(ends);
        } catch (Exception error) {
            Bench.orEnd(error);
        }
    }

    @Override
    public synchronized Map<String, byte[]> contents() throws Exception {
        Map<String, byte[]> contents = new HashMap<>();
        for (Map.Entry<String, Object> entry : values.entrySet()) {
            boolean isBytes = entry.getValue() instanceof byte[];
            contents.put(entry.getKey(), isBytes ? (byte[]) entry.getValue() : Bench.JSON.writeValueAsBytes(entry.getValue()));
        }
        return contents;
    }
}
