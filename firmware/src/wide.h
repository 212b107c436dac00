/* 64-bit helpers of LAYER_NORM and SOFTMAX, without branches. */
#ifndef GATELET_WIDE_H
#define GATELET_WIDE_H

#include "internal.h"

/* value > 0 as m * 2^(log2 - 31), 2^31 <= m < 2^32, cut off */
typedef struct gl_normal {
  uint32_t m;
  int32_t log2;
} gl_normal;

GL_INLINE gl_normal gl_normalize(uint64_t value) {
  const uint32_t high = (uint32_t)(value >> 32), low = (uint32_t)value;
  /* all ones where the high word is zero */
  const uint32_t small = ((high | (0u - high)) >> 31) - 1u;
  const uint32_t first = high | (low & small), second = low & ~small;
  const uint32_t zeros = (uint32_t)__builtin_clz(first);
  gl_normal normal;
  normal.m = (first << zeros) | (second >> 1 >> (31u - zeros));
  normal.log2 = 63 - (int32_t)(zeros + (small & 32u));
  return normal;
}

/* (a * b) >> 32 */
GL_INLINE uint32_t gl_high(uint32_t a, uint32_t b) { return (uint32_t)(((uint64_t)a * b) >> 32); }

#endif
