/* Activation functions, KERNELS.md 2, a row at a time, and the kernel ACTIVATION (34). */

#include "internal.h"

/* (10) */
GL_INLINE int32_t interpolate(const int16_t *table, int32_t p) {
  const uint32_t u = (uint32_t)(p + 32768);
  const int16_t *at = table + (u >> 8);
  return at[0] + (((at[1] - at[0]) * (int32_t)(u & 255u) + 128) >> 8);
}

#if !GATELET_CORTEX_M4
GL_INLINE void gl_m4_tanh_row(int16_t *row, const int16_t *end, const uint32_t *table, uint32_t is_sigmoid) {
  uint32_t pair = GL_TANH_PAIR;
  for (; row != end; row++) {
    *row = (int16_t)(is_sigmoid != 0u ? gl_sigmoid_v(table, *row, &pair) : gl_tanh_v(table, *row, &pair));
  }
}
#endif

/* (9) of p + offset; HARD_SIGMOID: (8) */
GL_INLINE void clip_row(int16_t *row, const int16_t *end, int32_t offset, int32_t limit) {
  for (; row != end; row++) {
    const int32_t p = *row + offset;
    *row = (int16_t)gl_min(p & ~(p >> 31), limit);
  }
}

void gl_activate(const gl_layer *layer, int is_gate, int16_t *row, uint32_t n) {
  const uint32_t kind = is_gate ? GL_U8(layer, GATE_ACTIVATION) : GL_U8(layer, ACTIVATION);
  const int32_t param = GL_S16(layer, ACTIVATION_PARAM);
  const int16_t *end = row + n;
  if (kind == GATELET_ACTIVATION_TANH || kind == GATELET_ACTIVATION_SIGMOID) {
    gl_m4_tanh_row(row, end, gl_tanh_half, kind == GATELET_ACTIVATION_SIGMOID);
  } else if (kind == GATELET_ACTIVATION_HARD_SIGMOID || kind == GATELET_ACTIVATION_RELU) {
    const int is_hard = kind == GATELET_ACTIVATION_HARD_SIGMOID;
    clip_row(row, end, is_hard ? 16384 : 0, is_hard ? 32767 : param);
  } else if (kind == GATELET_ACTIVATION_TABLE) {
    const int16_t *table = gl_row_at(is_gate ? GL_TENSOR(layer, GATE_TABLE) : GL_TENSOR(layer, TABLE));
    for (; row != end; row++) *row = (int16_t)interpolate(table, *row);
  } else if (kind == GATELET_ACTIVATION_LEAKY) {
    for (; row != end; row++) {
      *row = (int16_t)gl_select(*row >> 31, gl_add(gl_mul(*row, param), 1 << 14) >> 15, *row);
    }
  }
}

#if GL_HAS(ACTIVATION)
int gl_activation_row(const gl_layer *layer) {
  const int32_t multiplier = GL_S32(layer, MULTIPLIER);
  const uint32_t n = GL_U16(layer, OUTPUT_SIZE);
  int16_t *out = GL_ARENA(layer, OUTPUT);
  for (uint32_t i = 0; i < n; i++) {
    out[i] = (int16_t)gl_sat16(gl_mulh((int32_t)((uint32_t)layer->input[i] << 16), multiplier));
  }
  gl_activate(layer, 0, out, n);
  return gl_emit_row(layer);
}
#endif
