package ktables.peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.DefaultRecordBatch;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.internals.ByteBufferOutputStream;

/** Record batches, and the partition that a key belongs to. */
final class BatchCommands {
    private BatchCommands() {}

    static void addTo(Map<String, Peer.Command> commands) {
        commands.put("encodeBatch", BatchCommands::encode);
        commands.put("decodeBatch", BatchCommands::decode);
        commands.put("partitionForKey", BatchCommands::partitionForKey);
    }

    private static JsonNode encode(Arguments arguments) {
        arguments.allow(
                "magic", "compression", "baseOffset", "lastOffset", "partitionLeaderEpoch", "timestampType", "logAppendTime",
                "producerId", "producerEpoch", "baseSequence", "isTransactional", "isControl", "deleteHorizonMs", "records",
                "marker", "coordinatorEpoch", "timestamp");
        ByteBuffer bytes = arguments.has("records") && arguments.json("records").isEmpty()
                ? emptyBatch(arguments)
                : build(arguments);
        return Peer.JSON.createObjectNode().put("base64", Arguments.base64(bytes));
    }

    private static TimestampType timestampType(Arguments arguments) {
        return TimestampType.forName(arguments.text("timestampType", "CreateTime"));
    }

    private static ByteBuffer build(Arguments arguments) {
        boolean isMarker = arguments.has("marker");
        long baseOffset = arguments.integer("baseOffset", 0);
        ByteBufferOutputStream output = new ByteBufferOutputStream(1024);
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(
                output,
                (byte) arguments.integer("magic", RecordBatch.CURRENT_MAGIC_VALUE),
                Compression.of(arguments.text("compression", "none")).build(),
                timestampType(arguments),
                baseOffset,
                arguments.integer("logAppendTime", RecordBatch.NO_TIMESTAMP),
                arguments.integer("producerId", RecordBatch.NO_PRODUCER_ID),
                (short) arguments.integer("producerEpoch", RecordBatch.NO_PRODUCER_EPOCH),
                (int) arguments.integer("baseSequence", RecordBatch.NO_SEQUENCE),
                isMarker || arguments.flag("isTransactional"),
                isMarker || arguments.flag("isControl"),
                (int) arguments.integer("partitionLeaderEpoch", RecordBatch.NO_PARTITION_LEADER_EPOCH),
                Integer.MAX_VALUE,
                arguments.integer("deleteHorizonMs", RecordBatch.NO_TIMESTAMP));
        if (isMarker) {
            ControlRecordType type = ControlRecordType.valueOf(arguments.text("marker").toUpperCase(java.util.Locale.ROOT));
            int coordinatorEpoch = (int) arguments.integer("coordinatorEpoch", 0);
            builder.appendEndTxnMarker(arguments.integer("timestamp", 0), new EndTransactionMarker(type, coordinatorEpoch));
        }
        List<Arguments> records = arguments.objects("records");
        for (int i = 0; i < records.size(); i++) {
            Arguments record = records.get(i)
                    .allow("offset", "timestamp", "key", "keyBase64", "value", "valueBase64", "headers");
            builder.appendWithOffset(
                    record.integer("offset", baseOffset + i),
                    record.integer("timestamp", 0),
                    record.bytes("key"),
                    record.bytes("value"),
                    record.headers());
        }
        if (arguments.has("lastOffset")) {
            builder.overrideLastOffset(arguments.integer("lastOffset"));
        }
        return builder.build().buffer();
    }

    /** What the log cleaner leaves of a batch whose records are all gone but whose producer state is still needed. */
    private static ByteBuffer emptyBatch(Arguments arguments) {
        ByteBuffer bytes = ByteBuffer.allocate(DefaultRecordBatch.RECORD_BATCH_OVERHEAD);
        long baseOffset = arguments.integer("baseOffset", 0);
        DefaultRecordBatch.writeEmptyHeader(
                bytes,
                RecordBatch.MAGIC_VALUE_V2,
                arguments.integer("producerId", RecordBatch.NO_PRODUCER_ID),
                (short) arguments.integer("producerEpoch", RecordBatch.NO_PRODUCER_EPOCH),
                (int) arguments.integer("baseSequence", RecordBatch.NO_SEQUENCE),
                baseOffset,
                arguments.integer("lastOffset", baseOffset),
                (int) arguments.integer("partitionLeaderEpoch", RecordBatch.NO_PARTITION_LEADER_EPOCH),
                timestampType(arguments),
                arguments.integer("timestamp", RecordBatch.NO_TIMESTAMP),
                arguments.flag("isTransactional"),
                arguments.flag("isControl"));
        bytes.flip();
        return bytes;
    }

    private static JsonNode decode(Arguments arguments) {
        byte[] bytes = Base64.getDecoder().decode(arguments.allow("base64").text("base64"));
        MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(bytes));
        ObjectNode result = Peer.JSON.createObjectNode();
        ArrayNode batches = result.putArray("batches");
        int remaining = bytes.length;
        for (MutableRecordBatch batch : records.batches()) {
            batch.ensureValid();
            remaining -= batch.sizeInBytes();
            putBatch(batches.addObject(), batch);
        }
        return result.put("remaining", remaining);
    }

    private static void putBatch(ObjectNode target, RecordBatch batch) {
        target.put("magic", batch.magic())
                .put("sizeInBytes", batch.sizeInBytes())
                .put("baseOffset", batch.baseOffset())
                .put("lastOffset", batch.lastOffset())
                .put("nextOffset", batch.nextOffset())
                .put("partitionLeaderEpoch", batch.magic() >= 2 ? batch.partitionLeaderEpoch() : -1)
                .put("crc", batch.checksum())
                .put("compression", batch.compressionType().name)
                .put("timestampType", batch.timestampType().name)
                .put("maxTimestamp", batch.maxTimestamp())
                .put("producerId", batch.producerId())
                .put("producerEpoch", batch.producerEpoch())
                .put("baseSequence", batch.baseSequence())
                .put("isTransactional", batch.isTransactional())
                .put("isControl", batch.isControlBatch());
        if (batch instanceof DefaultRecordBatch current) {
            target.put("baseTimestamp", current.baseTimestamp()).put("recordCount", current.countOrNull());
        }
        if (batch.deleteHorizonMs().isPresent()) {
            target.put("deleteHorizonMs", batch.deleteHorizonMs().getAsLong());
        }
        ArrayNode list = target.putArray("records");
        for (Record record : batch) {
            ObjectNode item = list.addObject()
                    .put("offset", record.offset())
                    .put("sequence", record.sequence())
                    .put("timestamp", record.timestamp())
                    .put("keyBase64", Arguments.base64(record.key()))
                    .put("valueBase64", Arguments.base64(record.value()));
            Arguments.putHeaders(item, List.of(record.headers()));
            if (batch.isControlBatch()) {
                item.put("controlType", ControlRecordType.parse(record.key()).name().toLowerCase(java.util.Locale.ROOT));
            }
        }
    }

    private static JsonNode partitionForKey(Arguments arguments) {
        arguments.allow("key", "keyBase64", "partitions");
        int partition =
                BuiltInPartitioner.partitionForKey(arguments.bytes("key"), (int) arguments.integer("partitions"));
        return Peer.JSON.createObjectNode().put("partition", partition);
    }
}
