/** First in, first out, in constant time; what was taken is let go of in blocks. */
export interface Fifo<Item> {
  push(item: Item): void;
  shift(): Item | undefined;
}

const dropAfter = 1024;

export function createFifo<Item>(): Fifo<Item> {
  let items: (Item | undefined)[] = [];
  let first = 0;
  return {
    push(item) {
      items.push(item);
    },
    shift() {
      const item = items[first];
      if (first >= items.length) return undefined;
      items[first] = undefined;
      first += 1;
      if (first >= dropAfter && first * 2 >= items.length) {
        items = items.slice(first);
        first = 0;
      }
      return item;
    },
  };
}
