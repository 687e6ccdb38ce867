package ktables.peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/** The arguments of a command: an unknown name is refused, so that a misspelt one is noticed. */
final class Arguments {
    private final JsonNode node;

    Arguments(JsonNode node) {
        this.node = node;
    }

    Arguments allow(String... names) {
        List<String> allowed = List.of(names);
        node.fieldNames().forEachRemaining(name -> {
            if (!allowed.contains(name)) {
                throw new IllegalArgumentException("unknown argument " + name + "; known are " + allowed);
            }
        });
        return this;
    }

    boolean has(String name) {
        return node.hasNonNull(name);
    }

    JsonNode json(String name) {
        JsonNode value = node.get(name);
        if (value == null) {
            throw new IllegalArgumentException("argument " + name + " is missing");
        }
        return value;
    }

    String text(String name) {
        JsonNode value = json(name);
        if (!value.isTextual()) {
            throw new IllegalArgumentException("argument " + name + " is no string");
        }
        return value.textValue();
    }

    String text(String name, String fallback) {
        return has(name) ? text(name) : fallback;
    }

    long integer(String name) {
        JsonNode value = json(name);
        if (!value.canConvertToLong() || !value.isIntegralNumber()) {
            throw new IllegalArgumentException("argument " + name + " is no integer");
        }
        return value.longValue();
    }

    long integer(String name, long fallback) {
        return has(name) ? integer(name) : fallback;
    }

    boolean flag(String name) {
        return has(name) && json(name).asBoolean();
    }

    /** A JSON object of strings; absent: empty. */
    Map<String, String> texts(String name) {
        Map<String, String> result = new HashMap<>();
        if (has(name)) {
            json(name).properties().forEach(entry -> result.put(entry.getKey(), entry.getValue().asText()));
        }
        return result;
    }

    List<String> list(String name) {
        List<String> result = new ArrayList<>();
        if (has(name)) {
            json(name).forEach(item -> result.add(item.asText()));
        }
        return result;
    }

    List<Integer> integers(String name) {
        List<Integer> result = new ArrayList<>();
        json(name).forEach(item -> result.add(item.intValue()));
        return result;
    }

    List<Arguments> objects(String name) {
        List<Arguments> result = new ArrayList<>();
        if (has(name)) {
            json(name).forEach(item -> result.add(new Arguments(item)));
        }
        return result;
    }

    /** The bytes of `name` (text) or `nameBase64`; null when neither is there or the one that is there is null. */
    byte[] bytes(String name) {
        if (has(name + "Base64")) {
            return Base64.getDecoder().decode(text(name + "Base64"));
        }
        return has(name) ? text(name).getBytes(StandardCharsets.UTF_8) : null;
    }

    Header[] headers() {
        return objects("headers").stream()
                .map(header -> new RecordHeader(
                        header.allow("key", "value", "valueBase64").text("key"), header.bytes("value")))
                .toArray(Header[]::new);
    }

    static String base64(byte[] bytes) {
        return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
    }

    static String base64(ByteBuffer buffer) {
        if (buffer == null) {
            return null;
        }
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return base64(bytes);
    }

    static void putHeaders(ObjectNode target, Iterable<Header> headers) {
        ArrayNode list = target.putArray("headers");
        for (Header header : headers) {
            list.addObject().put("key", header.key()).put("valueBase64", base64(header.value()));
        }
    }
}
