import type { Provider } from './provider.ts';
import type { TaskState } from './state.ts';

/** What has to be published once a task or hop is decided. Doing it again is harmless: the ids are the same. */
export type Consequence =
  | { readonly kind: 'follow-up'; readonly provider: Provider; readonly dueAt: string }
  | { readonly kind: 'next-hop'; readonly hop: number; readonly dueAt: string };

/** Follows from the folded facts alone, so that every delivery of a decided hop comes to the same. */
export function consequencesOf(task: TaskState): readonly Consequence[] {
  if (task.end?.kind === 'enriched') {
    return task.end.leftOut.map(({ provider, until }) => ({ kind: 'follow-up', provider, dueAt: until }));
  }
  if (task.end === null && task.decision !== null) {
    return [{ kind: 'next-hop', hop: task.decision.hop + 1, dueAt: task.decision.dueAt }];
  }
  return [];
}
