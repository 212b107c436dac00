/* The executor, KERNELS.md 6: a step is one tick with a frame and, behind the last frame of a window, ticks without. */
#include "stream.h"

typedef int (*row_kernel)(const gl_layer *);
#define KERNEL(name, function) GL_HAS(name) ? function : NULL

/* In the order of their numbers. */
static const row_kernel KERNELS[] = {
    KERNEL(INPUT, gl_input),
    KERNEL(EMBEDDING, gl_embedding),
    KERNEL(RNN, gl_rnn),
    KERNEL(LSTM, gl_lstm),
    KERNEL(GRU, gl_gru),
    KERNEL(GRU_RESET_AFTER, gl_gru_reset_after),
    KERNEL(DENSE, gl_dense),
    KERNEL(CONV1D, gl_conv1d),
    KERNEL(DEPTHWISE_CONV1D, gl_depthwise_conv1d),
    KERNEL(POOL, gl_pool),
    KERNEL(GLOBAL_POOL, gl_global_pool),
    KERNEL(AFFINE, gl_affine_row),
    KERNEL(ACTIVATION, gl_activation_row),
    KERNEL(PRELU, gl_prelu),
    KERNEL(LAYER_NORM, gl_layer_norm),
    KERNEL(SOFTMAX, gl_softmax),
    KERNEL(MERGE, gl_merge),
    KERNEL(FIFO, gl_fifo),
    KERNEL(REVERSE, gl_reverse),
    KERNEL(RESHAPE, gl_reshape),
    KERNEL(REPEAT, gl_repeat),
    KERNEL(MASK, gl_mask),
    KERNEL(MINIMAL_GRU, gl_gru),
    KERNEL(FASTGRNN, gl_fastgrnn),
};

#define BIT(name) (GL_HAS(name) << GATELET_KERNEL_##name)
/* go on when their input is done; are called without a row; know whether the row that leaves was masked; take all rows */
#define DRAINABLE (BIT(CONV1D) | BIT(DEPTHWISE_CONV1D) | BIT(POOL) | BIT(REVERSE) | BIT(RESHAPE) | BIT(REPEAT))
#define PAIRED (BIT(MERGE) | BIT(FIFO))
#define RUNS_WITHOUT_ROW (DRAINABLE | PAIRED)
#define KNOWS_MASKS (BIT(REVERSE) | BIT(FIFO))
#define COUNTS_MASKS BIT(GLOBAL_POOL)

typedef struct tick_state {
  gl_layer layer;
  const gatelet_model *model;
  /* NULL in ticks without a frame */
  const int16_t *frame;
  uint8_t *output;
  uint16_t rows;
  /* rows emitted by any layer in this tick */
  uint16_t emitted;
} tick_state;

static int is_done(const gl_layer *layer, const uint8_t *counters) {
  return gl_u32(counters + GATELET_COUNTER_EMITTED) == gl_u32(gl_record_of(layer, counters) + GATELET_RECORD_ROWS_OUT);
}

/* Layers that obey masks leave masked rows out. */
static int leave_out(const gl_layer *layer) {
  (void)layer;
  return GL_EMITS;
}

/* Without a fresh row: whether a layer of RUNS_WITHOUT_ROW does anything. */
static int runs_without_row(const tick_state *t, const uint8_t *source, uint32_t kernel) {
  const gl_layer *layer = &t->layer;
  if ((PAIRED >> kernel & 1u) != 0u) return 1;
  return t->model->window != 0u && is_done(layer, source) && !is_done(layer, layer->counters);
}

/* What it does. */
GL_NOINLINE row_kernel take_none(tick_state *t, const uint8_t *source) {
  gl_layer *layer = &t->layer;
  const uint32_t kernel = GL_U8(layer, KERNEL);
  layer->input = NULL;
  layer->masked = 0;
  return runs_without_row(t, source, kernel) ? KERNELS[kernel] : NULL;
}

/* Finds the row that the layer takes, and what runs; NULL: nothing in this tick. */
GL_NOINLINE row_kernel take(tick_state *t) {
  gl_layer *layer = &t->layer;
  uint8_t *counters = layer->counters;
  const uint32_t source_index = GL_U16(layer, INPUT_0), kernel = GL_U8(layer, KERNEL);
  const int16_t *input = t->frame;
  uint32_t masked = 0;
  gl_set_u16(counters + GATELET_COUNTER_FRESH, 0);
  if (GL_RARELY(source_index == GATELET_NO_INPUT)) {
    if (input == NULL) return NULL;
  } else {
    const uint8_t *source = gl_counters_of(layer, source_index);
    if (GL_RARELY(source[GATELET_COUNTER_FRESH] == 0u)) {
      return (RUNS_WITHOUT_ROW >> kernel & 1u) != 0u ? take_none(t, source) : NULL;
    }
    masked = source[GATELET_COUNTER_MASKED];
    input = gl_row_of(layer, source);
  }
  layer->input = input;
  layer->masked = masked;
  if (t->model->window != 0u) {
    gl_set_u32(counters + GATELET_COUNTER_SEEN, gl_u32(counters + GATELET_COUNTER_SEEN) + 1u);
  }
  /* GLOBAL_POOL counts masked rows */
  if (GL_RARELY(masked != 0u) && (GL_U8(layer, FLAGS) & GATELET_FLAG_MASK_OBEY) != 0u &&
      (COUNTS_MASKS >> kernel & 1u) == 0u) {
    return leave_out;
  }
  return KERNELS[kernel];
}

/* Counts the row that a kernel emitted; 0: in a window it is not the one that leaves. */
GL_INLINE int count_row(tick_state *t) {
  const gl_layer *layer = &t->layer;
  uint8_t *counters = layer->counters;
  if (t->model->window != 0u) {
    const uint32_t last = GL_U8(layer, FLAGS) & GATELET_FLAG_LAST;
    if (last != 0u && gl_u32(counters + GATELET_COUNTER_SEEN) != GL_U32(layer, ROWS_IN)) return 0;
    if (is_done(layer, counters)) return 0;
    gl_set_u32(counters + GATELET_COUNTER_EMITTED, gl_u32(counters + GATELET_COUNTER_EMITTED) + 1u);
  }
  t->emitted++;
  return 1;
}

/* Books a row that may be masked, and marks it if it is. */
GL_NOINLINE void emit_masked(tick_state *t, uint32_t result) {
  const gl_layer *layer = &t->layer;
  if (!count_row(t)) return;
  if (layer->masked != 0u && (KNOWS_MASKS >> GL_U8(layer, KERNEL) & 1u) == 0u) result |= GL_WAS_MASKED;
  if ((GL_U8(layer, FLAGS) & GATELET_FLAG_MASK_PASS) == 0u) result &= GL_FOUND_MASK;
  gl_set_u16(layer->counters + GATELET_COUNTER_FRESH, result > GL_EMITS ? 0x101u : 1u);
}

/* Books the row that a kernel says it emitted. */
GL_INLINE void emit(tick_state *t, uint32_t result) {
  if (GL_RARELY((result ^ GL_EMITS) | t->layer.masked)) {
    emit_masked(t, result);
  } else if (count_row(t)) {
    uint32_t fresh = 1;
    GL_OPAQUE(fresh);
    gl_set_u16(t->layer.counters + GATELET_COUNTER_FRESH, fresh);
  }
}

/* Leaves `layer` at the last one. */
GL_INLINE int tick(tick_state *t) {
  t->layer.record = t->model->records;
  t->layer.counters = t->layer.arena + GATELET_STREAM_HEADER_BYTES;
  uint32_t i = 0;
  /* constants take no registers of their own: the stack is short */
  GL_OPAQUE(i);
  t->emitted = (uint16_t)i;
  for (;;) {
#if GATELET_PROFILE
    gatelet_profile(i);
#endif
    const row_kernel kernel = take(t);
    if (kernel != NULL) {
      const int result = kernel(&t->layer);
      if (result < 0) return result;
      if (result != 0) emit(t, (uint32_t)result);
    }
    if (++i == t->model->record_count) break;
    t->layer.record += GATELET_RECORD_BYTES;
    t->layer.counters += GATELET_COUNTER_BYTES;
  }
#if GATELET_PROFILE
  gatelet_profile(t->model->record_count);
#endif
  return GATELET_STATUS_OK;
}

/* Counts the frame. */
GL_NOINLINE int ends_window(const tick_state *t) {
  uint8_t *frames = t->layer.arena + GL_FRAMES_AT;
  const uint32_t count = gl_u32(frames) + 1u;
  gl_set_u32(frames, count);
  return t->model->window != 0u && count == t->model->window;
}

/* Fresh marks are no state. */
GL_NOINLINE void clear_fresh(const tick_state *t) {
  uint8_t *at = t->layer.arena + GATELET_STREAM_HEADER_BYTES + GATELET_COUNTER_FRESH;
  for (uint32_t i = t->model->record_count; i != 0u; i--, at += GATELET_COUNTER_BYTES) gl_set_u16(at, 0);
}

/* Copies the last layer's row to the output. */
GL_NOINLINE int deliver(tick_state *t) {
  const uint32_t bytes = gatelet_row_bytes(t->model);
  if (t->layer.counters[GATELET_COUNTER_FRESH] == 0u) return GATELET_STATUS_OK;
  if (t->rows == t->model->max_output_rows) return GATELET_STATUS_SCHEDULE;
  memcpy(t->output + t->rows * bytes, gl_row_of(&t->layer, t->layer.counters), bytes);
  t->rows++;
  return GATELET_STATUS_OK;
}

/* One tick with the frame; then, where it completes a window, ticks without until the last layer is done. */
GL_INLINE int step(tick_state *t) {
  do {
    int status = tick(t);
    if (status == GATELET_STATUS_OK) status = deliver(t);
    if (status != GATELET_STATUS_OK) return status;
    if (t->frame != NULL) {
      t->frame = NULL;
      if (!ends_window(t)) {
        clear_fresh(t);
        return GATELET_STATUS_OK;
      }
    } else if (t->emitted == 0u) {
      return GATELET_STATUS_SCHEDULE;
    }
  } while (!is_done(&t->layer, t->layer.counters));
  gl_reset(t->model, t->layer.arena);
  return GATELET_STATUS_OK;
}

int32_t gatelet_step(gatelet_stream *stream, const int16_t *frame, void *output, uint32_t output_bytes) {
  tick_state t;
  if (stream == NULL || frame == NULL || output == NULL) return GATELET_STATUS_BAD_ARGUMENT;
  if (!gl_is_bound(stream)) return GATELET_STATUS_BAD_STREAM;
  t.model = stream->model;
  t.layer.model = t.model->bytes;
  t.layer.arena = stream->arena;
  t.frame = frame;
  t.output = (uint8_t *)output;
  t.rows = 0;
  if (output_bytes < (uint64_t)gatelet_row_bytes(t.model) * t.model->max_output_rows) return GATELET_STATUS_OUTPUT_TOO_SMALL;
  if (t.model->input_kind == GATELET_INPUT_KIND_TOKENS && (uint16_t)*frame >= t.model->vocabulary_size) {
    return GATELET_STATUS_BAD_TOKEN;
  }
  const int status = step(&t);
  if (status == GATELET_STATUS_OK) return (int32_t)t.rows;
  gl_reset(t.model, t.layer.arena);
  return status;
}

int32_t gatelet_run(gatelet_stream *stream, const int16_t *frames, uint32_t count, void *output,
                    uint32_t output_bytes) {
  uint32_t rows = 0;
  uint8_t *out = (uint8_t *)output;
  if (stream == NULL || frames == NULL || output == NULL) return GATELET_STATUS_BAD_ARGUMENT;
  for (; count != 0u; count--) {
    const int32_t result = gatelet_step(stream, frames, out, output_bytes);
    if (result < 0) return result;
    const uint32_t bytes = (uint32_t)result * gatelet_row_bytes(stream->model);
    rows += (uint32_t)result;
    out += bytes;
    output_bytes -= bytes;
    frames += stream->model->frame_size;
  }
  return (int32_t)rows;
}
