import type { Finding } from './merging.ts';
import type { TaskOrigin, TaskRequest } from './task.ts';

/**
 * An event as far as decisions about a track's values look at it. Whoever reads many streams need not parse the rest.
 * Every revision of a stream is one of these or none.
 */
export type DecisionStep =
  | {
      readonly kind: 'received';
      readonly taskId: string;
      readonly origin: TaskOrigin;
      readonly request: TaskRequest;
    }
  /** An answer with candidates that counts. */
  | { readonly kind: 'found'; readonly finding: Finding }
  | {
      readonly kind: 'enriched';
      readonly eventId: string;
      readonly revision: number;
      readonly taskId: string;
      readonly redecides: string | null;
    }
  /** The final failure for want of a match. */
  | {
      readonly kind: 'not-found';
      readonly eventId: string;
      readonly revision: number;
      readonly taskId: string;
    }
  | { readonly kind: 'erased' };

/** A decision that a worker made, with all that it was made from. */
export interface DecisionBasis {
  readonly eventId: string;
  readonly revision: number;
  readonly taskId: string;
  /** What answers were matched to. */
  readonly request: TaskRequest;
  /** The answers that stood before it, oldest first. */
  readonly found: readonly Finding[];
}

/** What has been decided about a track's values. */
export interface Decisions {
  /** The newest `Enriched` of a worker; null: there is none, or its task is not known. */
  readonly enriched: DecisionBasis | null;
  /** The newest failure for want of a match. */
  readonly notFound: DecisionBasis | null;
  /** The newest `Enriched` of all: its snapshot is what the track has. */
  readonly standing: { readonly eventId: string; readonly revision: number } | null;
}

type Counted = Omit<DecisionBasis, 'found'> & { readonly foundCount: number };

/** Folds a stream as `evolve` does; a test holds both together. */
export function decisionsOf(steps: Iterable<DecisionStep>): Decisions {
  let requests = new Map<string, TaskRequest>();
  let newestRequest: TaskRequest | null = null;
  let found: Finding[] = [];
  let enriched: Counted | null = null;
  let notFound: Counted | null = null;
  let standing: Decisions['standing'] = null;
  for (const step of steps) {
    switch (step.kind) {
      case 'received':
        if (requests.has(step.taskId)) break;
        requests.set(step.taskId, step.request);
        if (step.origin.kind === 'request') newestRequest = step.request;
        break;
      case 'found':
        if (requests.has(step.finding.taskId)) found.push(step.finding);
        break;
      case 'enriched':
      case 'not-found': {
        const { eventId, revision, taskId } = step;
        if (step.kind === 'enriched') standing = { eventId, revision };
        if (step.kind === 'enriched' && step.redecides !== null) break;
        const own = requests.get(taskId);
        const request = newestRequest ?? own;
        const basis =
          own === undefined || request === undefined
            ? null
            : { eventId, revision, taskId, request, foundCount: found.length };
        if (step.kind === 'enriched') enriched = basis;
        else notFound = basis;
        break;
      }
      case 'erased':
        requests = new Map();
        newestRequest = null;
        found = [];
        enriched = null;
        notFound = null;
        standing = null;
        break;
      default:
        step satisfies never;
    }
  }
  return { enriched: basisOf(enriched, found), notFound: basisOf(notFound, found), standing };
}

function basisOf(decision: Counted | null, found: readonly Finding[]): DecisionBasis | null {
  if (decision === null) return null;
  const { foundCount, ...rest } = decision;
  return { ...rest, found: found.slice(0, foundCount) };
}
