/*
 * GRU with reset after, KERNELS.md (25): the candidate has an input row and a recurrent row of its own. The update gates of
 * all units wait in the row of the new state; the three other quads of a group come one behind the other. With sigmoid gates and
 * tanh, Cortex-M4 assembly does whole groups.
 */
#include "gru.h"

#if GL_HAS(GRU_RESET_AFTER)

/* (25) up to the saturated pre-activation */
GL_INLINE int32_t candidate(int32_t r, int32_t from_input, int32_t from_state) {
  const int32_t gated = gl_add(gl_mul(r, from_state), 1 << 13) >> 14;
  return gl_sat16(gl_add(gl_mul(2, from_input), gated));
}

/* Update gates of all units, into the row of the new state. Leaves m.first as it was. */
GL_INLINE void run_update_gates(gl_matvec *m, int16_t *next, uint32_t quads, uint32_t skip) {
  const gl_part first = m->first;
  gl_matvec_seek(m, m->weights, skip, m->params, 3);
  gl_quads_s16(m, next, quads);
  m->first = first;
}

/* The new state in the place of the old one. */
GL_INLINE void finish(int16_t *state, int16_t *next, uint32_t hidden) {
  gl_zero_tail(next, hidden);
  gl_copy_blocks(state, next, gl_row_bytes(hidden));
}

/* How the file orders a group: update gates, reset gates, candidates' input rows, their recurrent rows. */
typedef struct gru_group {
  uint32_t input_bytes, state_bytes, both_bytes, bytes, quads;
} gru_group;

GL_INLINE gru_group group_of(const gl_layer *layer, const gl_matvec *m) {
  gru_group g;
  g.input_bytes = gl_part_bytes(m, GL_U16(layer, INPUT_SIZE));
  g.state_bytes = gl_part_bytes(m, GL_U16(layer, OUTPUT_SIZE));
  g.both_bytes = g.input_bytes + g.state_bytes;
  g.bytes = 3u * g.both_bytes;
  g.quads = gl_pad4(GL_U16(layer, OUTPUT_SIZE)) >> 2;
  return g;
}

#if GATELET_CORTEX_M4

GL_INLINE gl_part lone_part(uint32_t x, uint32_t step_back, uint32_t entry, uint32_t trick_bias, uint32_t rounds) {
  gl_part part;
  part.x = x;
  part.step_back = step_back;
  part.entry = entry;
  part.extra = trick_bias;
  part.rounds = rounds;
  return part;
}

/* Everything in one go, but the update gates. */
static __attribute__((noinline)) void layer_sigmoid_tanh(const gl_layer *layer, int16_t *state, int16_t *next) {
  gl_after_matvec a;
  gl_matvec *m = &a.f.m;
  const gl_sums_pair sums = gl_matvec_recurrent(m, layer, state);
  const gru_group g = group_of(layer, m);
  const int swapped = GL_U8(layer, RECURRENT_FIRST) != 0u;
  const uint8_t *weights = m->weights, *params = m->params;
  const gl_part *first = &m->first;
  const gl_second_part *second = &m->second;
  run_update_gates(m, next, g.quads, g.bytes - g.both_bytes);
  gl_part *of_first = swapped ? &a.state : &a.input, *of_second = swapped ? &a.input : &a.state;
  *of_first = lone_part(first->x, first->step_back, first->entry, gl_trick_bias(m, swapped ? sums.state : sums.input),
                        (first->rounds & ~0xffu) | (swapped ? GL_M4_AFTER_STATE : GL_M4_AFTER_INPUT));
  *of_second = lone_part(second->x, second->step_back, second->entry, gl_trick_bias(m, swapped ? sums.input : sums.state),
                         (second->rounds & ~0xffu) | (swapped ? GL_M4_AFTER_INPUT : GL_M4_AFTER_STATE));
  gl_matvec_seek(m, weights + g.both_bytes, g.both_bytes, params + GATELET_ROW_PARAM_BYTES, 1);
  a.f.table = gl_tanh_half;
  a.f.cell = state;
  gl_quads_run(m, next, next + 4u * g.quads, GL_M4_AFTER_RESET);
  finish(state, next, GL_U16(layer, OUTPUT_SIZE));
}

#endif

typedef struct gru_batch {
  int16_t reset[4];
  int32_t from_input[4];
  int32_t from_state[4];
} gru_batch;

#if !GATELET_CORTEX_M4

/* next: pre-activations of the update gates, then the new state */
GL_INLINE void units_sigmoid_tanh(const gru_batch *b, const int16_t *h, int16_t *next, uint32_t n) {
  const uint32_t *table = gl_tanh_half;
  uint32_t pair = GL_TANH_PAIR;
  for (uint32_t i = 0; i < n; i++) {
    const int32_t r = gl_sigmoid_v(table, b->reset[i], &pair);
    const int32_t g = gl_tanh_v(table, candidate(r, b->from_input[i], b->from_state[i]), &pair);
    next[i] = (int16_t)gl_gru_next(gl_sigmoid_v(table, next[i], &pair), g, h[i]);
  }
}

#endif

static __attribute__((noinline)) void units_any(const gl_layer *layer, const gru_batch *b, const int16_t *h,
                                                int16_t *next, uint32_t n) {
  const gl_activation gate = gl_layer_gate(layer), activation = gl_layer_activation(layer);
  for (uint32_t i = 0; i < n; i++) {
    const int32_t r = gl_activate(&gate, b->reset[i]);
    const int32_t g = gl_activate(&activation, candidate(r, b->from_input[i], b->from_state[i]));
    next[i] = (int16_t)gl_gru_next(gl_activate(&gate, next[i]), g, h[i]);
  }
}

/* Group by group, with any activations. */
static __attribute__((noinline)) void layer_any(const gl_layer *layer, int16_t *state, int16_t *next) {
  const uint32_t inputs = GL_U16(layer, INPUT_SIZE), hidden = GL_U16(layer, OUTPUT_SIZE);
  gl_matvec m;
  const gl_sums_pair sums = gl_matvec_recurrent(&m, layer, state);
  const gru_group g = group_of(layer, &m);
  const uint8_t *weights = m.weights, *params = m.params;
  const gl_both_parts both = gl_matvec_both(&m);
  run_update_gates(&m, next, g.quads, g.bytes - g.both_bytes);
  for (uint32_t u = 0; u < hidden; u += 4u, weights += g.bytes, params += 4u * GATELET_ROW_PARAM_BYTES) {
    gru_batch batch;
    gl_matvec_use_again(&m, &both);
    gl_matvec_seek(&m, weights + g.both_bytes, 0, params + GATELET_ROW_PARAM_BYTES, 0);
    gl_quads_s16(&m, batch.reset, 1);
    gl_matvec_use(&m, gl_matvec_part(&m, layer->input, inputs), sums.input);
    gl_quads_s32(&m, batch.from_input, 1);
    gl_matvec_use(&m, gl_matvec_part(&m, state, hidden), sums.state);
    gl_quads_s32(&m, batch.from_state, 1);
    const uint32_t n = hidden - u < 4u ? hidden - u : 4u;
#if !GATELET_CORTEX_M4
    if (gl_is_sigmoid_tanh(layer)) {
      units_sigmoid_tanh(&batch, state + u, next + u, n);
      continue;
    }
#endif
    units_any(layer, &batch, state + u, next + u, n);
  }
  finish(state, next, hidden);
}

void gl_gru_reset_after(const gl_layer *layer) {
  int16_t *state = GL_ARENA(layer, STATE);
  int16_t *next = GL_ARENA(layer, SCRATCH);
#if GATELET_CORTEX_M4
  if (gl_is_sigmoid_tanh(layer)) {
    layer_sigmoid_tanh(layer, state, next);
    return;
  }
#endif
  layer_any(layer, state, next);
}
#endif
