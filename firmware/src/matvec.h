/* Rows of weights times one or two rows of int16, KERNELS.md 3: the interface of portable C and Cortex-M4 assembly. */
#ifndef GATELET_MATVEC_H
#define GATELET_MATVEC_H

#include "internal.h"
#include "matvec_layout.h"

#ifdef __cplusplus
extern "C" {
#endif

#if GATELET_CORTEX_M4
typedef struct gl_part {
  uint32_t x;
  uint32_t step_back;
  uint32_t entry;
  uint32_t rounds;
} gl_part;
#else
typedef struct gl_part {
  const int16_t *x;
  uint32_t units;
} gl_part;
#endif

typedef struct gl_cursor {
  uint32_t shift;
  /* 128 (8 at 4 bits) times the sum of the columns, the first part's shifted */
  uint32_t trick_bias;
  const uint8_t *params;
  const uint8_t *weights;
} gl_cursor;

/* `lone` serves quads over the second part only; both cursors move on with the quads they served. */
typedef struct gl_matvec {
  gl_part part[2];
  gl_cursor cursor;
  gl_cursor lone;
  uint32_t bits;
} gl_matvec;

/* Weights, row parameters, bits and shift from the record. The parts follow. */
void gl_matvec_begin(gl_matvec *m, const gl_layer *layer);

/* Sets part 0 or 1 to a row of `columns` values. Part 0 first; part 1 is used where it was set. Does not touch the sums. */
void gl_matvec_part(gl_matvec *m, uint32_t index, const int16_t *x, uint32_t columns);

/* Sum of the columns as quads see them: lanes up to the pad of the weights' blocks. */
uint32_t gl_matvec_sum(const gl_matvec *m, const int16_t *x, uint32_t columns);

/* Tells the sums of both parts (second 0 where there is none). */
GL_INLINE void gl_matvec_sums(gl_matvec *m, uint32_t first, uint32_t second) {
  m->cursor.trick_bias = ((first << m->cursor.shift) + second) << (m->bits == 8u ? 7 : 3);
}

/* The same for input and state in the order that the record says. */
GL_INLINE void gl_matvec_sums_of(gl_matvec *m, const gl_layer *layer, uint32_t input, uint32_t state) {
  if (GL_U8(layer, RECURRENT_FIRST) != 0u) {
    gl_matvec_sums(m, state, input);
  } else {
    gl_matvec_sums(m, input, state);
  }
}

/* Puts another row of as many columns in the place of a part. */
GL_INLINE void gl_matvec_move(gl_matvec *m, uint32_t index, const int16_t *from, const int16_t *to) {
#if GATELET_CORTEX_M4
  m->part[index].x += (uint32_t)((uintptr_t)to - (uintptr_t)from);
#else
  (void)from;
  m->part[index].x = to;
#endif
}

/* One row: part 0 with its sum. */
GL_INLINE void gl_matvec_single(gl_matvec *m, const gl_layer *layer, const int16_t *x, uint32_t columns) {
  gl_matvec_begin(m, layer);
  gl_matvec_part(m, 0, x, columns);
  gl_matvec_sums(m, gl_matvec_sum(m, x, columns), 0);
}

/* Input and state in the order that the record says, no sums yet. Returns the sum of the input columns. */
uint32_t gl_matvec_recurrent(gl_matvec *m, const gl_layer *layer, const int16_t *state);

/* The next quads: saturated to int16 (15), 4 values each. */
void gl_quads_s16(gl_matvec *m, int16_t *out, uint32_t quads);
/* Negative values become 0 as well. */
void gl_quads_relu(gl_matvec *m, int16_t *out, uint32_t quads);
/* q of (15), not saturated. */
void gl_quads_s32(gl_matvec *m, int32_t *out, uint32_t quads);
/* One quad over part 0 or part 1 only, whose columns have this sum; not saturated, no shift. */
void gl_quad_of_part(gl_matvec *m, uint32_t index, uint32_t sum, int32_t *out);

/* A whole row of `values` outputs: quads, activation, zero tail. */
void gl_matvec_row(gl_matvec *m, const gl_activation *activation, int16_t *out, uint32_t values);

#ifdef __cplusplus
}
#endif

#endif
