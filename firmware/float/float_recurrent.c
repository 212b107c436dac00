/* Recurrent layers. Weights are transposed, [gates * units][inputs] and [gates * units][units]; scratch: see each. */
#include "float_ops.h"

typedef struct cell {
  const float_op *op;
  uint32_t units, width;
  /* scratch: gates [width], hidden [units], then what the layer needs */
  float *gates, *hidden, *more;
} cell;

static cell begin(const float_op *op, uint32_t gates) {
  cell c = {op, float_word(op, FLOAT_COLS_OUT_AT), 0, float_buffer(op, FLOAT_SCRATCH_AT), 0, 0};
  c.width = gates * c.units;
  c.hidden = c.gates + c.width;
  c.more = c.hidden + c.units;
  for (uint32_t i = 0; i < c.units; i++) c.hidden[i] = 0.0f;
  return c;
}

/* gates = bias + weights x + recurrent weights h, of which only the first `recurrent` rows. */
static void arguments(const cell *c, uint32_t step, uint32_t recurrent) {
  const uint32_t in = float_word(c->op, FLOAT_COLS_IN_AT);
  const float *bias = float_weights(c->op, FLOAT_B0_AT);
  for (uint32_t i = 0; i < c->width; i++) c->gates[i] = bias[i];
  const float *x = float_buffer(c->op, FLOAT_INPUT_AT) + step * in;
  float_multiply_add(c->gates, float_weights(c->op, FLOAT_W0_AT), in, x, in, c->width);
  float_multiply_add(c->gates, float_weights(c->op, FLOAT_W1_AT), c->units, c->hidden, c->units, recurrent);
}

static void leave(const cell *c, uint32_t step) {
  const uint32_t all = float_word(c->op, FLOAT_MODE_AT) & FLOAT_MODE_SEQUENCE;
  if (all == 0u && step + 1u != float_word(c->op, FLOAT_ROWS_IN_AT)) return;
  float *out = float_buffer(c->op, FLOAT_OUTPUT_AT) + (all != 0u ? step * c->units : 0u);
  for (uint32_t i = 0; i < c->units; i++) out[i] = c->hidden[i];
}

void float_rnn(const float_op *op) {
  const cell c = begin(op, 1);
  for (uint32_t step = 0; step < float_word(op, FLOAT_ROWS_IN_AT); step++) {
    arguments(&c, step, c.width);
    float_activate(op, FLOAT_ACTIVATION_AT, c.gates, c.units);
    for (uint32_t i = 0; i < c.units; i++) c.hidden[i] = c.gates[i];
    leave(&c, step);
  }
}

/* more: cell state [units] */
void float_lstm(const float_op *op) {
  const cell c = begin(op, 4);
  const uint32_t units = c.units;
  float *input = c.gates, *forget = input + units, *candidate = forget + units, *output = candidate + units;
  for (uint32_t i = 0; i < units; i++) c.more[i] = 0.0f;
  for (uint32_t step = 0; step < float_word(op, FLOAT_ROWS_IN_AT); step++) {
    arguments(&c, step, c.width);
    float_activate(op, FLOAT_GATE_AT, input, 2u * units);
    float_activate(op, FLOAT_ACTIVATION_AT, candidate, units);
    float_activate(op, FLOAT_GATE_AT, output, units);
    for (uint32_t i = 0; i < units; i++) {
      c.more[i] = forget[i] * c.more[i] + input[i] * candidate[i];
      c.hidden[i] = c.more[i];
    }
    float_activate(op, FLOAT_ACTIVATION_AT, c.hidden, units);
    for (uint32_t i = 0; i < units; i++) c.hidden[i] *= output[i];
    leave(&c, step);
  }
}

/* more: r * h, or the recurrent part of the candidate, [units] */
void float_gru(const float_op *op) {
  const cell c = begin(op, 3);
  const uint32_t units = c.units;
  const uint32_t after = float_word(op, FLOAT_MODE_AT) & FLOAT_MODE_RESET_AFTER;
  const float *candidate_weights = float_weights(op, FLOAT_W1_AT) + 2u * units * units;
  float *update = c.gates, *reset = update + units, *candidate = reset + units;
  for (uint32_t step = 0; step < float_word(op, FLOAT_ROWS_IN_AT); step++) {
    arguments(&c, step, 2u * units);
    float_activate(op, FLOAT_GATE_AT, update, 2u * units);
    if (after != 0u) {
      const float *bias = float_weights(op, FLOAT_B1_AT);
      for (uint32_t i = 0; i < units; i++) c.more[i] = bias[i];
      float_multiply_add(c.more, candidate_weights, units, c.hidden, units, units);
      for (uint32_t i = 0; i < units; i++) candidate[i] += reset[i] * c.more[i];
    } else {
      for (uint32_t i = 0; i < units; i++) c.more[i] = reset[i] * c.hidden[i];
      float_multiply_add(candidate, candidate_weights, units, c.more, units, units);
    }
    float_activate(op, FLOAT_ACTIVATION_AT, candidate, units);
    for (uint32_t i = 0; i < units; i++) c.hidden[i] = update[i] * (c.hidden[i] - candidate[i]) + candidate[i];
    leave(&c, step);
  }
}

/* more: f * h, [units] */
void float_minimal_gru(const float_op *op) {
  const cell c = begin(op, 2);
  const uint32_t units = c.units;
  const float *candidate_weights = float_weights(op, FLOAT_W1_AT) + units * units;
  float *forget = c.gates, *candidate = forget + units;
  for (uint32_t step = 0; step < float_word(op, FLOAT_ROWS_IN_AT); step++) {
    arguments(&c, step, units);
    float_activate(op, FLOAT_GATE_AT, forget, units);
    for (uint32_t i = 0; i < units; i++) c.more[i] = forget[i] * c.hidden[i];
    float_multiply_add(candidate, candidate_weights, units, c.more, units, units);
    float_activate(op, FLOAT_ACTIVATION_AT, candidate, units);
    for (uint32_t i = 0; i < units; i++) c.hidden[i] += forget[i] * (candidate[i] - c.hidden[i]);
    leave(&c, step);
  }
}

/* more: gate, [units]; second bias: what the gate's argument has more [units], zeta, nu */
void float_fastgrnn(const float_op *op) {
  const cell c = begin(op, 1);
  const uint32_t units = c.units;
  const float *offset = float_weights(op, FLOAT_B1_AT), zeta = offset[units], nu = offset[units + 1u];
  for (uint32_t step = 0; step < float_word(op, FLOAT_ROWS_IN_AT); step++) {
    arguments(&c, step, units);
    for (uint32_t i = 0; i < units; i++) c.more[i] = c.gates[i] + offset[i];
    float_activate(op, FLOAT_GATE_AT, c.more, units);
    float_activate(op, FLOAT_ACTIVATION_AT, c.gates, units);
    for (uint32_t i = 0; i < units; i++) {
      c.hidden[i] = (zeta * (1.0f - c.more[i]) + nu) * c.gates[i] + c.more[i] * c.hidden[i];
    }
    leave(&c, step);
  }
}
