import type { ServiceError } from '@grpc/grpc-js';
import type { Proposed } from './database.ts';
import type { End } from './errors.ts';

/** What may befall one append. */
export type AppendFault =
  /** The append call ends, and with it every append that waits on it; this one was not, or was, committed. */
  | { readonly kind: 'drop'; readonly when: 'before' | 'after'; readonly end: End }
  /** Committed, and answered twice: nobody waits for the second answer. */
  | { readonly kind: 'twice' }
  /** Committed; the answer comes late. */
  | { readonly kind: 'late'; readonly ms: number }
  /** No answer ever. */
  | { readonly kind: 'silence'; readonly committed: boolean }
  /** Answered as a node answers that does not lead: the client turns to the leader, which is this one again. */
  | { readonly kind: 'not-leader' }
  /** Answered as to a user whose rights were taken away. */
  | { readonly kind: 'denied' }
  /** As a real server answers all but one of several equal appends that are under way at once. */
  | { readonly kind: 'timeout' };

/** Set by tests, asked by the stand-in. */
export interface Faults {
  /** Asked at the start of every call; the call ends with what it says. */
  call: () => ServiceError | null;
  /** The same for the call that asks what the server can do. */
  abilities: () => ServiceError | null;
  /** Asked for every append before it is looked at; null: nothing befalls it. */
  append: (stream: string, events: readonly Proposed[]) => AppendFault | null;
  /** Asked before every event that a subscription sends, which is its n-th; a subscription ends with what it says. */
  subscription: (sent: number) => End | null;
  /** Events that wait for a live subscriber which does not take them; with one more it is thrown out. */
  slowSubscriberMax: number;
  /** How long a duplicate of an append that is under way waits for its answer, in milliseconds. */
  duplicateMs: number;
}

export function noFaults(): Faults {
  return {
    call: () => null,
    abilities: () => null,
    append: () => null,
    subscription: () => null,
    slowSubscriberMax: 430,
    duplicateMs: 2000,
  };
}
