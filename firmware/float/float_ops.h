/* The float32 baseline: the same graphs as plain C, to compare with. Whole windows, layer by layer, no heap. */
#ifndef GATELET_FLOAT_OPS_H
#define GATELET_FLOAT_OPS_H

#include <stdint.h>

#include "float_map.h"

/* One record of the program, with what it works on. */
typedef struct float_op {
  const uint32_t *record;
  /* the program's words seen as floats: weights */
  const float *constants;
  float *arena;
} float_op;

static inline uint32_t float_word(const float_op *op, uint32_t at) { return op->record[at]; }
static inline const float *float_weights(const float_op *op, uint32_t at) { return op->constants + op->record[at]; }
static inline float *float_buffer(const float_op *op, uint32_t at) { return op->arena + op->record[at]; }

float float_exp(float x);
/* Applies the activation whose three words begin at `at` of the record. */
void float_activate(const float_op *op, uint32_t at, float *values, uint32_t count);

/* out[i] += sum of weights[i * stride + k] * x[k], k < count, for i < rows. */
void float_multiply_add(float *out, const float *weights, uint32_t stride, const float *x, uint32_t count, uint32_t rows);

void float_dense(const float_op *op);
void float_conv1d(const float_op *op);
void float_depthwise(const float_op *op);
void float_pool(const float_op *op);
void float_global_pool(const float_op *op);
void float_rnn(const float_op *op);
void float_lstm(const float_op *op);
void float_gru(const float_op *op);
void float_minimal_gru(const float_op *op);
void float_fastgrnn(const float_op *op);
void float_affine(const float_op *op);
void float_softmax(const float_op *op);
void float_reverse(const float_op *op);
void float_merge(const float_op *op);
void float_repeat(const float_op *op);

#endif
