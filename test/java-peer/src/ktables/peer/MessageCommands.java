package ktables.peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import org.apache.kafka.common.errors.InvalidMetadataException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.record.internal.BaseRecords;
import org.apache.kafka.common.record.internal.MemoryRecords;

/** Requests, responses and headers by their name in Kafka's definitions, such as FetchRequest. */
final class MessageCommands {
    private static final String MESSAGES = "org.apache.kafka.common.message.";

    private MessageCommands() {}

    static void addTo(Map<String, Peer.Command> commands) {
        commands.put("encodeMessage", MessageCommands::encode);
        commands.put("decodeMessage", MessageCommands::decode);
        commands.put("messageDefinition", MessageCommands::definition);
        commands.put("messageSchema", MessageCommands::schema);
        commands.put("describeApi", MessageCommands::describeApi);
        commands.put("errors", MessageCommands::errors);
    }

    private static Class<?> data(String name) throws ClassNotFoundException {
        return Class.forName(MESSAGES + name + "Data");
    }

    private static OlderClient older(Arguments arguments) {
        return OlderClient.of(arguments.text("clientJar"));
    }

    private static JsonNode encode(Arguments arguments) throws Exception {
        arguments.allow("name", "version", "json", "clientJar");
        short version = (short) arguments.integer("version");
        if (arguments.has("clientJar")) {
            ByteBuffer bytes = older(arguments).encode(arguments.text("name"), version, arguments.json("json"));
            return Peer.JSON.createObjectNode().put("base64", Arguments.base64(bytes));
        }
        Class<?> converter = Class.forName(MESSAGES + arguments.text("name") + "DataJsonConverter");
        ApiMessage message = (ApiMessage)
                converter.getMethod("read", JsonNode.class, short.class).invoke(null, arguments.json("json"), version);
        ByteBuffer bytes = MessageUtil.toByteBufferAccessor(message, version).buffer();
        return Peer.JSON.createObjectNode().put("base64", Arguments.base64(bytes));
    }

    private static JsonNode decode(Arguments arguments) throws Exception {
        arguments.allow("name", "version", "base64", "clientJar");
        String name = arguments.text("name");
        short version = (short) arguments.integer("version");
        ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(arguments.text("base64")));
        if (arguments.has("clientJar")) {
            ObjectNode result = Peer.JSON.createObjectNode();
            result.set("json", older(arguments).decode(name, version, bytes));
            return result.put("remaining", bytes.remaining());
        }
        Class<?> type = data(name);
        Object message = type.getConstructor(Readable.class, short.class).newInstance(new ByteBufferAccessor(bytes), version);
        Class<?> converter = Class.forName(MESSAGES + name + "DataJsonConverter");
        JsonNode json = (JsonNode) converter.getMethod("write", type, short.class).invoke(null, message, version);
        if (message instanceof FetchResponseData response) {
            putFetchedRecords((ObjectNode) json, response);
        } else if (message instanceof ProduceRequestData request) {
            putProducedRecords((ObjectNode) json, request);
        }
        ObjectNode result = Peer.JSON.createObjectNode();
        result.set("json", json);
        return result.put("remaining", bytes.remaining());
    }

    /** The converter writes an empty string where records are: the real ones are put in its place. */
    private static void putFetchedRecords(ObjectNode json, FetchResponseData response) {
        for (int i = 0; i < response.responses().size(); i++) {
            var partitions = response.responses().get(i).partitions();
            for (int j = 0; j < partitions.size(); j++) {
                JsonNode partition = json.get("responses").get(i).get("partitions").get(j);
                ((ObjectNode) partition).put("records", recordsBase64(partitions.get(j).records()));
            }
        }
    }

    private static void putProducedRecords(ObjectNode json, ProduceRequestData request) {
        int i = 0;
        for (var topic : request.topicData()) {
            JsonNode partitions = json.get("topicData").get(i++).get("partitionData");
            for (int j = 0; j < topic.partitionData().size(); j++) {
                ObjectNode partition = (ObjectNode) partitions.get(j);
                partition.put("records", recordsBase64(topic.partitionData().get(j).records()));
            }
        }
    }

    private static String recordsBase64(BaseRecords records) {
        return records == null ? null : Arguments.base64(((MemoryRecords) records).buffer());
    }

    /** The definition as the client's jar carries it, comments included. */
    private static JsonNode definition(Arguments arguments) throws Exception {
        String path = "/common/message/" + arguments.allow("name", "clientJar").text("name") + ".json";
        if (arguments.has("clientJar")) {
            return Peer.JSON.createObjectNode().put("text", older(arguments).definition(path.substring(1)));
        }
        try (InputStream stream = MessageCommands.class.getResourceAsStream(path)) {
            if (stream == null) {
                throw new IllegalArgumentException("the client has no " + path);
            }
            return Peer.JSON.createObjectNode().put("text", new String(stream.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    /** The schema that the client uses for one version; field names are the snake_case ones of that table. */
    private static JsonNode schema(Arguments arguments) throws Exception {
        arguments.allow("name", "version");
        Class<?> type = data(arguments.text("name"));
        int lowest = type.getField("LOWEST_SUPPORTED_VERSION").getShort(null);
        int highest = type.getField("HIGHEST_SUPPORTED_VERSION").getShort(null);
        int version = (int) arguments.integer("version", highest);
        if (version < lowest || version > highest) {
            throw new IllegalArgumentException("versions are " + lowest + " to " + highest);
        }
        Schema[] schemas = (Schema[]) type.getField("SCHEMAS").get(null);
        ObjectNode result = Peer.JSON.createObjectNode().put("lowestVersion", lowest).put("highestVersion", highest);
        result.set("fields", fields(schemas[version]));
        return result;
    }

    private static JsonNode describeApi(Arguments arguments) throws Exception {
        String name = arguments.allow("name", "clientJar").text("name");
        if (arguments.has("clientJar")) {
            return older(arguments).describeApi(name);
        }
        for (ApiMessageType api : ApiMessageType.values()) {
            if (api.name.equals(name)) {
                short highest = api.highestSupportedVersion(true);
                ObjectNode result = Peer.JSON.createObjectNode()
                        .put("apiKey", api.apiKey())
                        .put("lowestVersion", api.lowestSupportedVersion())
                        .put("highestVersion", highest);
                ObjectNode request = result.putObject("requestHeaderVersions");
                ObjectNode response = result.putObject("responseHeaderVersions");
                for (short version = api.lowestSupportedVersion(); version <= highest; version++) {
                    request.put(Short.toString(version), api.requestHeaderVersion(version));
                    response.put(Short.toString(version), api.responseHeaderVersion(version));
                }
                return result;
            }
        }
        throw new IllegalArgumentException("the client knows no API " + name);
    }

    private static JsonNode errors(Arguments arguments) {
        arguments.allow();
        ArrayNode result = Peer.JSON.createArrayNode();
        for (Errors error : Errors.values()) {
            result.addObject()
                    .put("code", error.code())
                    .put("name", error.name())
                    .put("retriable", error.exception() instanceof RetriableException)
                    .put("refreshMetadata", error.exception() instanceof InvalidMetadataException);
        }
        return result;
    }

    private static ArrayNode fields(Schema schema) {
        ArrayNode result = Peer.JSON.createArrayNode();
        for (BoundField bound : schema.fields()) {
            if (bound.def.type instanceof TaggedFields tagged) {
                tagged.fields().forEach((tag, field) -> result.add(field(field).put("tag", tag.intValue())));
                result.addObject().put("name", bound.def.name).put("type", "TAGGED_FIELDS");
            } else {
                result.add(field(bound.def));
            }
        }
        return result;
    }

    private static ObjectNode field(Field field) {
        ObjectNode result = Peer.JSON.createObjectNode().put("name", field.name);
        describe(result, field.type);
        return result;
    }

    private static void describe(ObjectNode target, Type type) {
        target.put("nullable", type.isNullable());
        if (type.isArray()) {
            target.put("type", ((Type.DocumentedType) type).typeName());
            describe(target.putObject("element"), type.arrayElementType().orElseThrow());
        } else if (type instanceof Schema schema) {
            target.put("type", "STRUCT");
            target.set("fields", fields(schema));
        } else {
            target.put("type", ((Type.DocumentedType) type).typeName());
        }
    }
}
