package ktables.peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Apache Kafka's own client behind JSON lines: a request {"id", "command", "arguments"} on standard input becomes an
 * answer {"id", "result"} or {"id", "error": {"class", "message"}} on standard output. Ends with its standard input.
 */
public final class Peer {
    static final ObjectMapper JSON = new ObjectMapper();

    interface Command {
        JsonNode run(Arguments arguments) throws Exception;
    }

    /** Pure computations: they run in the order of the requests, on the reading thread. */
    private final Map<String, Command> codecCommands = new TreeMap<>();
    /** Commands that talk to brokers: they wait a lot, so each has a thread. */
    private final Map<String, Command> clusterCommands = new TreeMap<>();

    private final ExecutorService executor = Executors.newCachedThreadPool();
    private final OutputStream answers;

    private Peer(OutputStream answers) {
        this.answers = new BufferedOutputStream(answers, 1 << 16);
        MessageCommands.addTo(codecCommands);
        BatchCommands.addTo(codecCommands);
        AdminCommands.addTo(clusterCommands);
        ProducerCommands.addTo(clusterCommands);
        ConsumerCommands.addTo(clusterCommands);
    }

    public static void main(String[] args) throws Exception {
        PrintStream answers = System.out;
        // Nothing but answers may reach standard output, whatever a library prints.
        System.setOut(System.err);
        new Peer(answers).serve();
        System.exit(0);
    }

    private void serve() throws Exception {
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8), 1 << 16);
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            JsonNode request = JSON.readTree(line);
            long id = request.path("id").asLong();
            String name = request.path("command").asText();
            Arguments arguments = new Arguments(request.path("arguments"));
            Command command = clusterCommands.get(name);
            if (command != null) {
                Command found = command;
                executor.execute(() -> answer(id, found, arguments));
            } else {
                answer(id, codecCommands.getOrDefault(name, unknown(name)), arguments);
            }
        }
    }

    private static Command unknown(String name) {
        return arguments -> {
            throw new IllegalArgumentException("there is no command " + name);
        };
    }

    private void answer(long id, Command command, Arguments arguments) {
        ObjectNode answer = JSON.createObjectNode().put("id", id);
        try {
            answer.set("result", command.run(arguments));
        } catch (Throwable failure) {
            Throwable cause = failure;
            // The interesting one is inside: futures and reflection only wrap it.
            while (cause.getCause() != null
                    && (cause instanceof ExecutionException || cause instanceof ReflectiveOperationException)) {
                cause = cause.getCause();
            }
            answer.putObject("error").put("class", cause.getClass().getName()).put("message", cause.getMessage());
        }
        write(answer);
    }

    private void write(ObjectNode answer) {
        try {
            byte[] line = JSON.writeValueAsBytes(answer);
            synchronized (answers) {
                answers.write(line);
                answers.write('\n');
                answers.flush();
            }
        } catch (java.io.IOException failure) {
            // Nobody reads any more.
            Runtime.getRuntime().halt(1);
        }
    }
}
