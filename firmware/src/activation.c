/* Activation functions, KERNELS.md 2, and the kernel ACTIVATION (34). */

#include "internal.h"

/* (10) */
static int32_t interpolate(const int16_t *table, int32_t p) {
  const uint32_t u = (uint32_t)(p + 32768);
  const int16_t *at = table + (u >> 8);
  return at[0] + (((at[1] - at[0]) * (int32_t)(u & 255u) + 128) >> 8);
}

/* (9); limit 32767 and p + 16384: (8) */
GL_INLINE int32_t clip(int32_t p, int32_t limit) { return gl_min(p & ~(p >> 31), limit); }

int32_t gl_activate(const gl_activation *activation, int32_t p) {
  uint32_t pair = GL_TANH_PAIR;
  const uint32_t kind = activation->kind;
  if (kind == GATELET_ACTIVATION_TABLE) return interpolate(activation->table, p);
  if (kind == GATELET_ACTIVATION_HARD_SIGMOID) return clip(p + 16384, 32767);
  if (kind == GATELET_ACTIVATION_RELU) return clip(p, activation->param);
  if (kind == GATELET_ACTIVATION_LINEAR) return p;
  if (kind == GATELET_ACTIVATION_LEAKY) return gl_select(p >> 31, gl_add(gl_mul(p, activation->param), 1 << 14) >> 15, p);
  p = gl_tanh_v(gl_tanh_half, p, &pair);
  return kind == GATELET_ACTIVATION_SIGMOID ? (p + 32768) >> 1 : p;
}

static void activate_row(const gl_activation *activation, int16_t *row, uint32_t n) {
  const int16_t *end = row + n;
  uint32_t pair = GL_TANH_PAIR;
  if (activation->kind == GATELET_ACTIVATION_TANH) {
    const uint32_t *table = gl_tanh_half;
    for (; row != end; row++) *row = (int16_t)gl_tanh_v(table, *row, &pair);
  }
  for (; row != end; row++) *row = (int16_t)gl_activate(activation, *row);
}

void gl_activate_gates(const gl_layer *layer, int16_t *row, uint32_t n) {
  const gl_activation gate = gl_layer_gate(layer);
  activate_row(&gate, row, n);
}

void gl_activate_output(const gl_layer *layer, int16_t *row, uint32_t n) {
  const gl_activation activation = gl_layer_activation(layer);
  activate_row(&activation, row, n);
}

#if GL_HAS(ACTIVATION)
int gl_activation_row(const gl_layer *layer) {
  const gl_activation activation = gl_layer_activation(layer);
  const int32_t multiplier = GL_S32(layer, MULTIPLIER);
  const uint32_t n = GL_U16(layer, OUTPUT_SIZE);
  int16_t *out = GL_ARENA(layer, OUTPUT);
  for (uint32_t i = 0; i < n; i++) {
    const int32_t p = gl_sat16(gl_mulh((int32_t)((uint32_t)layer->input[i] << 16), multiplier));
    out[i] = (int16_t)gl_activate(&activation, p);
  }
  return gl_emit_row(layer);
}
#endif
