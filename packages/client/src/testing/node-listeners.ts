import type { ClusterNode } from "./cluster.ts";
import { BrokerConnection } from "./connection.ts";
import type { Outcome } from "./dispatch.ts";
import { type Listener, listen, type ServerStream } from "./listener.ts";

const keptErrors = 100;

/** What carries out the requests of one connection. */
type Serve = (frame: Uint8Array, signal: AbortSignal) => Promise<Outcome>;

/** The ports that nodes listen on, and all connections to them. */
export class NodeListeners {
  readonly #serverFor: (node: ClusterNode) => Serve;
  readonly #listeners = new Map<number, Listener>();
  readonly #connections = new Set<BrokerConnection>();
  readonly #errors: Error[] = [];
  #closed = false;

  /** `serverFor` is asked at each new connection to a node. */
  constructor(serverFor: (node: ClusterNode) => Serve) {
    this.#serverFor = serverFor;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Why connections were cut by this side, the latest 100. */
  get errors(): readonly Error[] {
    return [...this.#errors];
  }

  /** Resolves when the node accepts connections: on its port, or on a free one where somebody else has taken that. */
  async open(node: ClusterNode): Promise<void> {
    const onStream = (stream: ServerStream): BrokerConnection => {
      const connection = new BrokerConnection(stream, this.#serverFor(node), (error) => this.#note(error));
      this.#connections.add(connection);
      void connection.ended.then(() => this.#connections.delete(connection));
      return connection;
    };
    const listener = await listen(node.port, onStream).catch((error: unknown) => {
      if (node.port === 0) throw error;
      return listen(0, onStream);
    });
    if (this.#closed) {
      await listener.close();
      return;
    }
    node.port = listener.port;
    this.#listeners.set(node.id, listener);
  }

  /** Cuts all connections to the node and frees its port. */
  async close(node: ClusterNode): Promise<void> {
    const listener = this.#listeners.get(node.id);
    this.#listeners.delete(node.id);
    await listener?.close();
  }

  /** Resolves when no request is being carried out any more; for good. Safe to call again. */
  async closeAll(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()));
    await Promise.all([...this.#connections].map((connection) => connection.ended));
  }

  #note(error: Error): void {
    this.#errors.push(error);
    if (this.#errors.length > keptErrors) this.#errors.shift();
  }
}
