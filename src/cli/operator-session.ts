import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLedgerAt } from '../app.ts';
import { readConfig, required } from '../config.ts';
import { openTaskQueries, type TaskQueries } from '../projections/task-queries.ts';
import { createRabbitmqQueue } from '../queue/rabbitmq.ts';
import { randomId } from '../queue/task-id.ts';
import type { OperatorServices } from '../workers/operator.ts';

/** What an operator's command works with. */
export interface OperatorSession {
  readonly queries: TaskQueries;
  readonly services: OperatorServices;
  /** Why the queue cannot be used at the moment. */
  faults(): readonly string[];
  /** Who does it, as facts name him. */
  readonly by: string;
}

/** Opens the list of tasks alone. */
export async function withQueries<Value>(use: (queries: TaskQueries) => Promise<Value>): Promise<Value> {
  const url = required(readConfig().databaseUrl, 'DATABASE_URL, which "projector" fills');
  const queries = openTaskQueries({ url });
  return use(queries).finally(queries.close);
}

/** Opens the list of tasks, the ledger and the queue. */
export async function withOperator<Value>(use: (session: OperatorSession) => Promise<Value>): Promise<Value> {
  const config = readConfig();
  const { managementUrl: _, ...address } = required(config.rabbitmq, 'RABBITMQ_USER and RABBITMQ_PASS');
  const ledgerUrl = required(config.ledgerUrl, 'LEDGER_URL');
  return withQueries(async (queries) => {
    const ledger = await openLedgerAt(ledgerUrl);
    const queue = createRabbitmqQueue({ address, name: 'enrichment-operator' });
    const services: OperatorServices = {
      ledger,
      queue,
      now: Date.now,
      sleep: (ms) => sleep(ms),
      newId: randomId,
    };
    try {
      return await use({ queries, services, faults: () => queue.faults(), by: userInfo().username });
    } finally {
      await queue.close();
      await ledger.close();
    }
  });
}
