package ktables.peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Writes records: given ones, generated ones, and those of transactions. */
final class ProducerCommands {
    /** Records between two changes of the codec in generated data. */
    private static final int GENERATED_CHUNK = 1000;

    /** Transactions that a command left open, by transactional id. */
    private static final Map<String, KafkaProducer<byte[], byte[]>> OPEN = new ConcurrentHashMap<>();

    private ProducerCommands() {}

    static void addTo(Map<String, Peer.Command> commands) {
        commands.put("produce", ProducerCommands::produce);
        commands.put("produceMany", ProducerCommands::produceMany);
        commands.put("transaction", ProducerCommands::transaction);
        commands.put("endTransaction", ProducerCommands::endTransaction);
    }

    private static KafkaProducer<byte[], byte[]> producer(Arguments arguments, String compression, String transactionalId) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", arguments.text("bootstrapServers"));
        config.put("compression.type", compression);
        config.put("acks", "all");
        config.put("linger.ms", "5");
        config.put("batch.size", "262144");
        // A failure shall arrive as Java's exception before the caller stops waiting for the answer.
        config.put("request.timeout.ms", "10000");
        config.put("delivery.timeout.ms", "30000");
        config.put("max.block.ms", "30000");
        if (transactionalId != null) {
            config.put("transactional.id", transactionalId);
        }
        config.putAll(arguments.texts("config"));
        return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
    }

    private static ArrayNode send(KafkaProducer<byte[], byte[]> producer, Arguments arguments) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (Arguments record : arguments.objects("records")) {
            record.allow("key", "keyBase64", "value", "valueBase64", "partition", "timestamp", "headers");
            Integer partition = record.has("partition") ? (int) record.integer("partition") : null;
            Long timestamp = record.has("timestamp") ? record.integer("timestamp") : null;
            List<Header> headers = List.of(record.headers());
            sent.add(producer.send(new ProducerRecord<>(
                    arguments.text("topic"), partition, timestamp, record.bytes("key"), record.bytes("value"), headers)));
        }
        producer.flush();
        ArrayNode result = Peer.JSON.createArrayNode();
        for (Future<RecordMetadata> future : sent) {
            RecordMetadata metadata = future.get();
            result.addObject()
                    .put("partition", metadata.partition())
                    .put("offset", metadata.offset())
                    .put("timestamp", metadata.timestamp());
        }
        return result;
    }

    private static JsonNode produce(Arguments arguments) throws Exception {
        arguments.allow("bootstrapServers", "config", "topic", "compression", "records");
        try (KafkaProducer<byte[], byte[]> producer = producer(arguments, arguments.text("compression", "none"), null)) {
            return send(producer, arguments);
        }
    }

    /** One producer per codec, used in turn; each is flushed before the next, so the order of a key's values is fixed. */
    private static JsonNode produceMany(Arguments arguments) throws Exception {
        arguments.allow(
                "bootstrapServers", "config", "topic", "count", "keys", "valueSize", "compressions", "tombstoneEvery",
                "keyPrefix", "seed");
        int count = (int) arguments.integer("count");
        int keys = (int) arguments.integer("keys");
        int valueSize = (int) arguments.integer("valueSize", 100);
        int tombstoneEvery = (int) arguments.integer("tombstoneEvery", 0);
        String topic = arguments.text("topic");
        String prefix = arguments.text("keyPrefix", "key-");
        List<String> compressions = arguments.has("compressions") ? arguments.list("compressions") : List.of("none");
        Random random = new Random(arguments.integer("seed", 1));
        BitSet live = new BitSet(keys);
        Map<Integer, Long> perPartition = new TreeMap<>();
        AtomicReference<Exception> failure = new AtomicReference<>();
        List<KafkaProducer<byte[], byte[]>> producers = new ArrayList<>();
        int tombstones = 0;
        long started = System.nanoTime();
        try {
            for (String compression : compressions) {
                producers.add(producer(arguments, compression, null));
            }
            for (int i = 0; i < count; i++) {
                int chunk = i / GENERATED_CHUNK;
                KafkaProducer<byte[], byte[]> producer = producers.get(chunk % producers.size());
                int key = random.nextInt(keys);
                boolean isTombstone = tombstoneEvery > 0 && i % tombstoneEvery == tombstoneEvery - 1;
                tombstones += isTombstone ? 1 : 0;
                live.set(key, !isTombstone);
                byte[] value = isTombstone ? null : generatedValue(i, valueSize, random);
                producer.send(
                        new ProducerRecord<>(topic, (prefix + key).getBytes(StandardCharsets.UTF_8), value),
                        (metadata, error) -> {
                            if (error != null) {
                                failure.compareAndSet(null, error);
                            } else {
                                synchronized (perPartition) {
                                    perPartition.merge(metadata.partition(), 1L, Long::sum);
                                }
                            }
                        });
                if (i % GENERATED_CHUNK == GENERATED_CHUNK - 1) {
                    producer.flush();
                }
            }
        } finally {
            producers.forEach(KafkaProducer::close);
        }
        if (failure.get() != null) {
            throw failure.get();
        }
        ObjectNode result = Peer.JSON.createObjectNode()
                .put("records", count)
                .put("tombstones", tombstones)
                .put("liveKeys", live.cardinality())
                .put("milliseconds", (System.nanoTime() - started) / 1_000_000);
        ObjectNode partitions = result.putObject("recordsPerPartition");
        perPartition.forEach((partition, records) -> partitions.put(partition.toString(), records.longValue()));
        return result;
    }

    /** A JSON object of about `size` bytes: words that compress about as well as real data. */
    private static byte[] generatedValue(int sequence, int size, Random random) {
        StringBuilder text = new StringBuilder(size + 8).append("{\"sequence\":").append(sequence).append(",\"text\":\"");
        while (text.length() < size - 2) {
            text.append(Integer.toString(random.nextInt(46_656), 36)).append(' ');
        }
        return text.append("\"}").toString().getBytes(StandardCharsets.UTF_8);
    }

    private static JsonNode transaction(Arguments arguments) throws Exception {
        arguments.allow("bootstrapServers", "config", "topic", "compression", "records", "transactionalId", "outcome");
        String id = arguments.text("transactionalId", "ktables-peer-" + System.nanoTime());
        String outcome = arguments.text("outcome");
        KafkaProducer<byte[], byte[]> producer = producer(arguments, arguments.text("compression", "none"), id);
        boolean staysOpen = false;
        try {
            producer.initTransactions();
            producer.beginTransaction();
            ArrayNode sent = send(producer, arguments);
            if (outcome.equals("open")) {
                OPEN.put(id, producer);
                staysOpen = true;
            } else {
                end(producer, outcome);
            }
            return Peer.JSON.createObjectNode().put("transactionalId", id).set("records", sent);
        } finally {
            if (!staysOpen) {
                producer.close();
            }
        }
    }

    private static JsonNode endTransaction(Arguments arguments) {
        arguments.allow("transactionalId", "outcome");
        String id = arguments.text("transactionalId");
        KafkaProducer<byte[], byte[]> producer = OPEN.remove(id);
        if (producer == null) {
            throw new IllegalArgumentException("no open transaction of " + id);
        }
        try (producer) {
            end(producer, arguments.text("outcome"));
        }
        return Peer.JSON.createObjectNode();
    }

    private static void end(KafkaProducer<byte[], byte[]> producer, String outcome) {
        switch (outcome) {
            case "commit" -> producer.commitTransaction();
            case "abort" -> producer.abortTransaction();
            default -> throw new IllegalArgumentException("outcome " + outcome + ": use commit, abort or open");
        }
    }
}
