/* Elementary functions in float32 without a library, and activations. */
#include "float_ops.h"

/* exp by 2^n * polynomial of the rest; relative error below 3e-7. Clamped to the normal range. */
float float_exp(float x) {
  if (x > 88.0f) x = 88.0f;
  if (x < -87.0f) x = -87.0f;
  const int32_t n = (int32_t)(x * 1.44269504f + (x < 0.0f ? -0.5f : 0.5f));
  /* ln 2 in two parts: the first times n is exact */
  const float r = x - (float)n * 0.693359375f + (float)n * 2.12194440e-4f;
  float sum = 1.0f / 5040.0f;
  sum = sum * r + 1.0f / 720.0f;
  sum = sum * r + 1.0f / 120.0f;
  sum = sum * r + 1.0f / 24.0f;
  sum = sum * r + 1.0f / 6.0f;
  sum = sum * r + 0.5f;
  sum = sum * r + 1.0f;
  sum = sum * r + 1.0f;
  union {
    uint32_t bits;
    float value;
  } power = {(uint32_t)(n + 127) << 23};
  return sum * power.value;
}

static float sigmoid(float x) { return 1.0f / (1.0f + float_exp(-x)); }
/* absolute error below 2e-7 */
static float tanh_of(float x) { return 1.0f - 2.0f / (float_exp(2.0f * x) + 1.0f); }
static float clip(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

static float one(uint32_t kind, float first, float second, float x) {
  switch (kind) {
    case FLOAT_RELU:
      return x < 0.0f ? second * x : x > first ? first : x;
    case FLOAT_HARD_SIGMOID:
      return clip(0.2f * x + 0.5f, 0.0f, 1.0f);
    case FLOAT_HARD_SIGMOID_KERAS3:
      return clip(x + 3.0f, 0.0f, 6.0f) * (1.0f / 6.0f);
    case FLOAT_ELU:
      return x < 0.0f ? first * second * (float_exp(x) - 1.0f) : first * x;
    case FLOAT_SOFTSIGN:
      return x / (1.0f + (x < 0.0f ? -x : x));
    case FLOAT_EXPONENTIAL:
      return float_exp(x);
    case FLOAT_SWISH:
      return x * sigmoid(x);
    case FLOAT_HARD_TANH:
      return clip(x, -1.0f, 1.0f);
    default: /* FLOAT_HARD_SWISH */
      return x * clip(x + 3.0f, 0.0f, 6.0f) * (1.0f / 6.0f);
  }
}

void float_activate(const float_op *op, uint32_t at, float *values, uint32_t count) {
  const uint32_t kind = op->record[at];
  const float *parameters = (const float *)(const void *)(op->record + at + 1);
  const float first = parameters[0], second = parameters[1];
  if (kind == FLOAT_LINEAR) return;
  if (kind == FLOAT_TANH) {
    for (uint32_t i = 0; i < count; i++) values[i] = tanh_of(values[i]);
  } else if (kind == FLOAT_SIGMOID) {
    for (uint32_t i = 0; i < count; i++) values[i] = sigmoid(values[i]);
  } else {
    for (uint32_t i = 0; i < count; i++) values[i] = one(kind, first, second, values[i]);
  }
}
