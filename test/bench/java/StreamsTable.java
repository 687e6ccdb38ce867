package ktables.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.ReadOnlyKeyValueStore;
import org.apache.kafka.streams.state.Stores;

/** A GlobalKTable in memory, without logging or caching; its values stay bytes. */
final class StreamsTable implements Table {
    private final ReadOnlyKeyValueStore<String, byte[]> store;

    StreamsTable(JsonNode task) throws Exception {
        Path state = Path.of(task.get("directory").asText());
        Properties config = new Properties();
        config.put("bootstrap.servers", task.get("bootstrapServers").asText());
        config.put("application.id", "bench-" + ProcessHandle.current().pid());
        config.put("state.dir", state.toString());
        config.put("statestore.cache.max.bytes", 0);
        ConsumerTable.FETCHES.forEach((name, value) -> config.put("global.consumer." + name, value));
        StreamsBuilder builder = new StreamsBuilder();
        builder.globalTable(
                task.get("topic").asText(),
                Consumed.with(Serdes.String(), Serdes.ByteArray()),
                Materialized.<String, byte[]>as(Stores.inMemoryKeyValueStore("table")).withCachingDisabled().withLoggingDisabled());
        KafkaStreams streams = new KafkaStreams(builder.build(), config);
        // Returns when global tables have caught up.
        streams.start();
        while (streams.state() != KafkaStreams.State.RUNNING) {
            Thread.sleep(1);
        }
        store = streams.store(StoreQueryParameters.fromNameAndType("table", QueryableStoreTypes.keyValueStore()));
    }

    @Override
    public Map<String, byte[]> contents() {
        Map<String, byte[]> contents = new HashMap<>();
        try (KeyValueIterator<String, byte[]> all = store.all()) {
            all.forEachRemaining(entry -> contents.put(entry.key, entry.value));
        }
        return contents;
    }

    @Override
    public void barrier() {
        throw new UnsupportedOperationException("a GlobalKTable tells no position");
    }
}
