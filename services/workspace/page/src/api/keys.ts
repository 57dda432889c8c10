// Keys under which things are asked for: with the same key, what is asked twice happens once.

/** A key nobody else has. Browsers keep `crypto.randomUUID` from pages that come over plain HTTP from elsewhere. */
export const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The same thing keeps its key over every try, and another one gets another. */
export class RequestKeys {
  private readonly known = new Map<string, string>();

  of(asked: unknown): string {
    const name = JSON.stringify(asked);
    const key = this.known.get(name) ?? newKey();
    this.known.set(name, key);
    return key;
  }

  /** It is done: when it is asked for again, it is meant again. */
  forget(asked: unknown): void {
    this.known.delete(JSON.stringify(asked));
  }
}
