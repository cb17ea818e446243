import { serveThread } from '../../src/threads/thread.ts';
import { createCounter } from './counting.ts';

serveThread(createCounter);
