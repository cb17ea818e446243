import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '../..');

export interface ComposeService {
  readonly image: string;
  readonly build?: string;
  readonly command?: string | readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly restart?: string;
  readonly stop_grace_period?: string;
  readonly init?: boolean;
  readonly deploy?: {
    readonly replicas?: string;
    readonly resources?: Readonly<Record<'limits' | 'reservations', { cpus: string; memory: string }>>;
  };
}

export type ComposeServices = Readonly<Record<string, ComposeService>>;

export function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

export const composeFiles = ['docker-compose.yml', 'docker-compose.enrichment-workers.yml'] as const;

/** The services of one file, its merges resolved, its variables as they are written. */
export function servicesOf(file: (typeof composeFiles)[number]): ComposeServices {
  return (parse(textOf(file), { merge: true }) as { services: ComposeServices }).services;
}

export interface Reference {
  readonly variable: string;
  /** What follows the name: `:-` with a default, or `:?` with a sentence. */
  readonly operator: string;
  readonly text: string;
}

/** Every `${VARIABLE…}` of a file. */
export function referencesOf(file: string): readonly Reference[] {
  const found = textOf(file).matchAll(/(?<!\$)\$\{([A-Z0-9_]+)(:[-?])?([^}]*)\}/g);
  return [...found].map(([, variable = '', operator = '', text = '']) => ({ variable, operator, text }));
}

/** The variables of .env.example with their values, and whether they are commented out. */
export function exampleVariables(): ReadonlyMap<string, { readonly value: string; readonly set: boolean }[]> {
  const found = new Map<string, { value: string; set: boolean }[]>();
  for (const [, comment, variable = '', value = ''] of textOf('.env.example').matchAll(
    /^(# )?([A-Z][A-Z0-9_]*)=(.*)$/gm,
  )) {
    found.set(variable, [...(found.get(variable) ?? []), { value, set: comment === undefined }]);
  }
  return found;
}
