/**
 * A span of time as people say it, in at most two units: `20 ms`, `1.2 s`, `5 s`, `3 min 5 s`, `2 h 3 min`, `4 d 1 h`.
 *
 * @param ms milliseconds; what is no finite number of them is `unknown`
 */
export function durationText(ms: number): string {
  if (!Number.isFinite(ms)) return 'unknown';
  if (ms < 0) return `-${durationText(-ms)}`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1).replace('.0', '')} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return twoUnits(seconds, 60, 'min', 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return twoUnits(minutes, 60, 'h', 'min');
  return twoUnits(Math.round(minutes / 60), 24, 'd', 'h');
}

function twoUnits(amount: number, size: number, unit: string, smallUnit: string): string {
  const rest = amount % size;
  const whole = `${Math.floor(amount / size)} ${unit}`;
  return rest === 0 ? whole : `${whole} ${rest} ${smallUnit}`;
}
