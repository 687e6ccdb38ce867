/** What makes a broker small, quick to start and quick to fail over; unknown properties are ignored by old versions. */
export function commonConfig(nodes: number): Record<string, string> {
  const replicas = String(nodes);
  const minimumInSync = nodes === 1 ? "1" : "2";
  return {
    "offsets.topic.replication.factor": replicas,
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": replicas,
    "transaction.state.log.min.isr": minimumInSync,
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": replicas,
    "share.coordinator.state.topic.min.isr": minimumInSync,
    "share.coordinator.state.topic.num.partitions": "1",
    "min.insync.replicas": minimumInSync,
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    // The default is false before 1.0.
    "delete.topic.enable": "true",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "background.threads": "2",
    "unclean.leader.election.enable": "false",
    // A killed broker is noticed after a second instead of nine, and may come back as soon.
    "broker.session.timeout.ms": "1000",
    "broker.heartbeat.interval.ms": "200",
    "zookeeper.session.timeout.ms": "3000",
    "replica.lag.time.max.ms": "2000",
    "leader.imbalance.check.interval.seconds": "5",
    // The log cleaner looks for work ten times a second: the default of 15 s is the wait that tests would feel.
    "log.cleaner.backoff.ms": "100",
    "log.cleaner.threads": "1",
    "log.cleaner.dedupe.buffer.size": "8388608",
    // 0.11 does not start with 0: it uses this as a period too.
    "log.segment.delete.delay.ms": "1",
    "log.retention.check.interval.ms": "500",
    // Records of tests carry timestamps such as 1234: by default they would be a week too old and gone in half a second.
    "log.retention.ms": "-1",
    "log.initial.task.delay.ms": "200",
  };
}

/** A node that is a controller if it is among the controllers, and a broker if it has a port for clients. */
export function kraftConfig(
  id: number,
  port: number | undefined,
  controllers: ReadonlyMap<number, number>,
  furtherListeners: readonly { readonly name: string; readonly protocol: string; readonly port: number }[] = [],
): Record<string, string> {
  const isBroker = port !== undefined;
  const isController = controllers.has(id);
  const listeners = [
    ...(isBroker ? [`PLAINTEXT://127.0.0.1:${port}`] : []),
    ...(isController ? [`CONTROLLER://127.0.0.1:${controllers.get(id)}`] : []),
    ...furtherListeners.map((listener) => `${listener.name}://127.0.0.1:${listener.port}`),
  ];
  const protocols = [
    "PLAINTEXT:PLAINTEXT",
    "CONTROLLER:PLAINTEXT",
    ...furtherListeners.map(({ name, protocol }) => `${name}:${protocol}`),
  ];
  const voters = [...controllers].map(([voter, voterPort]) => `${voter}@127.0.0.1:${voterPort}`);
  return {
    "process.roles": [...(isBroker ? ["broker"] : []), ...(isController ? ["controller"] : [])].join(","),
    "node.id": String(id),
    "controller.quorum.voters": voters.join(","),
    listeners: listeners.join(","),
    "controller.listener.names": "CONTROLLER",
    ...(isBroker ? { "inter.broker.listener.name": "PLAINTEXT" } : {}),
    "listener.security.protocol.map": protocols.join(","),
  };
}

export function zookeeperConfig(id: number, port: number, zookeeperPort: number): Record<string, string> {
  return {
    "broker.id": String(id),
    "zookeeper.connect": `127.0.0.1:${zookeeperPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port}`,
  };
}

export function propertiesText(config: Readonly<Record<string, string>>): string {
  return Object.entries(config)
    .map(([key, value]) => `${key}=${value.replaceAll("\\", "\\\\")}\n`)
    .join("");
}
