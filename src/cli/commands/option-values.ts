import { InvalidArgumentError } from 'commander';

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It takes a whole number from ${min} to ${max}.`);
  };
}

export function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('It takes a number from 0 to 1.');
}

const reasonCharsMax = 1000;

/** What an operator says that the ledger is to keep. @throws InvalidArgumentError */
export function reason(text: string): string {
  const said = text.trim();
  if (said === '' || said.length > reasonCharsMax)
    throw new InvalidArgumentError(`It takes a few words, at most ${reasonCharsMax} characters.`);
  return said;
}
