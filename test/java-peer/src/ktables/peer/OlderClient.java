package ktables.peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The messages of an older release of the client, which still has the versions that Kafka 4 removed. Its classes live
 * beside those of the peer's own release, so they are reached by reflection only. Tried with 3.9.2.
 */
final class OlderClient {
    private static final Map<String, OlderClient> CLIENTS = new ConcurrentHashMap<>();

    private final Loader loader;

    private OlderClient(Loader loader) {
        this.loader = loader;
    }

    static OlderClient of(String jar) {
        return CLIENTS.computeIfAbsent(jar, path -> {
            try {
                return new OlderClient(new Loader(Path.of(path).toUri().toURL()));
            } catch (java.net.MalformedURLException exception) {
                throw new IllegalArgumentException(exception);
            }
        });
    }

    ByteBuffer encode(String name, short version, JsonNode json) throws Exception {
        Object message = call(type("message." + name + "DataJsonConverter")
                .getMethod("read", JsonNode.class, short.class), null, json, version);
        return (ByteBuffer) call(type("protocol.MessageUtil")
                .getMethod("toByteBuffer", type("protocol.Message"), short.class), null, message, version);
    }

    JsonNode decode(String name, short version, ByteBuffer bytes) throws Exception {
        Class<?> type = type("message." + name + "Data");
        Object accessor = type("protocol.ByteBufferAccessor").getConstructor(ByteBuffer.class).newInstance(bytes);
        Object message = type.getConstructor(type("protocol.Readable"), short.class).newInstance(accessor, version);
        return (JsonNode) call(type("message." + name + "DataJsonConverter")
                .getMethod("write", type, short.class), null, message, version);
    }

    String definition(String path) throws Exception {
        URL resource = loader.findResource(path);
        if (resource == null) {
            throw new IllegalArgumentException("the older client has no " + path);
        }
        try (InputStream stream = resource.openStream()) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    ObjectNode describeApi(String name) throws Exception {
        Class<?> type = type("message.ApiMessageType");
        for (Object api : type.getEnumConstants()) {
            if (!type.getField("name").get(api).equals(name)) {
                continue;
            }
            short lowest = (short) call(type.getMethod("lowestSupportedVersion"), api);
            short highest = (short) call(type.getMethod("highestSupportedVersion", boolean.class), api, true);
            ObjectNode result = Peer.JSON.createObjectNode()
                    .put("apiKey", (short) call(type.getMethod("apiKey"), api))
                    .put("lowestVersion", lowest)
                    .put("highestVersion", highest);
            ObjectNode request = result.putObject("requestHeaderVersions");
            ObjectNode response = result.putObject("responseHeaderVersions");
            for (short version = lowest; version <= highest; version++) {
                request.put(Short.toString(version), (short) header(type, api, "requestHeaderVersion", version));
                response.put(Short.toString(version), (short) header(type, api, "responseHeaderVersion", version));
            }
            return result;
        }
        throw new IllegalArgumentException("the older client knows no API " + name);
    }

    private static Object header(Class<?> type, Object api, String method, short version) throws Exception {
        return call(type.getMethod(method, short.class), api, version);
    }

    private Class<?> type(String name) throws ClassNotFoundException {
        return loader.loadClass(Loader.KAFKA + "common." + name);
    }

    /** Lets through what the method has thrown. */
    private static Object call(java.lang.reflect.Method method, Object target, Object... arguments) throws Exception {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException exception) {
            if (exception.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw exception;
        }
    }

    /** Takes Kafka's classes from the jar, and all others, such as the JSON library's, from the peer. */
    private static final class Loader extends URLClassLoader {
        static final String KAFKA = "org.apache.kafka.";

        Loader(URL jar) {
            super(new URL[] {jar}, OlderClient.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (!name.startsWith(KAFKA)) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                return loaded == null ? findClass(name) : loaded;
            }
        }
    }
}
