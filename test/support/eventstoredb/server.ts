import featuresGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { Server, ServerCredentials, type ServiceError } from '@grpc/grpc-js';
import { append, batchAppend } from './appending.ts';
import { createDatabase, type Database } from './database.ts';
import { softDelete, tombstone } from './deleting.ts';
import { type End, ends } from './errors.ts';
import { type Faults, noFaults } from './faults.ts';
import { read } from './reading.ts';

/**
 * A stand-in for EventStoreDB, for tests only: it speaks the wire protocol as one node without TLS does, keeps
 * everything in memory, and lets tests do to it what befalls a real server. It is no database.
 */
export interface StandIn {
  /** For LEDGER_URL. */
  readonly url: string;
  readonly database: Database;
  /** What befalls calls from now on; tests change it at any time. */
  faults: Faults;
  /** How many subscriptions are open. */
  subscriptions(): number;
  /** Ends every subscription that is open. */
  endSubscriptions(end: End): void;
  /** Lets nothing through until `thaw`; connections stay. */
  freeze(): void;
  thaw(): void;
  /** Drops every connection, as a process that is killed does, and refuses new ones until `start`. */
  kill(): Promise<void>;
  /** Listens again at the same port with the same data; which ids it saw last is forgotten. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** What the calls share. */
export interface State {
  readonly database: Database;
  readonly host: string;
  port(): number;
  readonly faults: Faults;
  /** Appends that are being committed. */
  readonly underWay: Set<string>;
  readonly subscribers: Set<(error: Error | null) => void>;
  frozen(): boolean;
  /** Resolves at once, or when the stand-in thaws. */
  awake(): Promise<void>;
  /** Counts an open call, so that a stop need not wait for it; what it returns says that it ended. */
  opened(call: object): () => void;
}

const host = '127.0.0.1';
const version = '23.10.6.0';
const messageBytesMax = 17 * 1024 * 1024;

export async function startStandIn({ port = 0 }: { readonly port?: number } = {}): Promise<StandIn> {
  const database = createDatabase();
  const underWay = new Set<string>();
  const subscribers = new Set<(error: Error | null) => void>();
  const open = new Set<object>();
  let faults = noFaults();
  let frozen: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null;
  let bound = port;
  let server = await listen();

  async function listen(): Promise<Server> {
    const listening = new Server({
      'grpc.max_receive_message_length': messageBytesMax,
      'grpc.max_send_message_length': messageBytesMax,
    });
    const state: State = {
      database,
      host,
      port: () => bound,
      get faults() {
        return faults;
      },
      underWay,
      subscribers,
      frozen: () => frozen !== null,
      awake: async () => frozen?.promise,
      opened(call) {
        open.add(call);
        return () => open.delete(call);
      },
    };
    listening.addService(streamsGrpc.StreamsService, {
      read: guarded(read(state)),
      append: guarded(append(state)),
      batchAppend: guarded(batchAppend(state)),
      delete: softDelete(state),
      tombstone: tombstone(state),
    });
    listening.addService(featuresGrpc.ServerFeaturesService, {
      getSupportedMethods(_: unknown, callback: (error: ServiceError | null, methods: object) => void) {
        void state.awake().then(() => callback(faults.abilities(), supportedMethods()));
      },
    });
    bound = await new Promise<number>((resolve, reject) => {
      listening.bindAsync(`${host}:${bound}`, ServerCredentials.createInsecure(), (error, listened) =>
        error === null ? resolve(listened) : reject(error),
      );
    });
    return listening;
  }

  /** Ends a call at once where that is to befall it. */
  function guarded<Call extends { emit(event: 'error', error: Error): boolean }, Rest extends unknown[]>(
    handle: (call: Call, ...rest: Rest) => void,
  ): (call: Call, ...rest: Rest) => void {
    return (call, ...rest) => {
      const error = faults.call();
      if (error === null) handle(call, ...rest);
      else call.emit('error', error);
    };
  }

  const standIn: StandIn = {
    get url() {
      return `esdb://${host}:${bound}?tls=false`;
    },
    database,
    get faults() {
      return faults;
    },
    set faults(changed) {
      faults = changed;
    },
    subscriptions: () => subscribers.size,
    endSubscriptions(end) {
      for (const subscriber of [...subscribers]) subscriber(ends[end]());
    },
    freeze() {
      let resolve: () => void = () => undefined;
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      frozen ??= { promise, resolve };
    },
    thaw() {
      const thawed = frozen;
      frozen = null;
      thawed?.resolve();
    },
    async kill() {
      server.forceShutdown();
      subscribers.clear();
      underWay.clear();
      database.forgetIds();
    },
    async start() {
      server = await listen();
    },
    async stop() {
      standIn.thaw();
      server.forceShutdown();
    },
  };
  return standIn;
}

function supportedMethods() {
  const service = 'event_store.client.streams.Streams';
  const methods = ['Read', 'Append', 'BatchAppend', 'Delete', 'Tombstone'].map((name) =>
    new features.SupportedMethod().setServiceName(service).setMethodName(name.toLowerCase()),
  );
  return new features.SupportedMethods().setEventStoreServerVersion(version).setMethodsList(methods);
}
