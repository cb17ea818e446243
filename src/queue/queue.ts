import type { Lane } from '../domain/priority.ts';

/**
 * The queue port: messages go in confirmed, wait where they have to, and come out by priority, at least once. An
 * adapter passes `test/queue/contract.ts`.
 */
export interface TaskQueue {
  /**
   * Resolves when the queue has taken the message (`confirmed`) or will not (`refused`: it is full). A message
   * may come out twice, never not at all.
   */
  publish(message: TaskMessage, options?: PublishOptions): Promise<'confirmed' | 'refused'>;

  /** Starts taking messages of the given lanes, at most `concurrency` at a time. */
  consume(handler: DeliveryHandler, options: ConsumeOptions): Consumer;

  /** Starts taking what the queue gave up by itself. */
  consumeDeadLetters(handler: DeadLetterHandler): Consumer;

  close(): Promise<void>;
}

/** A task on its way to a worker. */
export interface TaskMessage {
  /** The task id; empty where a foreign publisher set none. */
  readonly id: string;
  readonly lane: Lane;
  /** 0 (last) to 10 (first). */
  readonly priority: number;
  /** How many recorded decisions lie behind it, from 0. */
  readonly hop: number;
  /** JSON text as the publisher sent it. */
  readonly body: string;
  /** The event that caused it; null for a publisher's own. */
  readonly causationId: string | null;
}

export interface PublishOptions {
  /** How long it waits before it can come out. */
  readonly delayMs?: number;
}

export interface Delivery {
  readonly message: TaskMessage;
  /** True: the queue delivered it before, and nobody acknowledged it. */
  readonly redelivered: boolean;
}

/** The message is acknowledged when this resolves, and comes again when it rejects. */
export type DeliveryHandler = (delivery: Delivery) => Promise<void>;

export interface DeadLetter {
  readonly message: TaskMessage;
  readonly reason: 'expired' | 'overflow' | 'delivery_limit';
}

export type DeadLetterHandler = (letter: DeadLetter) => Promise<void>;

export interface ConsumeOptions {
  readonly lanes: readonly Lane[];
  readonly concurrency: number;
}

export interface Consumer {
  /** Takes no more messages; resolves when those in hand are settled. */
  stop(): Promise<void>;
}
