/** The desk on which certificate files are sorted out: what lies there, and what may be done with it. */

const NOTHING = Object.freeze({ identity: null, roots: [], problems: [] });

export class Desk {
  assembled = NOTHING;
  #credentials;

  constructor(credentials) {
    this.#credentials = credentials;
  }

  get isEmpty() {
    return this.#credentials.items.length === 0;
  }

  /** What of it the device is to be told. */
  usable({ identity }) {
    return identity === "keep" ? NOTHING : this.assembled;
  }

  /** Put files there: [{name, bytes}]. Returns how it looks then, as the others do. */
  put(files) {
    return this.look(files.flatMap(({ name, bytes }) => this.#credentials.add(name, bytes)));
  }

  paste(text) {
    return this.look(this.#credentials.addText(text));
  }

  remove(id) {
    this.#credentials.remove(id);
    return this.look();
  }

  clear() {
    this.#credentials.clear();
    return this.look();
  }

  /** {items, assembled, notes}; `notes` are sentences about what was left out. */
  async look(notes = []) {
    this.assembled = await this.#credentials.assemble();
    return { items: this.#credentials.items, assembled: this.assembled, notes };
  }
}
