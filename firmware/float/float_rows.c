/* What works on rows without weights of its own. */
#include "float_ops.h"

void float_affine(const float_op *op) {
  const uint32_t rows = float_word(op, FLOAT_ROWS_OUT_AT), cols = float_word(op, FLOAT_COLS_OUT_AT);
  const float *x = float_buffer(op, FLOAT_INPUT_AT), *scale = float_weights(op, FLOAT_W0_AT);
  const float *offset = float_weights(op, FLOAT_B0_AT);
  float *out = float_buffer(op, FLOAT_OUTPUT_AT);
  for (uint32_t row = 0; row < rows; row++, x += cols, out += cols) {
    for (uint32_t col = 0; col < cols; col++) out[col] = x[col] * scale[col] + offset[col];
  }
}

void float_softmax(const float_op *op) {
  const uint32_t rows = float_word(op, FLOAT_ROWS_OUT_AT), cols = float_word(op, FLOAT_COLS_OUT_AT);
  const float *x = float_buffer(op, FLOAT_INPUT_AT);
  float *out = float_buffer(op, FLOAT_OUTPUT_AT);
  for (uint32_t row = 0; row < rows; row++, x += cols, out += cols) {
    float most = x[0], sum = 0.0f;
    for (uint32_t col = 1; col < cols; col++) most = x[col] > most ? x[col] : most;
    for (uint32_t col = 0; col < cols; col++) sum += out[col] = float_exp(x[col] - most);
    for (uint32_t col = 0; col < cols; col++) out[col] /= sum;
  }
}

void float_reverse(const float_op *op) {
  const uint32_t rows = float_word(op, FLOAT_ROWS_OUT_AT), cols = float_word(op, FLOAT_COLS_OUT_AT);
  const float *x = float_buffer(op, FLOAT_INPUT_AT);
  float *out = float_buffer(op, FLOAT_OUTPUT_AT);
  for (uint32_t row = 0; row < rows; row++) {
    for (uint32_t col = 0; col < cols; col++) out[row * cols + col] = x[(rows - 1u - row) * cols + col];
  }
}

static float merged(uint32_t mode, float sum, float value, float scale) {
  switch (mode) {
    case FLOAT_MERGE_ADD:
      return sum + value;
    case FLOAT_MERGE_SUBTRACT:
      return sum - value;
    case FLOAT_MERGE_MULTIPLY:
      return sum * value;
    case FLOAT_MERGE_MAXIMUM:
      return value > sum ? value : sum;
    case FLOAT_MERGE_MINIMUM:
      return value < sum ? value : sum;
    case FLOAT_MERGE_SCALE:
      return sum * scale;
    default: /* FLOAT_MERGE_COPY */
      return value;
  }
}

/* One input of a merge: its columns go to columns from FLOAT_PAD on; FLOAT_ACTIVATION + 1 holds the scale. */
void float_merge(const float_op *op) {
  const uint32_t rows = float_word(op, FLOAT_ROWS_OUT_AT), cols = float_word(op, FLOAT_COLS_OUT_AT);
  const uint32_t in = float_word(op, FLOAT_COLS_IN_AT), mode = float_word(op, FLOAT_MODE_AT);
  const float scale = *(const float *)(const void *)(op->record + FLOAT_ACTIVATION_AT + 1);
  const float *x = float_buffer(op, FLOAT_INPUT_AT);
  float *out = float_buffer(op, FLOAT_OUTPUT_AT) + float_word(op, FLOAT_PAD_AT);
  for (uint32_t row = 0; row < rows; row++, x += in, out += cols) {
    for (uint32_t col = 0; col < in; col++) out[col] = merged(mode, out[col], x[col], scale);
  }
}

void float_repeat(const float_op *op) {
  const uint32_t rows = float_word(op, FLOAT_ROWS_OUT_AT), cols = float_word(op, FLOAT_COLS_OUT_AT);
  const float *x = float_buffer(op, FLOAT_INPUT_AT);
  float *out = float_buffer(op, FLOAT_OUTPUT_AT);
  for (uint32_t i = 0; i < rows * cols; i++) out[i] = x[i % cols];
}
