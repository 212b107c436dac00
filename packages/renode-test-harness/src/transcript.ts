/**
 * Text log of a run with a byte ceiling: the first half of the budget keeps the beginning, the second half the end, and
 * one line in between tells how much is missing. Appending costs O(1) amortised however much a firmware prints.
 */
export class Transcript {
  readonly #half: number;
  #head = "";
  #headFull = false;
  #tail: string[] = [];
  #tailBytes = 0;
  #droppedBytes = 0;
  #totalBytes = 0;

  /** @param capBytes budget in UTF-16 units (bytes for ASCII output), at least 1024 */
  constructor(capBytes: number) {
    if (!Number.isInteger(capBytes) || capBytes < 1024) {
      throw new RangeError(`transcriptBytes is ${capBytes}, must be an integer of at least 1024`);
    }
    this.#half = capBytes >> 1;
  }

  /** All that was ever appended, kept or not. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  append(text: string): void {
    this.#totalBytes += text.length;
    if (!this.#headFull) {
      const room = this.#half - this.#head.length;
      this.#head += text.slice(0, room);
      if (text.length <= room) return;
      this.#headFull = true;
      text = text.slice(room);
    }
    if (text.length > this.#half) {
      this.#droppedBytes += text.length - this.#half;
      text = text.slice(-this.#half);
    }
    this.#tail.push(text);
    this.#tailBytes += text.length;
    while (this.#tailBytes > this.#half) this.#drop(this.#tailBytes - this.#half);
  }

  toString(): string {
    const gap = this.#droppedBytes > 0 ? `\n... ${this.#droppedBytes} bytes left out ...\n` : "";
    return this.#head + gap + this.#tail.join("");
  }

  #drop(excess: number): void {
    const kept = this.#tail[0].slice(excess);
    const dropped = this.#tail[0].length - kept.length;
    if (kept === "") this.#tail.shift();
    else this.#tail[0] = kept;
    this.#tailBytes -= dropped;
    this.#droppedBytes += dropped;
  }
}
