/** A sentence for the person, apart from the output. */
export const say = (sentence: string): void => void process.stderr.write(`${sentence}\n`);
