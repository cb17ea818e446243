/** Which of the two queues, and which lane of every gate, a task takes. */
export type Lane = 'real-time' | 'backlog';

export const defaultPriority = 5;

/** 4 to 10 go first; 0 to 3 take what is left. */
export function laneOfPriority(priority: number): Lane {
  return priority >= 4 ? 'real-time' : 'backlog';
}

/** Follow-ups and re-enrichment take what nobody else wants. */
export const lowestPriority = 0;
