import { serveThread } from '../threads/thread.ts';
import { writeInThread } from './chunk-writer.ts';

serveThread(writeInThread);
