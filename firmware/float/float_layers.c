/* Dense, convolutions and pools. */
#include "float_ops.h"

/* Four outputs at once share each load of x and keep four chains of additions apart. */
void float_multiply_add(float *out, const float *weights, uint32_t stride, const float *x, uint32_t count, uint32_t rows) {
  uint32_t row = 0;
  for (; row + 4u <= rows; row += 4u, weights += 4u * stride) {
    const float *a = weights, *b = a + stride, *c = b + stride, *d = c + stride;
    float p = out[row], q = out[row + 1u], r = out[row + 2u], s = out[row + 3u];
    for (uint32_t k = 0; k < count; k++) {
      const float value = x[k];
      p += a[k] * value;
      q += b[k] * value;
      r += c[k] * value;
      s += d[k] * value;
    }
    out[row] = p;
    out[row + 1u] = q;
    out[row + 2u] = r;
    out[row + 3u] = s;
  }
  for (; row < rows; row++, weights += stride) {
    float sum = out[row];
    for (uint32_t k = 0; k < count; k++) sum += weights[k] * x[k];
    out[row] = sum;
  }
}

static void copy(float *to, const float *from, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) to[i] = from[i];
}

void float_dense(const float_op *op) {
  const uint32_t rows = float_word(op, FLOAT_ROWS_OUT_AT), in = float_word(op, FLOAT_COLS_IN_AT);
  const uint32_t cols = float_word(op, FLOAT_COLS_OUT_AT);
  const float *x = float_buffer(op, FLOAT_INPUT_AT);
  float *out = float_buffer(op, FLOAT_OUTPUT_AT);
  for (uint32_t row = 0; row < rows; row++, x += in, out += cols) {
    copy(out, float_weights(op, FLOAT_B0_AT), cols);
    float_multiply_add(out, float_weights(op, FLOAT_W0_AT), in, x, in, cols);
  }
  float_activate(op, FLOAT_ACTIVATION_AT, float_buffer(op, FLOAT_OUTPUT_AT), rows * cols);
}

/* Weights [cols][taps][inputs]: the taps of a window without dilation are one stretch. */
void float_conv1d(const float_op *op) {
  const uint32_t rows = float_word(op, FLOAT_ROWS_OUT_AT), cols = float_word(op, FLOAT_COLS_OUT_AT);
  const uint32_t in = float_word(op, FLOAT_COLS_IN_AT), taps = float_word(op, FLOAT_SPAN_AT);
  const int32_t rows_in = (int32_t)float_word(op, FLOAT_ROWS_IN_AT), dilation = (int32_t)float_word(op, FLOAT_DILATION_AT);
  const float *weights = float_weights(op, FLOAT_W0_AT), *x = float_buffer(op, FLOAT_INPUT_AT);
  float *out = float_buffer(op, FLOAT_OUTPUT_AT);
  int32_t first = -(int32_t)float_word(op, FLOAT_PAD_AT);
  for (uint32_t row = 0; row < rows; row++, out += cols, first += (int32_t)float_word(op, FLOAT_STRIDE_AT)) {
    copy(out, float_weights(op, FLOAT_B0_AT), cols);
    if (dilation == 1) {
      const uint32_t from = first < 0 ? (uint32_t)-first : 0u;
      const uint32_t to = first + (int32_t)taps > rows_in ? (uint32_t)(rows_in - first) : taps;
      if (from < to) {
        const float *start = x + (uint32_t)(first + (int32_t)from) * in;
        float_multiply_add(out, weights + from * in, taps * in, start, (to - from) * in, cols);
      }
      continue;
    }
    for (uint32_t tap = 0; tap < taps; tap++) {
      const int32_t at = first + (int32_t)tap * dilation;
      if (at < 0 || at >= rows_in) continue;
      float_multiply_add(out, weights + tap * in, taps * in, x + (uint32_t)at * in, in, cols);
    }
  }
  float_activate(op, FLOAT_ACTIVATION_AT, float_buffer(op, FLOAT_OUTPUT_AT), rows * cols);
}

/* Weights [taps][cols]; output channel = input channel * multiplier + m. */
void float_depthwise(const float_op *op) {
  const uint32_t rows = float_word(op, FLOAT_ROWS_OUT_AT), cols = float_word(op, FLOAT_COLS_OUT_AT);
  const uint32_t in = float_word(op, FLOAT_COLS_IN_AT), taps = float_word(op, FLOAT_SPAN_AT), multiplier = cols / in;
  const int32_t rows_in = (int32_t)float_word(op, FLOAT_ROWS_IN_AT), dilation = (int32_t)float_word(op, FLOAT_DILATION_AT);
  const float *x = float_buffer(op, FLOAT_INPUT_AT);
  float *out = float_buffer(op, FLOAT_OUTPUT_AT);
  int32_t first = -(int32_t)float_word(op, FLOAT_PAD_AT);
  for (uint32_t row = 0; row < rows; row++, out += cols, first += (int32_t)float_word(op, FLOAT_STRIDE_AT)) {
    copy(out, float_weights(op, FLOAT_B0_AT), cols);
    for (uint32_t tap = 0; tap < taps; tap++) {
      const int32_t at = first + (int32_t)tap * dilation;
      if (at < 0 || at >= rows_in) continue;
      const float *from = x + (uint32_t)at * in, *weights = float_weights(op, FLOAT_W0_AT) + tap * cols;
      for (uint32_t channel = 0, col = 0; channel < in; channel++) {
        for (uint32_t m = 0; m < multiplier; m++, col++) out[col] += from[channel] * weights[col];
      }
    }
  }
  float_activate(op, FLOAT_ACTIVATION_AT, float_buffer(op, FLOAT_OUTPUT_AT), rows * cols);
}

static void pool(const float *x, uint32_t count, uint32_t cols, uint32_t average, float *out) {
  copy(out, x, cols);
  for (uint32_t row = 1; row < count; row++) {
    const float *from = x + row * cols;
    for (uint32_t col = 0; col < cols; col++) {
      if (average != 0u) {
        out[col] += from[col];
      } else if (from[col] > out[col]) {
        out[col] = from[col];
      }
    }
  }
  const float share = 1.0f / (float)count;
  for (uint32_t col = 0; average != 0u && col < cols; col++) out[col] *= share;
}

void float_pool(const float_op *op) {
  const uint32_t cols = float_word(op, FLOAT_COLS_OUT_AT);
  const int32_t rows_in = (int32_t)float_word(op, FLOAT_ROWS_IN_AT), span = (int32_t)float_word(op, FLOAT_SPAN_AT);
  const float *x = float_buffer(op, FLOAT_INPUT_AT);
  float *out = float_buffer(op, FLOAT_OUTPUT_AT);
  int32_t first = -(int32_t)float_word(op, FLOAT_PAD_AT);
  for (uint32_t row = 0; row < float_word(op, FLOAT_ROWS_OUT_AT); row++, out += cols) {
    const int32_t from = first < 0 ? 0 : first, to = first + span > rows_in ? rows_in : first + span;
    pool(x + (uint32_t)from * cols, (uint32_t)(to - from), cols, float_word(op, FLOAT_MODE_AT), out);
    first += (int32_t)float_word(op, FLOAT_STRIDE_AT);
  }
}

void float_global_pool(const float_op *op) {
  pool(float_buffer(op, FLOAT_INPUT_AT), float_word(op, FLOAT_ROWS_IN_AT), float_word(op, FLOAT_COLS_IN_AT),
       float_word(op, FLOAT_MODE_AT), float_buffer(op, FLOAT_OUTPUT_AT));
}
