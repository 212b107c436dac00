/* Rows of weights times one or two rows of int16, KERNELS.md 3: the interface of portable C and Cortex-M4 assembly. */
#ifndef GATELET_MATVEC_H
#define GATELET_MATVEC_H

#include "internal.h"
#include "matvec_layout.h"

/* which of the functions below are built in */
#define GL_HAS_GRU (GL_HAS(GRU) || GL_HAS(MINIMAL_GRU))
#define GL_HAS_RECURRENT (GL_HAS(RNN) || GL_HAS(LSTM) || GL_HAS_GRU || GL_HAS(GRU_RESET_AFTER) || GL_HAS(FASTGRNN))
#define GL_HAS_OVER (GL_HAS(DENSE) || GL_HAS(CONV1D))

#ifdef __cplusplus
extern "C" {
#endif

#if GATELET_CORTEX_M4

/* What a part costs to set up is paid once a step; layout: matvec_layout.h. */
typedef struct gl_part {
  uint32_t x, step_back, entry;
  /* of one part alone: bias of the trick, -128 (-8 at 4 bits) times the sum of the columns; of the first of two: bytes of
   * parameters to skip before every quad */
  uint32_t extra;
  uint32_t rounds;
} gl_part;

typedef struct gl_second_part {
  uint32_t x, step_back, entry;
  /* alignShift, between the parts' sums; then the bias of the trick of both, the first part's shifted */
  uint32_t shift, trick_bias;
  uint32_t rounds;
} gl_second_part;

typedef struct gl_matvec {
  gl_second_part second;
  gl_part first;
  const uint8_t *params;
  /* like x, 4 bytes before */
  const uint8_t *weights;
  uint32_t bits;
} gl_matvec;

/* What units with sigmoid gates and tanh need beside: they are finished in assembly. */
typedef struct gl_fused_units {
  const uint32_t *table;
  /* LSTM: next c; GRU: next old h */
  int16_t *cell;
  /* LSTM alone */
  uint32_t cell_shift;
  int32_t multiplier;
} gl_fused_units;

/* GRU with reset after: a group of units is a quad of reset gates over both parts, then one over each part alone. */
typedef struct gl_after_matvec {
  gl_matvec m;
  const uint32_t *table;
  int16_t *cell;
  gl_part input, state;
  int32_t reset[4], from_input[4];
} gl_after_matvec;

/* What the quads of a row over one part need. At 4 bits `first_sums`, which every quad begins with, take the place of more. */
typedef struct gl_alone {
  union {
    gl_part part;
    struct {
      uint32_t x, step_back, entry, first_sums[4], rounds;
    } part4;
  } u;
  uint32_t behind_half;
} gl_alone;

#define GL_M4_OFFSET(type, field) ((int)offsetof(type, field) - (int)offsetof(gl_matvec, first))

void gl_m4_quads(gl_part *first, void *out, const void *end, uint32_t flags);
void gl_m4_row(const gl_layer *layer, const int16_t *x, uint32_t columns, uint32_t sum, gl_alone *alone);
uint32_t gl_m4_conv1d(const gl_layer *layer, gl_alone *alone);

#else

typedef struct gl_part {
  const int16_t *x;
  uint32_t units;
} gl_part;

typedef struct gl_matvec {
  gl_part first, second;
  uint32_t uses_second;
  uint32_t shift;
  uint32_t trick_bias;
  const uint8_t *params;
  uint32_t params_skip;
  const uint8_t *weights;
  uint32_t weights_skip;
  uint32_t bits;
} gl_matvec;

#endif

/* Units with other activations that are finished at a time. */
#define GL_UNITS 8u

/* Either way, in the same place: the stack of a step is short. */
typedef struct gl_gated_matvec {
  gl_matvec m;
  union {
#if GATELET_CORTEX_M4
    gl_fused_units fused;
#endif
    int16_t p[GL_UNITS];
  } units;
} gl_gated_matvec;

/* Bytes of weights of one quad over `columns`. */
GL_INLINE uint32_t gl_part_bytes(const gl_matvec *m, uint32_t columns) {
  return m->bits == 8u ? 4u * gl_pad4(columns) : 2u * gl_pad8(columns);
}

/* Bias of the trick for a sum of columns. */
GL_INLINE uint32_t gl_trick_bias(const gl_matvec *m, uint32_t sum) {
#if GATELET_CORTEX_M4
  return (0u - sum) << (m->bits == 8u ? 7 : 3);
#else
  return sum << (m->bits == 8u ? 7 : 3);
#endif
}

/* The next quads use the first part alone; `sum` of its columns. Nothing may be skipped in weights or parameters. */
GL_INLINE void gl_matvec_use_first(gl_matvec *m, uint32_t sum) {
#if GATELET_CORTEX_M4
  m->first.extra = gl_trick_bias(m, sum);
  m->first.rounds &= ~0xffu;
#else
  m->trick_bias = gl_trick_bias(m, sum);
  m->uses_second = 0;
#endif
}

/* First and second part change places. */
GL_INLINE void gl_matvec_swap(gl_matvec *m) {
  const gl_part first = m->first;
#if GATELET_CORTEX_M4
  m->first.x = m->second.x;
  m->first.step_back = m->second.step_back;
  m->first.entry = m->second.entry;
  m->first.rounds = m->second.rounds;
  m->second.x = first.x;
  m->second.step_back = first.step_back;
  m->second.entry = first.entry;
  m->second.rounds = first.rounds;
#else
  m->first = m->second;
  m->second = first;
#endif
}

/* Another row of as many columns in the place of the first (0) or second (1) part. */
GL_INLINE void gl_matvec_move(gl_matvec *m, uint32_t index, const int16_t *from, const int16_t *to) {
#if GATELET_CORTEX_M4
  uint32_t *x = index == 0u ? &m->first.x : &m->second.x;
  *x += (uint32_t)((uintptr_t)to - (uintptr_t)from);
#else
  (void)from;
  if (index == 0u) {
    m->first.x = to;
  } else {
    m->second.x = to;
  }
#endif
}

/* Where the next quads over both parts lie, and the bytes of weights and quads of parameters to skip behind each. */
GL_INLINE void gl_matvec_seek(gl_matvec *m, const uint8_t *weights, uint32_t weights_skip, const uint8_t *params,
                              uint32_t quads_skip) {
#if GATELET_CORTEX_M4
  m->first.extra = GATELET_ROW_PARAM_BYTES * quads_skip;
  m->params = params - m->first.extra;
  m->weights = weights - weights_skip;
  m->first.step_back -= weights_skip;
#else
  m->params = params;
  m->params_skip = GATELET_ROW_PARAM_BYTES * quads_skip;
  m->weights = weights;
  m->weights_skip = weights_skip;
#endif
}

/* Forgets what is skipped in the weights. */
GL_INLINE void gl_matvec_unskip(gl_matvec *m, uint32_t weights_skip) {
#if GATELET_CORTEX_M4
  m->first.step_back += weights_skip;
#else
  (void)weights_skip;
  m->weights_skip = 0;
#endif
}

/* Elsewhere, with what is skipped as it was. */
GL_INLINE void gl_matvec_seek_on(gl_matvec *m, const uint8_t *weights, uint32_t weights_skip, const uint8_t *params) {
#if GATELET_CORTEX_M4
  m->weights = weights - weights_skip;
  m->params = params - m->first.extra;
#else
  (void)weights_skip;
  m->weights = weights;
  m->params = params;
#endif
}

/* Weights as gl_matvec has them: for assembly 4 bytes before. */
GL_INLINE const uint8_t *gl_weights_of(const gl_layer *layer) {
  return GL_TENSOR(layer, WEIGHTS) - (GATELET_CORTEX_M4 ? 4 : 0);
}

/* Sum of the columns as quads see them: lanes up to the pad of the weights' blocks. */
uint32_t gl_matvec_sum(const gl_matvec *m, const int16_t *x, uint32_t columns);

/* Tells the sums of input and state of quads over both parts, in the order that the record says. */
GL_INLINE void gl_matvec_sums_of(gl_matvec *m, const gl_layer *layer, uint32_t input, uint32_t state) {
  const int swapped = GL_U8(layer, RECURRENT_FIRST) != 0u;
#if GATELET_CORTEX_M4
  m->second.trick_bias =
      gl_trick_bias(m, swapped ? (state << m->second.shift) + input : (input << m->second.shift) + state);
#else
  m->trick_bias = gl_trick_bias(m, swapped ? (state << m->shift) + input : (input << m->shift) + state);
#endif
}

/* Behind quads over the first part alone: over both again, with nothing to skip. */
GL_INLINE void gl_matvec_use_both(gl_matvec *m, const gl_layer *layer, uint32_t input, uint32_t state) {
#if GATELET_CORTEX_M4
  (void)layer, (void)input, (void)state;
  m->first.extra = 0;
  m->first.rounds |= GL_M4_HAS_SECOND;
#else
  m->uses_second = 1;
  gl_matvec_sums_of(m, layer, input, state);
#endif
}

/* All quads of the layer over one row of columns, into its output row; RELU is done, or int32 where the layer is OUT32. */
void gl_matvec_over(const gl_layer *layer, const int16_t *x, uint32_t columns);

/* Sums of the input (low word) and the state. */
typedef uint64_t gl_sums_pair;

/* Sets all up for quads over input and state in the order that the record says. */
gl_sums_pair gl_matvec_recurrent(gl_matvec *m, const gl_layer *layer);

#if GATELET_CORTEX_M4

/* Runs quads that fill [out, end), with flags of matvec_layout.h. */
GL_INLINE void gl_quads_run(gl_matvec *m, void *out, const void *end, uint32_t flags) {
  gl_m4_quads(&m->first, out, end, flags);
}

/* The next quads over both parts: saturated to int16 (15), 4 values each. */
GL_INLINE void gl_quads_s16(gl_matvec *m, int16_t *out, uint32_t quads) {
  gl_quads_run(m, out, out + 4u * quads, GL_M4_BOTH);
}

/* The next quads over one part: q of (15), not saturated. */
GL_INLINE void gl_quads_s32(gl_matvec *m, int32_t *out, uint32_t quads) {
  gl_quads_run(m, out, out + 4u * quads, GL_M4_WIDE);
}

#else

/* The next quads over both parts: saturated to int16 (15), 4 values each. */
void gl_quads_s16(gl_matvec *m, int16_t *out, uint32_t quads);
/* Negative values become 0 as well. */
void gl_quads_relu(gl_matvec *m, int16_t *out, uint32_t quads);
/* q of (15), not saturated. */
void gl_quads_s32(gl_matvec *m, int32_t *out, uint32_t quads);

#endif

/* The output row behind quads that did RELU already: other activations, zero tail; GL_EMITS. */
int gl_matvec_finish(const gl_layer *layer);

/* The layer's whole row over both parts: quads and activation, but not its tail. */
void gl_matvec_row(gl_matvec *m, const gl_layer *layer, int16_t *out);

#ifdef __cplusplus
}
#endif

#endif
