/**
 * One call in flight per key: who comes while it is under way waits for it and gets the same. A flight that fails
 * lets its followers go with that failure. An adapter passes `test/cache/single-flight-contract.ts`.
 */
export interface SingleFlight<Value> {
  /** `lead` runs only where no flight of this key is under way. */
  run(key: string, lead: () => Promise<Value>): Promise<Flown<Value>>;
}

export interface Flown<Value> {
  readonly role: 'led' | 'followed';
  readonly value: Value;
}
