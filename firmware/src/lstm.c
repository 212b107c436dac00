/* LSTM, KERNELS.md (18) to (21). A quad holds the four gates of one unit, so its cell is updated right behind it. */
#include "matvec.h"

#if GL_HAS(LSTM)

/* (19) */
GL_INLINE int32_t next_cell(int32_t i, int32_t f, int32_t g, int32_t c, uint32_t cell_shift) {
  const int32_t kept = gl_add(gl_mul(f, c), 1 << 14);
  return gl_sat16_shift15(gl_add(kept, gl_mul(i, g) >> cell_shift));
}

/* argument of (20) */
GL_INLINE int32_t cell_output(int32_t c, int32_t multiplier) {
  return gl_sat16(gl_mulh((int32_t)((uint32_t)c << 16), multiplier));
}

/* (21) */
GL_INLINE int32_t next_hidden(int32_t o, int32_t t) { return gl_sat16_shift15(gl_add(gl_mul(o, t), 1 << 14)); }

#if GATELET_CORTEX_M4

/* All units in one go. */
GL_INLINE void layer_sigmoid_tanh(const gl_layer *layer, int16_t *state, int16_t *next, uint32_t hidden) {
  gl_fused_matvec l;
  (void)gl_matvec_recurrent(&l.m, layer, state);
  l.table = gl_tanh_half;
  l.cell = state + gl_pad8(hidden);
  l.cell_shift = GL_U8(layer, SHIFT);
  l.multiplier = GL_S32(layer, MULTIPLIER);
  gl_quads_run(&l.m, next, next + hidden, GL_M4_LSTM);
}

#else

/* SIGMOID gates and TANH: everything inline */
static void units_sigmoid_tanh(const gl_layer *layer, const int16_t *p, int16_t *c, int16_t *h, uint32_t n) {
  const uint32_t *table = gl_tanh_half;
  const uint32_t cell_shift = GL_U8(layer, SHIFT);
  const int32_t multiplier = GL_S32(layer, MULTIPLIER);
  const int16_t *end = h + n;
  uint32_t pair = GL_TANH_PAIR;
  for (; h != end; p += 4) {
    const int32_t i = gl_sigmoid_v(table, p[0], &pair);
    const int32_t f = gl_sigmoid_v(table, p[1], &pair);
    const int32_t g = gl_tanh_v(table, p[2], &pair);
    const int32_t next = next_cell(i, f, g, *c, cell_shift);
    const int32_t o = gl_sigmoid_v(table, p[3], &pair);
    *c++ = (int16_t)next;
    *h++ = (int16_t)next_hidden(o, gl_tanh_v(table, cell_output(next, multiplier), &pair));
  }
}

static void layer_sigmoid_tanh(const gl_layer *layer, int16_t *state, int16_t *next, uint32_t hidden) {
  int16_t *c = state + gl_pad8(hidden);
  gl_matvec m;
  (void)gl_matvec_recurrent(&m, layer, state);
  for (uint32_t u = 0; u < hidden; u++) {
    int16_t p[4];
    gl_quads_s16(&m, p, 1);
    units_sigmoid_tanh(layer, p, c + u, next + u, 1);
  }
}

#endif

static __attribute__((noinline)) void layer_any(const gl_layer *layer, int16_t *state, int16_t *next,
                                                uint32_t hidden) {
  const gl_activation gate = gl_layer_gate(layer), activation = gl_layer_activation(layer);
  int16_t *c = state + gl_pad8(hidden);
  gl_matvec m;
  (void)gl_matvec_recurrent(&m, layer, state);
  for (uint32_t u = 0; u < hidden; u++) {
    int16_t p[4];
    gl_quads_s16(&m, p, 1);
    const int32_t i = gl_activate(&gate, p[0]);
    const int32_t f = gl_activate(&gate, p[1]);
    const int32_t g = gl_activate(&activation, p[2]);
    const int32_t o = gl_activate(&gate, p[3]);
    const int32_t cell = next_cell(i, f, g, c[u], GL_U8(layer, SHIFT));
    c[u] = (int16_t)cell;
    next[u] = (int16_t)next_hidden(o, gl_activate(&activation, cell_output(cell, GL_S32(layer, MULTIPLIER))));
  }
}

void gl_lstm(const gl_layer *layer) {
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE);
  int16_t *state = GL_ARENA(layer, STATE);
  int16_t *next = GL_ARENA(layer, SCRATCH);
  if (gl_is_sigmoid_tanh(layer)) {
    layer_sigmoid_tanh(layer, state, next, hidden);
  } else {
    layer_any(layer, state, next, hidden);
  }
  gl_zero_tail(next, hidden);
  gl_copy_blocks(state, next, gl_row_bytes(hidden));
}
#endif
