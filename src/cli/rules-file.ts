import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { providers } from '../domain/provider.ts';
import { defaultRules, type Rules } from '../domain/rules.ts';
import { trackFields } from '../domain/track-values.ts';
import { exitCodes } from './exit-code.ts';
import { UserError } from './user-error.ts';

const confidence = z.number().min(0).max(1);
const trust = z
  .array(z.enum(providers))
  .refine((list) => new Set(list).size === list.length, 'names a provider twice');
const durationToleranceMsMax = 24 * 3600 * 1000;

/** Whatever is left out is as workers have it. */
const schema = z.strictObject({
  matching: z
    .strictObject({
      isrcIsEnough: z.boolean(),
      durationToleranceMs: z.number().int().min(0).max(durationToleranceMsMax),
      confidence: z
        .strictObject({ sameIsrc: confidence, sameDuration: confidence, sameNames: confidence })
        .partial(),
      confidenceMin: confidence,
    })
    .partial()
    .optional(),
  merging: z
    .strictObject({ trust, trustByField: z.partialRecord(z.enum(trackFields), trust) })
    .partial()
    .optional(),
});

/**
 * Rules from a JSON file.
 *
 * @throws UserError that names every fault with its place
 */
export async function readRules(file: string): Promise<Rules> {
  return parseRules(await readFile(file, 'utf8'), file);
}

/** @throws UserError */
export function parseRules(text: string, file: string): Rules {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UserError(`${file} is no JSON: ${(cause as Error).message}`, {
      cause,
      exitCode: exitCodes.wrongUsage,
    });
  }
  const { success, data, error } = schema.safeParse(json);
  if (!success) {
    const faults = error.issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`);
    throw new UserError(`${file} holds no rules: ${faults.join('; ')}.`, { exitCode: exitCodes.wrongUsage });
  }
  const { matching, merging } = defaultRules;
  return {
    matching: {
      ...matching,
      ...defined(data.matching),
      confidence: { ...matching.confidence, ...defined(data.matching?.confidence) },
    },
    merging: {
      ...merging,
      ...defined(data.merging),
      // A list for all fields does not take away what single fields have.
      trustByField: { ...merging.trustByField, ...defined(data.merging?.trustByField) },
    },
  };
}

type Defined<Part> = { [Key in keyof Part]?: Exclude<Part[Key], undefined> };

function defined<Part extends object>(part: Part | undefined): Defined<Part> {
  return (part ?? {}) as Defined<Part>;
}
