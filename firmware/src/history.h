/* History of rows of the windowed kernels, oldest first. */
#ifndef GATELET_HISTORY_H
#define GATELET_HISTORY_H

#include "internal.h"

/* Moves the history down by one row and appends `row`; `row` NULL: leaves the last row as it is. Sizes: multiples of 4. */
GL_INLINE void gl_history_push(uint8_t *history, uint32_t bytes, uint32_t row_bytes, const void *row) {
  const uint32_t kept = bytes - row_bytes;
  const uint32_t blocks = kept & ~15u;
  gl_copy_blocks(history, history + row_bytes, blocks);
  for (uint32_t at = blocks; at != kept; at += 4u) gl_set_u32(history + at, gl_u32(history + at + row_bytes));
  if (row != NULL) {
    const uint8_t *from = (const uint8_t *)row;
    for (uint32_t at = 0; at != row_bytes; at += 4u) gl_set_u32(history + kept + at, gl_u32(from + at));
  }
}

#endif
