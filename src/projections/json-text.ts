/** A value that is JSON already, and is not to be written as a text. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}
