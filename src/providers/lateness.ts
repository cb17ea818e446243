/**
 * How late this process comes to slots that somebody else gives: an answer takes its time, a timer fires late, the
 * process was busy. A call that starts late is followed too closely by the next one, which is in time; so who is often
 * late asks for longer slots, and a slot that was missed by more than that is void.
 */
export interface Lateness {
  /** By how much the next slot has to be longer, in milliseconds. */
  readonly declaredMs: number;
  /** Takes note of a slot that is used so late; true: it was missed, and the gate is to be asked again. */
  isMissed(lateMs: number, declaredMs: number): boolean;
}

/** So late is in time: less than any limiter can see. */
const inTimeMsMax = 50;
/** What is this quick needs no longer slots. */
const unnoticedMsMax = inTimeMsMax / 2;
/** Each slot in time makes what is known to be this much less. */
const forgetting = 0.9;
/** After so many missed slots in a row one is used all the same: a slow process should not stop for ever. */
const missedMax = 3;

/** @param intervalMs what lies between two slots; 0: nobody can be late */
export function createLateness(intervalMs: number): Lateness {
  let usualMs = 0;
  let missed = 0;
  return {
    get declaredMs() {
      return usualMs <= unnoticedMsMax ? 0 : Math.min(usualMs, intervalMs);
    },
    isMissed(lateMs, declaredMs) {
      if (intervalMs === 0) return false;
      usualMs = Math.max(lateMs, usualMs * forgetting);
      if (lateMs <= inTimeMsMax + declaredMs || missed >= missedMax) {
        missed = 0;
        return false;
      }
      missed += 1;
      return true;
    },
  };
}
