/** CRC-32 (IEEE 802.3, reflected) of `bytes` bytes: once per load and saved state, so bit by bit, without a table. */
export function crc32(at: usize, bytes: usize): u32 {
  let crc: u32 = 0xffffffff;
  for (const end = at + bytes; at < end; at++) {
    crc ^= load<u8>(at);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & (0 - (crc & 1)));
  }
  return ~crc;
}
