/** What the metadata of a stream says of what its readers see. */
export interface Settings {
  /** The first revision that is still there. */
  readonly truncateBefore?: bigint;
  readonly maxCount?: number;
}

/** The revision of a tombstone, and where a soft-deleted stream is cut: beyond every event. */
export const revisionMax = 9_223_372_036_854_775_807n;

export function softDeleted(settings: Settings | undefined): boolean {
  return settings?.truncateBefore === revisionMax;
}

/** By hand, since a number of JSON cannot hold every revision. */
export function settingsOf(metadata: Uint8Array): Settings {
  const text = new TextDecoder().decode(metadata);
  const number = (key: string) => new RegExp(`"\\${key}"\\s*:\\s*(\\d+)`).exec(text)?.[1];
  const [truncateBefore, maxCount] = [number('$tb'), number('$maxCount')];
  return {
    ...(truncateBefore === undefined ? {} : { truncateBefore: BigInt(truncateBefore) }),
    ...(maxCount === undefined ? {} : { maxCount: Number(maxCount) }),
  };
}
