// Keys under which things are asked for: with the same key, what is asked twice happens once.

/** A key nobody else has. Browsers keep `crypto.randomUUID` from pages that come over plain HTTP from elsewhere. */
export const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
