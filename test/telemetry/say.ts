import { createLogger } from '../../src/telemetry/logger.ts';

const log = createLogger(process.argv[2] ?? 'info');
log.debug('Not said at level info.');
log.info({ trackId: 'a\nb' }, '✓ Enriched: Zoë - Sun (source: spotify)');
log.error({ err: new Error('above', { cause: new Error('below') }) }, 'It failed.');
