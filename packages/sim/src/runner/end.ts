import { BoardError } from "../board.js";
import { parseElf } from "../elf/elf.js";

const WFI = 0xbf30;

/**
 * Address of the WFI in which the runner's `reset_handler` sleeps once all is done: where engines stop that know neither
 * UART lines nor sleep. Throws BoardError where the firmware has no such place.
 */
export function endAddress(elf: Uint8Array): number {
  const { segments, symbols } = parseElf(elf);
  const handler = symbols.find(({ name }) => name === "reset_handler");
  const segment = segments.find(
    ({ physical, data }) => handler && handler.address >= physical && handler.address < physical + data.length,
  );
  if (handler !== undefined && segment !== undefined) {
    const view = new DataView(segment.data.buffer, segment.data.byteOffset, segment.data.byteLength);
    const first = handler.address - segment.physical;
    for (let at = first; at + 2 <= first + handler.bytes; at += 2) {
      if (view.getUint16(at, true) === WFI) return segment.physical + at;
    }
  }
  throw new BoardError("the firmware's reset_handler does not end in WFI: is it the runner?");
}
