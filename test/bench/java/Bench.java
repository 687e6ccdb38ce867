package ktables.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.stream.DoubleStream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Measures Kafka's own clients in Java, in a process of its own, as test/bench/programs/main.ts does for clients in
 * JavaScript: {@code Bench <consumer or streams> <task as JSON>}.
 */
public final class Bench {
    static final ObjectMapper JSON = new ObjectMapper();

    private final String client;
    private final JsonNode task;

    private Bench(String client, JsonNode task) {
        this.client = client;
        this.task = task;
    }

    public static void main(String[] args) throws Exception {
        new Bench(args[0], JSON.readTree(args[1])).run();
        System.out.flush();
        // Without the pauses of an orderly end.
        Runtime.getRuntime().halt(0);
    }

    private void run() throws Exception {
        String bench = task.get("bench").asText();
        switch (bench) {
            case "catch-up" -> catchUp();
            case "writes" -> writes();
            case "sequential-writes" -> sequentialWrites();
            case "barrier" -> barrier();
            case "propagation" -> propagation();
            case "idle" -> idle();
            default -> throw new IllegalArgumentException("there is no bench " + bench);
        }
    }

    /** Returns when everything is there that was in the topic at the call. */
    private Table open(Consumer<byte[]> onSet) throws Exception {
        return client.equals("streams") ? new StreamsTable(task) : new ConsumerTable(task, onSet);
    }

    private int count() {
        return task.get("count").asInt();
    }

    private void catchUp() throws Exception {
        double before = memory("VmRSS");
        long started = System.nanoTime();
        Table table = open(null);
        double seconds = (System.nanoTime() - started) / 1e9;
        double peak = memory("VmHWM");
        System.gc();
        double rest = memory("VmRSS") - before;
        Map<String, byte[]> contents = table.contents();
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        List<String> keys = new ArrayList<>(contents.keySet());
        Collections.sort(keys);
        for (String key : keys) {
            digest.update(key.getBytes(StandardCharsets.UTF_8));
            digest.update((byte) '\n');
            digest.update(contents.get(key));
            digest.update((byte) '\n');
        }
        ObjectNode result = report("seconds", seconds, "peak", peak, "rest", rest);
        result.putObject("contents")
                .put("keys", keys.size())
                .put("digest", HexFormat.of().formatHex(digest.digest()));
        System.out.println(result);
    }

    /** Name, value, name, value. */
    private static ObjectNode report(Object... namesAndValues) {
        ObjectNode result = JSON.createObjectNode();
        ObjectNode figures = result.putObject("figures");
        for (int i = 0; i < namesAndValues.length; i += 2) {
            figures.put((String) namesAndValues[i], (double) namesAndValues[i + 1]);
        }
        return result;
    }

    /** Bytes, from what Linux counts of this process. */
    private static double memory(String field) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith(field + ":")) {
                return 1024 * Double.parseDouble(line.split("\\s+")[1]);
            }
        }
        return Double.NaN;
    }

    private KafkaProducer<String, String> producer(Map<String, Object> further) {
        Map<String, Object> config = new java.util.HashMap<>(further);
        config.put("bootstrap.servers", task.get("bootstrapServers").asText());
        return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
    }

    private List<ProducerRecord<String, String>> entries() throws IOException {
        List<String> lines = Files.readAllLines(Path.of(task.get("entries").asText()));
        List<ProducerRecord<String, String>> records = new ArrayList<>();
        for (int i = 0; i + 1 < lines.size(); i += 2) {
            records.add(new ProducerRecord<>(task.get("topic").asText(), lines.get(i), lines.get(i + 1)));
        }
        return records;
    }

    /** Each record is acknowledged by itself, with 10 000 on their way, the first two times to warm up. */
    private void writes() throws Exception {
        List<ProducerRecord<String, String>> records = entries();
        KafkaProducer<String, String> producer = producer(Map.of("batch.size", 1_000_000));
        writeAll(producer, records);
        writeAll(producer, records);
        long started = System.nanoTime();
        writeAll(producer, records);
        System.out.println(report("seconds", (System.nanoTime() - started) / 1e9));
    }

    private static void writeAll(KafkaProducer<String, String> producer, List<ProducerRecord<String, String>> records)
            throws InterruptedException {
        java.util.concurrent.Semaphore room = new java.util.concurrent.Semaphore(10_000);
        for (ProducerRecord<String, String> record : records) {
            room.acquire();
            producer.send(record, (metadata, error) -> {
                orEnd(error);
                room.release();
            });
        }
        room.acquire(10_000);
    }

    static void orEnd(Exception error) {
        if (error != null) {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    /** Nothing is gathered, since nobody writes beside. */
    private void sequentialWrites() throws Exception {
        List<ProducerRecord<String, String>> records = entries();
        KafkaProducer<String, String> producer = producer(Map.of("linger.ms", 0));
        latencies(records.size(), index -> {
            try {
                producer.send(records.get(index)).get();
            } catch (Exception error) {
                orEnd(error);
            }
        });
    }

    private void barrier() throws Exception {
        Table table = open(null);
        latencies(count(), index -> table.barrier());
    }

    private void latencies(int count, IntConsumer once) {
        double[] taken = new double[count];
        for (int index = -count / 10; index < count; index++) {
            long started = System.nanoTime();
            once.accept(Math.max(index, 0));
            if (index >= 0) {
                taken[index] = (System.nanoTime() - started) / 1e6;
            }
        }
        reportPercentiles(DoubleStream.of(taken).boxed().toList());
    }

    private static void reportPercentiles(List<Double> values) {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        System.out.println(report("p50", sorted[(int) (sorted.length * 0.5)], "p99", sorted[(int) (sorted.length * 0.99)]));
    }

    private void propagation() throws Exception {
        int count = count();
        List<Double> taken = new ArrayList<>();
        Semaphore done = new Semaphore(0);
        boolean[] counting = new boolean[1];
        open(value -> {
            synchronized (taken) {
                if (!counting[0]) {
                    return;
                }
                long written = Long.parseLong(new String(Arrays.copyOf(value, 16), StandardCharsets.US_ASCII));
                taken.add((ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now()) - written) / 1000.0);
                if (taken.size() == count) {
                    counting[0] = false;
                    done.release();
                }
            }
        });
        Thread.sleep(task.get("warmUpMs").asLong());
        for (int window = task.get("windows").asInt(); window > 0; window--) {
            synchronized (taken) {
                taken.clear();
                counting[0] = true;
            }
            done.acquire();
            reportPercentiles(taken);
        }
    }

    private void idle() throws Exception {
        open(null);
        Thread.sleep(2000);
        var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long before = system.getProcessCpuTime();
        long started = System.nanoTime();
        Thread.sleep(count());
        double share = (double) (system.getProcessCpuTime() - before) / (System.nanoTime() - started);
        System.out.println(report("percent", share * 100));
    }
}
