import { serveThread } from '../threads/thread.ts';
import { createPageFolder } from './fold-streams.ts';

serveThread(createPageFolder, ({ rows }) => rows);
