/* 64-bit helpers of LAYER_NORM and SOFTMAX. */
#ifndef GATELET_WIDE_H
#define GATELET_WIDE_H

#include "internal.h"

/* floor(log2 value), value > 0 */
GL_INLINE int32_t gl_log2(uint64_t value) {
  const uint32_t high = (uint32_t)(value >> 32);
  return high != 0u ? 63 - __builtin_clz(high) : 31 - __builtin_clz((uint32_t)value);
}

/* value shifted right by `shift`, left where it is negative; the result fits 32 bits */
GL_INLINE uint32_t gl_scale(uint64_t value, int32_t shift) {
  return shift >= 0 ? (uint32_t)(value >> shift) : (uint32_t)(value << -shift);
}

/* (a * b) >> 32 */
GL_INLINE uint32_t gl_high(uint32_t a, uint32_t b) { return (uint32_t)(((uint64_t)a * b) >> 32); }

#endif
