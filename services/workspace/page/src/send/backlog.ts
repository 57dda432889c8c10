// What was recorded here and is not yet acknowledged: kept in this browser's database until it is.
import { signal } from "@preact/signals";

/** How long bytes gather before they are sent: soon read by others, yet not a request for every piece. */
const GATHER_MS = 1_000;
const PIECES_AT_ONCE = 64;
/** So much stays in memory besides, to be sent without asking the disk. */
const AT_HAND_BYTES = 16 << 20;

/** One recording and where it belongs. `id` is this browser's own name for it. */
export type Kept = {
  id: string;
  /** Who speaks: nobody else who uses this browser posts it. */
  person: string;
  thread: string;
  replyTo: string | null;
  mediaType: string;
  begunAt: string;
  /** The key its update is opened under, so that it is opened once. */
  key: string;
  /** Known once the server has opened it. */
  update: string | null;
};

type Piece = { recording: string; start: number; bytes: Uint8Array };

const RECORDINGS = "recordings";
const PIECES = "pieces";
let opening: Promise<IDBDatabase> | null = null;

function database(): Promise<IDBDatabase> {
  opening ??= new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open("tidings", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(RECORDINGS, { keyPath: "id" });
      request.result.createObjectStore(PIECES, { keyPath: ["recording", "start"] });
    };
    request.onsuccess = () => {
      // Closed from outside, as when people clear what the site keeps.
      request.result.onclose = () => {
        opening = null;
      };
      resolve(request.result);
    };
    request.onerror = () => {
      opening = null;
      reject(request.error);
    };
  });
  return opening;
}

const answer = <T>(request: IDBRequest<T>) =>
  new Promise<T>((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** A change is kept when its transaction is on the disk; a full disk may only show then. */
async function change(stores: string[], work: (transaction: IDBTransaction) => void): Promise<void> {
  const transaction = (await database()).transaction(stores, "readwrite", { durability: "strict" });
  const ended = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
  work(transaction);
  await ended;
}

const allOf = (id: string, from = 0, to = Infinity) => IDBKeyRange.bound([id, from], [id, to]);

/** Every recording this browser still keeps. */
export const keptRecordings = async (): Promise<Kept[]> =>
  answer<Kept[]>((await database()).transaction(RECORDINGS).objectStore(RECORDINGS).getAll());

/** Remember a recording. Without a place to remember it in, it is only as safe as this window. */
export const keepRecording = (kept: Kept): Promise<void> =>
  change([RECORDINGS], (transaction) => {
    transaction.objectStore(RECORDINGS).put(kept);
  }).catch(() => undefined);

export const dropRecording = ({ id }: Kept): Promise<void> =>
  change([RECORDINGS, PIECES], (transaction) => {
    transaction.objectStore(RECORDINGS).delete(id);
    transaction.objectStore(PIECES).delete(allOf(id));
  }).catch(() => undefined);

/** The bytes of one recording. Added in order, read from wherever the server has got to. */
export class Backlog {
  /** False where the disk took no more: what it did not take lives in memory alone. */
  readonly isKept = signal(true);
  length = 0;
  isEnded = false;
  /** The newest pieces, and those which the disk refused; in order. */
  private atHand: Piece[] = [];
  private readonly refused = new Set<Piece>();
  private waiting: (() => void) | null = null;
  private gatheredAt = 0;

  constructor(private readonly id: string) {}

  /** What an earlier window left. */
  static async left(id: string): Promise<Backlog> {
    const backlog = new Backlog(id);
    const newest = await backlog.newestBefore(Infinity);
    if (newest !== null) {
      const [last] = await backlog.stored(newest, 1);
      backlog.length = newest + (last?.bytes.length ?? 0);
    }
    backlog.isEnded = true;
    return backlog;
  }

  /** Take a piece. It can be sent at once; resolves when it is on the disk, or that refused it. */
  async add(bytes: Uint8Array): Promise<void> {
    const piece = { recording: this.id, start: this.length, bytes };
    this.atHand.push(piece);
    this.length += bytes.length;
    this.waiting?.();
    try {
      await change([PIECES], (transaction) => {
        transaction.objectStore(PIECES).put(piece);
      });
    } catch {
      // Unless it was acknowledged meanwhile.
      if (this.atHand.includes(piece)) this.refused.add(piece);
    }
    // The disk takes one after the other, so it has, or has refused, all that is older.
    const spared = (each: Piece) => this.refused.has(each) || each.start > this.length - AT_HAND_BYTES || each.start > piece.start;
    this.atHand = this.atHand.filter(spared);
    this.isKept.value = this.refused.size === 0;
  }

  end(): void {
    this.isEnded = true;
    this.waiting?.();
  }

  /** The next bytes from `start` on, as soon as there are some; `done` once they reach the end. */
  async slice(start: number, end: number): Promise<{ value: Blob; done: boolean }> {
    await this.hasMore(start);
    const isAtHand = this.atHand.some((piece) => piece.start <= start && start < piece.start + piece.bytes.length);
    const stored = isAtHand ? [] : await this.storedFrom(start);
    const pieces = [...stored, ...this.atHand].sort((one, other) => one.start - other.start);
    const taken: Uint8Array<ArrayBuffer>[] = [];
    let at = start;
    for (const { start: from, bytes } of pieces) {
      if (from > at || at >= end) break;
      const wanted = bytes.subarray(at - from, end - from) as Uint8Array<ArrayBuffer>;
      taken.push(wanted);
      at += wanted.length;
    }
    // Nothing where something should be: an earlier window's disk was full. What came before is the recording.
    return { value: new Blob(taken), done: this.isEnded && (at >= this.length || at === start) };
  }

  /** Whether its beginning is here, and so all of it. */
  async isWhole(): Promise<boolean> {
    return (await this.slice(0, 1)).value.size > 0;
  }

  /** All of an ended one that is whole. */
  async whole(): Promise<Blob> {
    const parts: Blob[] = [];
    for (let at = 0; ; ) {
      const { value, done } = await this.slice(at, Infinity);
      parts.push(value);
      at += value.size;
      if (done) return new Blob(parts);
    }
  }

  /** Forget what the server has: every piece that ends at or before `offset`. */
  async acknowledge(offset: number): Promise<void> {
    const isSent = ({ start, bytes }: Piece) => start + bytes.length <= offset;
    for (const piece of this.atHand.filter(isSent)) this.refused.delete(piece);
    this.atHand = this.atHand.filter((piece) => !isSent(piece));
    this.isKept.value = this.refused.size === 0;
    // The newest piece before the offset may reach beyond it.
    const last = await this.newestBefore(offset).catch(() => null);
    if (last === null || last === 0) return;
    await change([PIECES], (transaction) => {
      transaction.objectStore(PIECES).delete(IDBKeyRange.bound([this.id, 0], [this.id, last], false, true));
    }).catch(() => undefined);
  }

  private async hasMore(start: number): Promise<void> {
    const enough = () => this.isEnded || (this.length > start && performance.now() - this.gatheredAt >= GATHER_MS);
    while (!enough()) {
      await new Promise<void>((resolve) => {
        this.waiting = resolve;
        setTimeout(resolve, GATHER_MS);
      });
    }
    this.gatheredAt = performance.now();
  }

  private async newestBefore(offset: number): Promise<number | null> {
    const pieces = (await database()).transaction(PIECES).objectStore(PIECES);
    const cursor = await answer(pieces.openKeyCursor(allOf(this.id, 0, offset), "prev"));
    return cursor === null ? null : (cursor.key as [string, number])[1];
  }

  private async storedFrom(start: number): Promise<Piece[]> {
    const first = await this.newestBefore(start).catch(() => null);
    return first === null ? [] : this.stored(first, PIECES_AT_ONCE);
  }

  private async stored(from: number, most: number): Promise<Piece[]> {
    const pieces = (await database()).transaction(PIECES).objectStore(PIECES);
    return answer<Piece[]>(pieces.getAll(allOf(this.id, from), most)).catch(() => []);
  }
}
