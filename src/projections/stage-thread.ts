import { serveThread } from '../threads/thread.ts';
import { createStager } from './stage-page.ts';

serveThread(createStager, ({ rows }) => [rows]);
