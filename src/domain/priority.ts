/** Which of the two queues, and which lane of every gate, a task takes. */
export type Lane = 'real-time' | 'backlog';

export const defaultPriority = 5;

/** 4 to 10 go first; 0 to 3 take what is left. */
export function laneOfPriority(priority: number): Lane {
  return priority >= 4 ? 'real-time' : 'backlog';
}

/** The priority of a scraped item, by where it comes from and whether it is a new item. */
export function priorityOfItem(item: {
  readonly source: string | null;
  readonly createdAt: string | null;
}): number {
  const source = item.source?.toLowerCase() ?? '';
  if (['beatport', 'spotify_chart', 'billboard'].some((name) => source.includes(name))) return 10;
  return item.createdAt === null ? 3 : 7;
}

/** Follow-ups and re-enrichment take what nobody else wants. */
export const lowestPriority = 0;
