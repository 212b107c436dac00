/** A thing that happens at a given cycle. */
interface Event {
  cycle: number;
  action: () => void;
}

/** Events ordered by cycle; few at a time, so a plain sorted array. */
export class Scheduler {
  private events: Event[] = [];

  /** Cycle of the earliest event, Infinity for none. */
  get next(): number {
    return this.events.length === 0 ? Number.POSITIVE_INFINITY : this.events[0].cycle;
  }

  /** Runs `action` at `cycle`; returns a function that cancels it. */
  at(cycle: number, action: () => void): () => void {
    const event = { cycle, action };
    let i = this.events.length;
    while (i > 0 && this.events[i - 1].cycle > cycle) i--;
    this.events.splice(i, 0, event);
    return () => {
      const at = this.events.indexOf(event);
      if (at >= 0) this.events.splice(at, 1);
    };
  }

  /** Runs everything due at or before `cycle`. */
  advance(cycle: number): void {
    while (this.events.length > 0 && this.events[0].cycle <= cycle) (this.events.shift() as Event).action();
  }

  clear(): void {
    this.events = [];
  }
}
