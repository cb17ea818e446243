import { serveThread } from '../threads/thread.ts';
import { createPageJudge } from './judge-page.ts';

serveThread(createPageJudge);
