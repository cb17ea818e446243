import type { TrackEvent } from '../domain/events.ts';
import type { Provider } from '../domain/provider.ts';
import type { TaskState } from '../domain/state.ts';

/** Steps of one delivery, in order, as `onStep` names them. */
export type Step = 'parsed' | 'answered' | 'appending' | 'appended' | 'decided' | 'published';

/** What the worker tells those who count, log and wait. */
export interface WorkerObserver {
  taskStarted(taskId: string): void;
  appended(stream: string, events: readonly TrackEvent[]): void;
  followUpPublished(provider: Provider, published: 'confirmed' | 'refused'): void;
  /** A message bore the id of a task that has another body: the task's own counts, this one is acknowledged. */
  otherBody?(taskId: string, stream: string): void;
  /** The delivery's work is done; `task` is null for what could not be read, or was erased. */
  settled(taskId: string, task: TaskState | null, worked: boolean): void;
  /** For tests that cut a worker off at a step; `events` are those of an append. */
  onStep?(step: Step, events: readonly TrackEvent[]): void;
}

/** The same observer, whose errors are told once and harm no task: what is recorded stays recorded. */
export function harmless(observer: WorkerObserver): Required<WorkerObserver> {
  let told = false;
  const safely = (tell: () => void) => {
    try {
      tell();
    } catch (error) {
      if (told) return;
      told = true;
      const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.emitWarning(`What watches the worker failed; the work goes on. ${cause}`);
    }
  };
  return {
    taskStarted: (...told) => safely(() => observer.taskStarted(...told)),
    appended: (...told) => safely(() => observer.appended(...told)),
    followUpPublished: (...told) => safely(() => observer.followUpPublished(...told)),
    otherBody: (...told) => safely(() => observer.otherBody?.(...told)),
    settled: (...told) => safely(() => observer.settled(...told)),
    // Whoever cuts a worker off means it.
    onStep: (...told) => observer.onStep?.(...told),
  };
}
