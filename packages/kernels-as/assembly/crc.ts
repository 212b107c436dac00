import { FEWEST_BYTES } from "./features";
import { ROWS } from "./rows";

// The engines make the tables they look up in anew for each call, where rows' results lie meanwhile: that takes a few
// microseconds. Self-contained modules go bit by bit, which is shorter.
// @ts-ignore: decorator
@inline const TABLE_BITS: i32 = ASC_FEATURE_SIMD ? 8 : 4;

/** CRC-32 (IEEE 802.3, reflected) of `bytes` bytes, an even number; what `quadRows` left in ROWS is lost. */
export function crc32(at: usize, bytes: usize): u32 {
  let crc: u32 = 0xffffffff;
  if (!FEWEST_BYTES) {
    makeTable();
    for (const end = at + bytes; at < end; at += 2) {
      crc ^= load<u16>(at);
      if (ASC_FEATURE_SIMD) {
        crc = entry((crc & 255) + 256) ^ entry((crc >>> 8) & 255) ^ (crc >>> 16);
      } else {
        for (let nibble = 0; nibble < 4; nibble++) crc = entry(crc & 15) ^ (crc >>> 4);
      }
    }
  } else {
    for (const end = at + bytes; at < end; at++) {
      crc ^= load<u8>(at);
      crc = shiftOut(crc, 8);
    }
  }
  return ~crc;
}

// @ts-ignore: decorator
@inline
function entry(i: u32): u32 {
  return load<u32>(ROWS + (i << 2));
}

/** Steps of the shift register. */
// @ts-ignore: decorator
@inline
function shiftOut(crc: u32, bits: i32): u32 {
  for (let bit = 0; bit < bits; bit++) crc = (crc >>> 1) ^ (0xedb88320 & (0 - (crc & 1)));
  return crc;
}

/** Entry i: i shifted out; with 8 bits a second table behind it, 8 more steps on. */
function makeTable(): void {
  const count: u32 = ASC_FEATURE_SIMD ? 512 : 16;
  for (let i: u32 = 0; i < count; i++) {
    const from = i & 256 ? entry(i & 255) : i;
    store<u32>(ROWS + (i << 2), shiftOut(from, TABLE_BITS));
  }
}
