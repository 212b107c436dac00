/** Framing of the GDB remote protocol: $payload#checksum, with } escapes. */
export function packet(payload: string): string {
  let sum = 0;
  for (let i = 0; i < payload.length; i++) sum = (sum + payload.charCodeAt(i)) & 255;
  return `$${payload}#${sum.toString(16).padStart(2, "0")}`;
}

export function hexBytes(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function parseHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length >>> 1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** A 32-bit word as GDB wants it: eight hex digits, lowest byte first. */
export function littleEndian(value: number): string {
  return [0, 8, 16, 24].map((shift) => ((value >>> shift) & 255).toString(16).padStart(2, "0")).join("");
}

/** Cuts a byte stream into commands; Ctrl-C between packets becomes "interrupt". */
export class FrameReader {
  private buffer = "";

  push(data: Buffer | string): string[] {
    this.buffer += data.toString("latin1");
    const events: string[] = [];
    for (;;) {
      while (this.buffer !== "" && this.buffer[0] !== "$") {
        if (this.buffer[0] === "\u0003") events.push("interrupt");
        this.buffer = this.buffer.slice(1);
      }
      const end = this.buffer.indexOf("#");
      if (end < 0 || this.buffer.length < end + 3) return events;
      const payload = this.buffer.slice(1, end);
      this.buffer = this.buffer.slice(end + 3);
      events.push(payload.replace(/}(.)/gs, (_, char: string) => String.fromCharCode(char.charCodeAt(0) ^ 0x20)));
    }
  }
}
