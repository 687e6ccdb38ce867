package ktables.peer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.errors.ElectionNotNeededException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** What the Admin client does: topics, configs, partitions, leaders. */
final class AdminCommands {
    private static final long SETTLE_MS = 30_000;

    private AdminCommands() {}

    static void addTo(Map<String, Peer.Command> commands) {
        commands.put("createTopic", AdminCommands::createTopic);
        commands.put("deleteTopic", AdminCommands::deleteTopic);
        commands.put("describeTopic", AdminCommands::describeTopic);
        commands.put("describeCluster", AdminCommands::describeCluster);
        commands.put("describeConfigs", AdminCommands::describeConfigs);
        commands.put("alterConfigs", AdminCommands::alterConfigs);
        commands.put("createPartitions", AdminCommands::createPartitions);
        commands.put("deleteRecords", AdminCommands::deleteRecords);
        commands.put("offsets", AdminCommands::offsets);
        commands.put("moveLeader", AdminCommands::moveLeader);
        commands.put("fenceProducers", AdminCommands::fenceProducers);
        commands.put("restrictTopic", AdminCommands::restrictTopic);
    }

    static Admin admin(Arguments arguments) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", arguments.text("bootstrapServers"));
        // A failure shall arrive as Java's exception before the caller stops waiting for the answer.
        config.put("request.timeout.ms", "10000");
        config.put("default.api.timeout.ms", "30000");
        config.putAll(arguments.texts("config"));
        return Admin.create(config);
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    private static void await(String what, Condition condition) throws Exception {
        long deadline = System.nanoTime() + Duration.ofMillis(SETTLE_MS).toNanos();
        while (!condition.holds()) {
            if (System.nanoTime() > deadline) {
                throw new TimeoutException(what + ": not within " + SETTLE_MS + " ms");
            }
            Thread.sleep(20);
        }
    }

    private static JsonNode createTopic(Arguments arguments) throws Exception {
        arguments.allow("bootstrapServers", "config", "topic", "partitions", "replicationFactor", "configs", "assignments");
        String topic = arguments.text("topic");
        NewTopic newTopic;
        if (arguments.has("assignments")) {
            Map<Integer, List<Integer>> replicas = new HashMap<>();
            JsonNode assignments = arguments.json("assignments");
            for (int partition = 0; partition < assignments.size(); partition++) {
                List<Integer> brokers = new ArrayList<>();
                assignments.get(partition).forEach(broker -> brokers.add(broker.intValue()));
                replicas.put(partition, brokers);
            }
            newTopic = new NewTopic(topic, replicas);
        } else {
            newTopic = new NewTopic(
                    topic, (int) arguments.integer("partitions", 1), (short) arguments.integer("replicationFactor", 1));
        }
        try (Admin admin = admin(arguments)) {
            admin.createTopics(List.of(newTopic.configs(arguments.texts("configs")))).all().get();
            int partitions = newTopic.numPartitions() > 0 ? newTopic.numPartitions() : newTopic.replicasAssignments().size();
            awaitLeaders(admin, topic, partitions);
            return Peer.JSON.createObjectNode().put("topicId", describe(admin, topic).topicId().toString());
        }
    }

    private static TopicDescription describe(Admin admin, String topic) throws Exception {
        return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
    }

    /** A topic is known before its partitions have leaders, and to one broker before the others. */
    private static void awaitLeaders(Admin admin, String topic, int partitions) throws Exception {
        await("every partition of " + topic + " has a leader", () -> {
            try {
                List<TopicPartitionInfo> infos = describe(admin, topic).partitions();
                return infos.size() >= partitions && infos.stream().allMatch(AdminCommands::hasLeader);
            } catch (ExecutionException failure) {
                if (failure.getCause() instanceof UnknownTopicOrPartitionException) {
                    return false;
                }
                throw failure;
            }
        });
    }

    private static boolean hasLeader(TopicPartitionInfo info) {
        return info.leader() != null && !info.leader().isEmpty();
    }

    private static JsonNode deleteTopic(Arguments arguments) throws Exception {
        arguments.allow("bootstrapServers", "config", "topic");
        try (Admin admin = admin(arguments)) {
            admin.deleteTopics(List.of(arguments.text("topic"))).all().get();
            return Peer.JSON.createObjectNode();
        }
    }

    /** With an authorizer that denies what has ACLs for others only: from then on nobody but the principal gets in. */
    private static JsonNode restrictTopic(Arguments arguments) throws Exception {
        arguments.allow("bootstrapServers", "config", "topic", "principal");
        try (Admin admin = admin(arguments)) {
            ResourcePattern topic =
                    new ResourcePattern(ResourceType.TOPIC, arguments.text("topic"), PatternType.LITERAL);
            AccessControlEntry entry = new AccessControlEntry(
                    arguments.text("principal"), "*", AclOperation.ALL, AclPermissionType.ALLOW);
            admin.createAcls(List.of(new AclBinding(topic, entry))).all().get();
            return Peer.JSON.createObjectNode();
        }
    }

    private static JsonNode describeTopic(Arguments arguments) throws Exception {
        arguments.allow("bootstrapServers", "config", "topic");
        try (Admin admin = admin(arguments)) {
            TopicDescription description = describe(admin, arguments.text("topic"));
            ObjectNode result = Peer.JSON.createObjectNode().put("topicId", description.topicId().toString());
            ArrayNode partitions = result.putArray("partitions");
            for (TopicPartitionInfo info : description.partitions()) {
                ObjectNode partition = partitions.addObject()
                        .put("partition", info.partition())
                        .put("leader", hasLeader(info) ? info.leader().id() : -1);
                putIds(partition.putArray("replicas"), info.replicas());
                putIds(partition.putArray("inSyncReplicas"), info.isr());
            }
            return result;
        }
    }

    private static void putIds(ArrayNode target, Collection<Node> nodes) {
        nodes.forEach(node -> target.add(node.id()));
    }

    private static JsonNode describeCluster(Arguments arguments) throws Exception {
        arguments.allow("bootstrapServers", "config");
        try (Admin admin = admin(arguments)) {
            DescribeClusterResult cluster = admin.describeCluster();
            ObjectNode result = Peer.JSON.createObjectNode().put("clusterId", cluster.clusterId().get());
            ArrayNode nodes = result.putArray("nodes");
            for (Node node : cluster.nodes().get()) {
                nodes.addObject().put("id", node.id()).put("host", node.host()).put("port", node.port());
            }
            return result;
        }
    }

    private static ConfigResource resource(Arguments arguments) {
        return arguments.has("broker")
                ? new ConfigResource(ConfigResource.Type.BROKER, Long.toString(arguments.integer("broker")))
                : new ConfigResource(ConfigResource.Type.TOPIC, arguments.text("topic"));
    }

    private static JsonNode describeConfigs(Arguments arguments) throws Exception {
        arguments.allow("bootstrapServers", "config", "topic", "broker");
        ConfigResource resource = resource(arguments);
        try (Admin admin = admin(arguments)) {
            ObjectNode result = Peer.JSON.createObjectNode();
            for (ConfigEntry entry : admin.describeConfigs(List.of(resource)).all().get().get(resource).entries()) {
                result.putObject(entry.name())
                        .put("value", entry.value())
                        .put("source", entry.source().name())
                        .put("isSensitive", entry.isSensitive())
                        .put("isReadOnly", entry.isReadOnly());
            }
            return result;
        }
    }

    private static JsonNode alterConfigs(Arguments arguments) throws Exception {
        arguments.allow("bootstrapServers", "config", "topic", "broker", "set", "delete");
        List<AlterConfigOp> operations = new ArrayList<>();
        arguments.texts("set").forEach((name, value) ->
                operations.add(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET)));
        arguments.list("delete").forEach(name ->
                operations.add(new AlterConfigOp(new ConfigEntry(name, null), AlterConfigOp.OpType.DELETE)));
        try (Admin admin = admin(arguments)) {
            admin.incrementalAlterConfigs(Map.of(resource(arguments), operations)).all().get();
            return Peer.JSON.createObjectNode();
        }
    }

    private static JsonNode createPartitions(Arguments arguments) throws Exception {
        arguments.allow("bootstrapServers", "config", "topic", "total");
        String topic = arguments.text("topic");
        int total = (int) arguments.integer("total");
        try (Admin admin = admin(arguments)) {
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(total))).all().get();
            awaitLeaders(admin, topic, total);
            return Peer.JSON.createObjectNode();
        }
    }

    private static JsonNode deleteRecords(Arguments arguments) throws Exception {
        arguments.allow("bootstrapServers", "config", "topic", "beforeOffsets");
        Map<TopicPartition, RecordsToDelete> before = new HashMap<>();
        for (Map.Entry<String, JsonNode> entry : arguments.json("beforeOffsets").properties()) {
            before.put(
                    new TopicPartition(arguments.text("topic"), Integer.parseInt(entry.getKey())),
                    RecordsToDelete.beforeOffset(entry.getValue().longValue()));
        }
        try (Admin admin = admin(arguments)) {
            ObjectNode result = Peer.JSON.createObjectNode();
            ObjectNode starts = result.putObject("startOffsets");
            for (var entry : admin.deleteRecords(before).lowWatermarks().entrySet()) {
                starts.put(Integer.toString(entry.getKey().partition()), entry.getValue().get().lowWatermark());
            }
            return result;
        }
    }

    private static JsonNode offsets(Arguments arguments) throws Exception {
        arguments.allow("bootstrapServers", "config", "topic", "isolation");
        IsolationLevel isolation = arguments.text("isolation", "read_uncommitted").equals("read_committed")
                ? IsolationLevel.READ_COMMITTED
                : IsolationLevel.READ_UNCOMMITTED;
        String topic = arguments.text("topic");
        try (Admin admin = admin(arguments)) {
            int partitions = describe(admin, topic).partitions().size();
            ObjectNode result = Peer.JSON.createObjectNode();
            result.set("start", offsets(admin, topic, partitions, OffsetSpec.earliest(), isolation));
            result.set("end", offsets(admin, topic, partitions, OffsetSpec.latest(), isolation));
            return result;
        }
    }

    private static ObjectNode offsets(
            Admin admin, String topic, int partitions, OffsetSpec spec, IsolationLevel isolation) throws Exception {
        Map<TopicPartition, OffsetSpec> wanted = new HashMap<>();
        for (int partition = 0; partition < partitions; partition++) {
            wanted.put(new TopicPartition(topic, partition), spec);
        }
        Map<Integer, Long> found = new TreeMap<>();
        admin.listOffsets(wanted, new ListOffsetsOptions(isolation)).all().get()
                .forEach((partition, info) -> found.put(partition.partition(), info.offset()));
        ObjectNode result = Peer.JSON.createObjectNode();
        found.forEach((partition, offset) -> result.put(partition.toString(), offset.longValue()));
        return result;
    }

    /** Reassigns to the replicas in the given order and elects the first of them: the leader epoch grows by one. */
    private static JsonNode moveLeader(Arguments arguments) throws Exception {
        arguments.allow("bootstrapServers", "config", "topic", "partition", "replicas");
        TopicPartition partition =
                new TopicPartition(arguments.text("topic"), (int) arguments.integer("partition", 0));
        List<Integer> replicas = arguments.integers("replicas");
        try (Admin admin = admin(arguments)) {
            admin.alterPartitionReassignments(Map.of(partition, Optional.of(new NewPartitionReassignment(replicas))))
                    .all().get();
            await("the reassignment of " + partition + " is done", () -> admin.listPartitionReassignments(Set.of(partition))
                    .reassignments().get().isEmpty());
            await(replicas.get(0) + " leads " + partition, () -> {
                try {
                    admin.electLeaders(ElectionType.PREFERRED, Set.of(partition)).all().get();
                } catch (ExecutionException failure) {
                    if (!(failure.getCause() instanceof ElectionNotNeededException)) {
                        throw failure;
                    }
                }
                TopicPartitionInfo info = describe(admin, partition.topic()).partitions().get(partition.partition());
                return hasLeader(info) && info.leader().id() == replicas.get(0);
            });
            return Peer.JSON.createObjectNode();
        }
    }

    private static JsonNode fenceProducers(Arguments arguments) throws Exception {
        arguments.allow("bootstrapServers", "config", "transactionalId");
        try (Admin admin = admin(arguments)) {
            admin.fenceProducers(List.of(arguments.text("transactionalId"))).all().get();
            return Peer.JSON.createObjectNode();
        }
    }
}
