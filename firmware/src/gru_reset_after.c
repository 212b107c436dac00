/*
 * GRU with reset after, KERNELS.md (25): the candidate has an input row and a recurrent row of its own. The update gates of
 * all units wait in the row of the new state; the three other quads of a group come one behind the other. With sigmoid gates and
 * tanh, Cortex-M4 assembly does whole groups.
 */
#include "small.h"

#include "gru.h"

#if GL_HAS(GRU_RESET_AFTER)

/* (25) up to the saturated pre-activation */
GL_INLINE int32_t candidate(int32_t r, int32_t from_input, int32_t from_state) {
  const int32_t gated = gl_add(gl_mul(r, from_state), 1 << 13) >> 14;
  return gl_sat16(gl_add(gl_mul(2, from_input), gated));
}

/* How the file orders a group: update gates, reset gates, candidates' input rows, their recurrent rows. */
GL_INLINE uint32_t both_bytes(const gl_layer *layer, const gl_matvec *m) {
  return gl_part_bytes(m, GL_U16(layer, INPUT_SIZE)) + gl_part_bytes(m, GL_U16(layer, OUTPUT_SIZE));
}

/* Seeks the update gates, whose pre-activations go into the row of the new state; `bytes` of both parts. */
GL_INLINE void seek_update_gates(gl_matvec *m, uint32_t bytes) {
  gl_matvec_seek(m, m->weights, 2u * bytes, m->params, 3);
}

#if GATELET_CORTEX_M4

/* Quads of a whole row into that of the new state: a jump, which needs no stack of its own. */
GL_NOINLINE void run_row(gl_matvec *m, uint32_t flags, const gl_layer *layer) {
  int16_t *next = GL_ARENA(layer, SCRATCH);
  gl_quads_run(m, next, next + gl_pad4(GL_U16(layer, OUTPUT_SIZE)), flags);
}

/* Parts alone, of input and state. */
GL_NOINLINE void set_up(gl_after_matvec *a, const gl_layer *layer, gl_sums_pair sums) {
  const gl_matvec *m = &a->m;
  const int swapped = GL_U8(layer, RECURRENT_FIRST) != 0u;
  gl_part *first = swapped ? &a->state : &a->input, *second = swapped ? &a->input : &a->state;
  a->table = gl_tanh_half;
  a->cell = GL_ARENA(layer, STATE);
  *first = m->first;
  second->x = m->second.x;
  second->step_back = m->second.step_back;
  second->entry = m->second.entry;
  second->rounds = m->second.rounds;
  a->input.extra = gl_trick_bias(m, (uint32_t)sums);
  a->input.rounds = (a->input.rounds & ~0xffu) | GL_M4_AFTER_INPUT;
  a->state.extra = gl_trick_bias(m, (uint32_t)(sums >> 32));
  a->state.rounds = (a->state.rounds & ~0xffu) | GL_M4_AFTER_STATE;
}

/* Behind the update gates: the reset gates, with the update gates skipped. */
GL_NOINLINE void seek_reset_gates(gl_matvec *m, const gl_layer *layer, uint32_t bytes) {
  gl_matvec_unskip(m, 2u * bytes);
  gl_matvec_seek(m, gl_weights_of(layer) + bytes, bytes, GL_TENSOR(layer, ROW_PARAMS) + GATELET_ROW_PARAM_BYTES, 1);
}

/* Sigmoid gates and tanh: everything in one go, but the update gates. Little is alive beside `a`: the stack is short. */
GL_NOINLINE int layer_sigmoid_tanh(const gl_layer *layer) {
  gl_after_matvec a;
  const gl_sums_pair sums = gl_matvec_recurrent(&a.m, layer);
  set_up(&a, layer, sums);
  seek_update_gates(&a.m, both_bytes(layer, &a.m));
  run_row(&a.m, GL_M4_BOTH, layer);
  seek_reset_gates(&a.m, layer, both_bytes(layer, &a.m));
  run_row(&a.m, GL_M4_AFTER_RESET, layer);
  return gl_keep_state(layer);
}

#endif

typedef struct any_group {
  gl_matvec m;
  /* of input and state */
  uint32_t input_sum, state_sum;
  int32_t from_input[4], from_state[4];
  /* reset gates, then candidates */
  int16_t r[4];
} any_group;

/* Behind the update gates: the reset gates of the first group. */
GL_NOINLINE void seek_first_group(gl_matvec *m, const gl_layer *layer, uint32_t bytes) {
  gl_matvec_unskip(m, 2u * bytes);
  gl_matvec_seek(m, gl_weights_of(layer) + bytes, 0, GL_TENSOR(layer, ROW_PARAMS) + GATELET_ROW_PARAM_BYTES, 0);
}

GL_NOINLINE void swap_if(any_group *g, int condition) {
  if (condition) gl_matvec_swap(&g->m);
}

GL_INLINE void use_input(any_group *g, const gl_layer *layer) {
  swap_if(g, GL_U8(layer, RECURRENT_FIRST) != 0u);
  gl_matvec_use_first(&g->m, g->input_sum);
}

GL_INLINE void use_state(any_group *g) {
  swap_if(g, 1);
  gl_matvec_use_first(&g->m, g->state_sum);
}

/* Behind the recurrent rows; the next group's update gates are skipped. */
GL_INLINE void use_both(any_group *g, const gl_layer *layer) {
  swap_if(g, GL_U8(layer, RECURRENT_FIRST) == 0u);
  gl_matvec_use_both(&g->m, layer, g->input_sum, g->state_sum);
  g->m.weights += both_bytes(layer, &g->m);
  g->m.params += GATELET_ROW_PARAM_BYTES;
}

GL_NOINLINE void make_candidates(any_group *g) {
  for (uint32_t i = 0; i < 4u; i++) g->r[i] = (int16_t)candidate(g->r[i], g->from_input[i], g->from_state[i]);
}

/* The new state of units u .. u + 3 from candidates and z. */
GL_NOINLINE void update_group(const any_group *g, const gl_layer *layer, uint32_t u) {
  const uint32_t n = GL_U16(layer, OUTPUT_SIZE) - u < 4u ? GL_U16(layer, OUTPUT_SIZE) - u : 4u;
  const int16_t *h = GL_ARENA(layer, STATE) + u;
  int16_t *next = GL_ARENA(layer, SCRATCH) + u;
  for (uint32_t i = 0; i < n; i++) next[i] = (int16_t)gl_gru_next(next[i], g->r[i], h[i]);
}

/* With any activations, group by group. Little is alive beside `g`. */
GL_NOINLINE int layer_any(const gl_layer *layer) {
  const uint32_t hidden = GL_U16(layer, OUTPUT_SIZE);
  any_group group, *g = &group;
  GL_OPAQUE(g);
  const gl_sums_pair sums = gl_matvec_recurrent(&g->m, layer);
  g->input_sum = (uint32_t)sums;
  g->state_sum = (uint32_t)(sums >> 32);
  seek_update_gates(&g->m, both_bytes(layer, &g->m));
  gl_quads_s16(&g->m, GL_ARENA(layer, SCRATCH), gl_pad4(hidden) >> 2);
  gl_activate(layer, 1, GL_ARENA(layer, SCRATCH), hidden);
  seek_first_group(&g->m, layer, both_bytes(layer, &g->m));
  for (uint32_t u = 0; u < hidden; u += 4u) {
    gl_quads_s16(&g->m, g->r, 1);
    gl_activate(layer, 1, g->r, 4);
    use_input(g, layer);
    gl_quads_s32(&g->m, g->from_input, 1);
    use_state(g);
    gl_quads_s32(&g->m, g->from_state, 1);
    use_both(g, layer);
    make_candidates(g);
    gl_activate(layer, 0, g->r, 4);
    update_group(g, layer, u);
  }
  return gl_keep_state(layer);
}

int gl_gru_reset_after(const gl_layer *layer) {
#if GATELET_CORTEX_M4
  if (gl_is_sigmoid_tanh(layer)) return layer_sigmoid_tanh(layer);
#endif
  return layer_any(layer);
}
#endif
