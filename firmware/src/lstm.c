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

/* Units that are finished at a time. */
#define GROUP 4u

typedef struct any_group {
  gl_matvec m;
  /* i, f, g, o of every unit; then g of all, which becomes the argument of (20), then its tanh */
  int16_t p[4 * GROUP], cell[GROUP];
} any_group;

/* (19) for n units; p is activated */
GL_NOINLINE void next_cells(any_group *g, const gl_layer *layer, int16_t *c, uint32_t n) {
  const uint32_t cell_shift = GL_U8(layer, SHIFT);
  const int32_t multiplier = GL_S32(layer, MULTIPLIER);
  const int16_t *p = g->p;
  for (uint32_t i = 0; i < n; i++, p += 4) {
    const int32_t next = next_cell(p[0], p[1], g->cell[i], c[i], cell_shift);
    c[i] = (int16_t)next;
    g->cell[i] = (int16_t)cell_output(next, multiplier);
  }
}

/* Pre-activations of n units -> their new h and c. */
GL_NOINLINE void finish_group(any_group *g, const gl_layer *layer, int16_t *h, int16_t *c, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) g->cell[i] = g->p[4u * i + 2u];
  gl_activate(layer, 1, g->p, 4u * n);
  gl_activate(layer, 0, g->cell, n);
  next_cells(g, layer, c, n);
  gl_activate(layer, 0, g->cell, n);
  for (uint32_t i = 0; i < n; i++) h[i] = (int16_t)next_hidden(g->p[4u * i + 3u], g->cell[i]);
}

GL_NOINLINE int layer_any(const gl_layer *layer) {
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE);
  int16_t *h = GL_ARENA(layer, SCRATCH), *c = GL_ARENA(layer, STATE) + gl_pad8(hidden);
  any_group g;
  (void)gl_matvec_recurrent(&g.m, layer);
  for (uint32_t u = 0; u < hidden; u += GROUP) {
    const uint32_t n = hidden - u < GROUP ? hidden - u : GROUP;
    gl_quads_s16(&g.m, g.p, n);
    finish_group(&g, layer, h + u, c + u, n);
  }
  return gl_keep_state(layer);
}

int gl_lstm(const gl_layer *layer) {
  return gl_is_sigmoid_tanh(layer) ? layer_sigmoid_tanh(layer) : layer_any(layer);
}
#endif
