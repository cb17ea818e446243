import type { AnswerOrigin } from '../domain/answer-origin.ts';
import type { Loser, RejectedCandidate } from '../domain/considered-answers.ts';
import type { EarlierValue } from '../domain/earlier-values.ts';
import type { DecisionFact, Explanation, Winner } from '../domain/explain.ts';
import type { ProviderStanding } from '../domain/provider-standing.ts';
import { columnOf } from '../projections/track-columns.ts';
import { durationText } from './duration-text.ts';
import { numberText } from './number-text.ts';
import { providerNames } from './provider-name.ts';
import { formatTable } from './table.ts';
import { timeText } from './time-text.ts';
import { shown } from './visible-text.ts';

const valueColumnsMax = 60;
const rowsShownMax = 10;

/** Why a field has its value, for a person. Ends with a line feed. */
export function whyText(explanation: Explanation, name: string): string {
  const { field, winner, decision, losers, rejected, providers, earlier, replays } = explanation;
  const value = winner === null ? 'no value' : valueText(winner.value);
  const facts = [
    ...(winner === null ? [] : winnerFacts(winner)),
    ['decided', decision === null ? 'not yet: no task of the track came to values' : decisionText(decision)],
    ...(winner === null ? providers.map(standingFact) : []),
  ];
  const parts = [
    `${columnOf(field)} of ${name}: ${value}`,
    formatTable(facts, { indent: 2 }),
    section('Other answers that match', losers, loserCells),
    section('Not the track', rejected, rejectedCells),
    section('Before', earlier, earlierCells),
    section('Replayed', replays, replayCells),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function section<Item>(title: string, items: readonly Item[], cellsOf: (item: Item) => string[]): string {
  if (items.length === 0) return '';
  const table = formatTable(items.slice(0, rowsShownMax).map(cellsOf), { indent: 2 });
  const more = items.length - rowsShownMax;
  return `${title}:\n${table}${more > 0 ? `\n  and ${numberText(more)} more: --json has all` : ''}`;
}

function valueText(value: string | number | null): string {
  return value === null ? 'no value' : shown(String(value), valueColumnsMax);
}

function winnerFacts({
  provider,
  confidence,
  reasons,
  revision,
  eventId,
  origin,
  holds,
}: Winner): string[][] {
  const why = reasons.length === 0 ? '' : ` (${wordsOf(reasons)})`;
  return [
    ['from', `${providerNames[provider]}, confidence ${confidence.toFixed(2)}${why}`],
    ['answer', `revision ${revision}, event ${shown(eventId, 36)}`],
    ['', origin === null ? 'the event is not in the stream any more' : originText(origin)],
    ...(holds
      ? []
      : [['but', 'the present rules would come to something else: "redecide --dry-run" says what']]),
  ];
}

function originText(origin: AnswerOrigin): string {
  const { calledAt, taskId } = origin;
  const task = `task ${shown(taskId, 40)}`;
  if (origin.kind === 'call') {
    const status = origin.httpStatus === null ? '' : `HTTP ${origin.httpStatus}, `;
    return `called ${timeText(calledAt)} (${status}${durationText(origin.durationMs)}), ${task}`;
  }
  const from = origin.kind === 'cache' ? 'from the cache' : 'from a call in flight';
  const { callRevision, callEventId } = origin;
  const where =
    callRevision === null
      ? `another track's call ${shown(callEventId, 36)}`
      : `the call at revision ${callRevision}, event ${shown(callEventId, 36)}`;
  return `${from}: ${where}, of ${timeText(calledAt)}; ${task}`;
}

function decisionText(decision: DecisionFact): string {
  const { at, revision, eventId, ruleVersion, isPresentRules, redecides } = decision;
  const rules = `${shown(ruleVersion, 60)}${isPresentRules ? '' : ', which are not the present rules'}`;
  const again = redecides === null ? '' : `; decided again, first in event ${shown(redecides, 36)}`;
  return `${timeText(at)}, revision ${revision}, event ${shown(eventId, 36)}, by ${rules}${again}`;
}

function replayCells({ at, by, why, n }: Explanation['replays'][number]): string[] {
  return [timeText(at), `replay ${n}`, `by ${shown(by, 60)}`, shown(why, 200)];
}

function loserCells({ value, provider, confidence, revision, why }: Loser): string[] {
  const reason = {
    'less-trusted-provider': 'less trusted for this field',
    'older-answer': 'older than the answer taken',
    'provider-not-trusted': 'not trusted for this field',
  }[why];
  return [valueText(value), providerNames[provider], confidence.toFixed(2), `revision ${revision}`, reason];
}

function rejectedCells({ value, provider, revision, title, artists, reasons }: RejectedCandidate): string[] {
  const name = `"${shown(title, 40)}" by ${shown(artists.join(', '), 40)}`;
  return [valueText(value), providerNames[provider], `revision ${revision}`, name, wordsOf(reasons)];
}

function earlierCells({ value, provider, at, revision, ruleVersion, redecides }: EarlierValue): string[] {
  return [
    valueText(value),
    provider === null ? '' : providerNames[provider],
    `decided ${timeText(at)}`,
    `revision ${revision}`,
    shown(ruleVersion, 60),
    redecides === null ? '' : 'decided again',
  ];
}

function standingFact({ provider, kind, until }: ProviderStanding): string[] {
  const text = {
    'gave-it': 'has a value, which no decision took yet',
    'without-it': 'knows the track and says nothing of this field',
    'no-match': 'answered, and nothing of it is the track',
    missing: 'does not know the track',
    'no-answer': 'was asked and gave no answer',
    'left-out': `was left out until ${timeText(until ?? '')}`,
    'never-asked': 'was never asked',
  }[kind];
  return [providerNames[provider], text];
}

/** `same-title` as people say it. */
function wordsOf(reasons: readonly string[]): string {
  return reasons.map((reason) => reason.replaceAll('-', ' ').replace('isrc', 'ISRC')).join(', ');
}
