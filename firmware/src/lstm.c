/* LSTM, KERNELS.md (18) to (21). A quad holds the four gates of one unit, so its cell is updated right behind it. */
#include "small.h"

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

/* Sigmoid gates and tanh: all units in one go. */
GL_NOINLINE int layer_sigmoid_tanh(const gl_layer *layer) {
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE);
  int16_t *next = GL_ARENA(layer, SCRATCH);
  gl_gated_matvec l;
  (void)gl_matvec_recurrent(&l.m, layer);
  l.units.fused.table = gl_tanh_half;
  l.units.fused.cell = GL_ARENA(layer, STATE) + gl_pad8(hidden);
  l.units.fused.cell_shift = GL_U8(layer, SHIFT);
  l.units.fused.multiplier = GL_S32(layer, MULTIPLIER);
  gl_quads_run(&l.m, next, next + hidden, GL_M4_LSTM);
  return gl_keep_state(layer);
}

#else

/* Sigmoid gates and tanh: everything inline. */
GL_NOINLINE int layer_sigmoid_tanh(const gl_layer *layer) {
  const uint32_t *table = gl_tanh_half;
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE), cell_shift = GL_U8(layer, SHIFT);
  const int32_t multiplier = GL_S32(layer, MULTIPLIER);
  int16_t *h = GL_ARENA(layer, SCRATCH), *c = GL_ARENA(layer, STATE) + gl_pad8(hidden);
  const int16_t *end = h + hidden;
  uint32_t pair = GL_TANH_PAIR;
  gl_matvec m;
  (void)gl_matvec_recurrent(&m, layer);
  while (h != end) {
    int16_t p[4];
    gl_quads_s16(&m, p, 1);
    const int32_t i = gl_sigmoid_v(table, p[0], &pair);
    const int32_t f = gl_sigmoid_v(table, p[1], &pair);
    const int32_t g = gl_tanh_v(table, p[2], &pair);
    const int32_t next = next_cell(i, f, g, *c, cell_shift);
    const int32_t o = gl_sigmoid_v(table, p[3], &pair);
    *c++ = (int16_t)next;
    *h++ = (int16_t)next_hidden(o, gl_tanh_v(table, cell_output(next, multiplier), &pair));
  }
  return gl_keep_state(layer);
}

#endif

GL_NOINLINE int layer_any(const gl_layer *layer) {
  const gl_activation gate = gl_layer_gate(layer), activation = gl_layer_activation(layer);
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE);
  int16_t *h = GL_ARENA(layer, SCRATCH), *c = GL_ARENA(layer, STATE) + gl_pad8(hidden);
  const int16_t *end = h + hidden;
  gl_matvec m;
  (void)gl_matvec_recurrent(&m, layer);
  while (h != end) {
    int16_t p[4];
    gl_quads_s16(&m, p, 1);
    const int32_t i = gl_activate(&gate, p[0]), f = gl_activate(&gate, p[1]);
    const int32_t next = next_cell(i, f, gl_activate(&activation, p[2]), *c, GL_U8(layer, SHIFT));
    const int32_t o = gl_activate(&gate, p[3]);
    *c++ = (int16_t)next;
    *h++ = (int16_t)next_hidden(o, gl_activate(&activation, cell_output(next, GL_S32(layer, MULTIPLIER))));
  }
  return gl_keep_state(layer);
}

int gl_lstm(const gl_layer *layer) {
  return gl_is_sigmoid_tanh(layer) ? layer_sigmoid_tanh(layer) : layer_any(layer);
}
#endif
