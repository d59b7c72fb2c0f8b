/** Answers that wait for who asked, and a wait that ends. */

export class Mailbox {
  #letters = [];
  #wake = null;
  #failure = null;

  put(letter) {
    this.#letters.push(letter);
    this.#wake?.();
  }

  /** Every `take` from now on throws `failure`. */
  fail(failure) {
    this.#failure ??= failure;
    this.#wake?.();
  }

  empty() {
    this.#letters.length = 0;
  }

  /** The next letter, or null when none came within `ms`. */
  async take(ms) {
    if (!this.#letters.length && !this.#failure) await this.#wait(ms);
    if (this.#letters.length) return this.#letters.shift();
    if (this.#failure) throw this.#failure;
    return null;
  }

  #wait(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
    });
  }
}

/** The promise's result; throws `failure` when it takes longer than `ms`. */
export function within(ms, promise, failure) {
  let timer;
  const end = new Promise((_, reject) => {
    timer = setTimeout(() => reject(failure), ms);
  });
  return Promise.race([promise, end]).finally(() => clearTimeout(timer));
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
