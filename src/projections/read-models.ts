import { metricsModel } from './metrics-table.ts';
import type { ReadModel } from './read-model.ts';
import { tasksModel } from './tasks-table.ts';
import { tracksModel } from './tracks-table.ts';

/**
 * Every read model that is kept by folding events; the others are views over these. In the order in which they are
 * written: `metrics` looks at what the others had before.
 */
export const readModels: readonly ReadModel[] = [metricsModel, tracksModel, tasksModel];
