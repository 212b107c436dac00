/* The executor, KERNELS.md 6: a step is one tick with a frame and, behind the last frame of a window, ticks without. */
#include "stream.h"

typedef struct tick_state {
  const gatelet_model *model;
  uint8_t *arena;
  /* NULL in ticks without a frame */
  const int16_t *frame;
  uint8_t *output;
  uint32_t rows;
  /* rows emitted by any layer in this tick */
  uint32_t emitted;
} tick_state;

/* Whether layers that give one row per window are due. */
static int at_last_row(const gl_layer *layer) {
  return (GL_U8(layer, FLAGS) & GATELET_FLAG_LAST) == 0u ||
         gl_u32(layer->counters + GATELET_COUNTER_SEEN) == GL_U32(layer, ROWS_IN);
}

/* Record 0 takes the frame. */
static int take_frame(const gl_layer *layer) {
  const uint32_t flags = GL_U8(layer, FLAGS);
#if GL_HAS(EMBEDDING)
  if (GL_U8(layer, KERNEL) == GATELET_KERNEL_EMBEDDING) {
    const uint32_t token = (uint16_t)layer->input[0];
    gl_embedding(layer, token);
    return (flags & GATELET_FLAG_MASK_SET) != 0u && token == 0u ? GL_EMITS | GL_FOUND_MASK : GL_EMITS;
  }
#endif
  const uint8_t *entries = GL_TENSOR(layer, AUX);
  const uint32_t n = GL_U16(layer, OUTPUT_SIZE);
  gl_affine_row(layer, layer->input, entries);
  if ((flags & GATELET_FLAG_MASK_SET) == 0u) return GL_EMITS;
  if (!gl_mask_matches(layer, layer->input, gl_row_at(entries + GATELET_AFFINE_ENTRY_BYTES * n))) return GL_EMITS;
  if ((flags & GATELET_FLAG_MASK_ZERO) != 0u) memset(GL_ARENA(layer, OUTPUT), 0, gl_row_bytes(n));
  return GL_EMITS | GL_FOUND_MASK;
}

typedef void (*row_kernel)(const gl_layer *);

GL_INLINE int recurrent(const gl_layer *layer, uint32_t masked, row_kernel kernel) {
  if (masked == 0u || (GL_U8(layer, FLAGS) & GATELET_FLAG_MASK_OBEY) == 0u) kernel(layer);
  return at_last_row(layer);
}

GL_INLINE int whole_row(const gl_layer *layer, row_kernel kernel) {
  kernel(layer);
  return GL_EMITS;
}

/* A layer with one input takes a row, or drains one where `input` is NULL. */
GL_INLINE int run(const gl_layer *layer, uint32_t kernel, uint32_t masked) {
  /* whatever is built in */
  (void)masked;
  switch (kernel) {
#if GL_HAS(RNN)
    case GATELET_KERNEL_RNN:
      return recurrent(layer, masked, gl_rnn);
#endif
#if GL_HAS(LSTM)
    case GATELET_KERNEL_LSTM:
      return recurrent(layer, masked, gl_lstm);
#endif
#if GL_HAS(GRU)
    case GATELET_KERNEL_GRU:
      return recurrent(layer, masked, gl_gru);
#endif
#if GL_HAS(GRU_RESET_AFTER)
    case GATELET_KERNEL_GRU_RESET_AFTER:
      return recurrent(layer, masked, gl_gru_reset_after);
#endif
#if GL_HAS(MINIMAL_GRU)
    case GATELET_KERNEL_MINIMAL_GRU:
      return recurrent(layer, masked, gl_minimal_gru);
#endif
#if GL_HAS(FASTGRNN)
    case GATELET_KERNEL_FASTGRNN:
      return recurrent(layer, masked, gl_fastgrnn);
#endif
#if GL_HAS(DENSE)
    case GATELET_KERNEL_DENSE:
      return whole_row(layer, gl_dense);
#endif
#if GL_HAS(CONV1D)
    case GATELET_KERNEL_CONV1D:
      return gl_conv1d(layer);
#endif
#if GL_HAS(DEPTHWISE_CONV1D)
    case GATELET_KERNEL_DEPTHWISE_CONV1D:
      return gl_depthwise_conv1d(layer);
#endif
#if GL_HAS(POOL)
    case GATELET_KERNEL_POOL:
      return gl_pool(layer);
#endif
#if GL_HAS(GLOBAL_POOL)
    case GATELET_KERNEL_GLOBAL_POOL:
      return gl_global_pool(layer, masked != 0u && (GL_U8(layer, FLAGS) & GATELET_FLAG_MASK_OBEY) != 0u);
#endif
#if GL_HAS(AFFINE)
    case GATELET_KERNEL_AFFINE:
      gl_affine_row(layer, layer->input, GL_TENSOR(layer, AUX));
      return GL_EMITS;
#endif
#if GL_HAS(ACTIVATION)
    case GATELET_KERNEL_ACTIVATION:
      return whole_row(layer, gl_activation_row);
#endif
#if GL_HAS(PRELU)
    case GATELET_KERNEL_PRELU:
      return whole_row(layer, gl_prelu);
#endif
#if GL_HAS(LAYER_NORM)
    case GATELET_KERNEL_LAYER_NORM:
      return whole_row(layer, gl_layer_norm);
#endif
#if GL_HAS(SOFTMAX)
    case GATELET_KERNEL_SOFTMAX:
      return whole_row(layer, gl_softmax);
#endif
#if GL_HAS(REVERSE)
    case GATELET_KERNEL_REVERSE:
      return gl_reverse(layer, masked);
#endif
#if GL_HAS(RESHAPE)
    case GATELET_KERNEL_RESHAPE:
      return gl_reshape(layer);
#endif
#if GL_HAS(REPEAT)
    case GATELET_KERNEL_REPEAT:
      return gl_repeat(layer);
#endif
#if GL_HAS(MASK)
    case GATELET_KERNEL_MASK:
      return gl_mask(layer) ? GL_EMITS | GL_FOUND_MASK : GL_EMITS;
#endif
    default:
      return 0;
  }
}

#define DRAINABLE                                                                                                   \
  (1u << GATELET_KERNEL_CONV1D | 1u << GATELET_KERNEL_DEPTHWISE_CONV1D | 1u << GATELET_KERNEL_POOL |                \
   1u << GATELET_KERNEL_REVERSE | 1u << GATELET_KERNEL_RESHAPE | 1u << GATELET_KERNEL_REPEAT)

/* Producers of a layer's rows: their counters and records. */
typedef struct gl_source {
  const uint8_t *counters;
  const uint8_t *record;
} gl_source;

static gl_source source_of(const tick_state *t, uint32_t index) {
  gl_source source;
  source.counters = t->arena + GATELET_STREAM_HEADER_BYTES + GATELET_COUNTER_BYTES * index;
  source.record = t->model->records + GATELET_RECORD_BYTES * index;
  return source;
}

static const int16_t *row_of(const tick_state *t, gl_source source) {
  return (const int16_t *)(const void *)(t->arena + gl_u32(source.record + GATELET_RECORD_OUTPUT));
}

static int is_fresh(gl_source source) { return source.counters[GATELET_COUNTER_FRESH] != 0u; }

static int is_done(gl_source source) {
  return gl_u32(source.counters + GATELET_COUNTER_EMITTED) == gl_u32(source.record + GATELET_RECORD_ROWS_OUT);
}

static void take(const tick_state *t, gl_layer *layer, gl_source source) {
  uint8_t *seen = layer->counters + GATELET_COUNTER_SEEN;
  layer->input = row_of(t, source);
  if (t->model->window != 0u) gl_set_u32(seen, gl_u32(seen) + 1u);
}

#if GL_HAS(FIFO)
static int run_fifo(const tick_state *t, gl_layer *layer, gl_source source) {
  if (is_fresh(source)) {
    take(t, layer, source);
    if (!gl_fifo_push(layer, source.counters[GATELET_COUNTER_MASKED])) return GATELET_STATUS_SCHEDULE;
  }
  if (!is_fresh(source_of(t, GL_U16(layer, INPUT_1)))) return 0;
  const int popped = gl_fifo_pop(layer);
  return popped != 0 ? popped : GATELET_STATUS_SCHEDULE;
}
#endif

#if GL_HAS(MERGE)
static int run_merge(const tick_state *t, gl_layer *layer, gl_source source) {
  const gl_source second = source_of(t, GL_U16(layer, INPUT_1));
  if (is_fresh(source) != is_fresh(second)) return GATELET_STATUS_SCHEDULE;
  if (!is_fresh(source)) return 0;
  take(t, layer, source);
  gl_merge(layer, row_of(t, second));
  return (source.counters[GATELET_COUNTER_MASKED] | second.counters[GATELET_COUNTER_MASKED]) != 0
             ? GL_EMITS | GL_WAS_MASKED
             : GL_EMITS;
}
#endif

/* What layer `index` does in this tick: 0, GL_EMITS and flags, or a status. */
static int run_layer(const tick_state *t, gl_layer *layer, uint32_t index) {
  const uint32_t kernel = GL_U8(layer, KERNEL);
  if (index == 0u) {
    if (t->frame == NULL) return 0;
    layer->input = t->frame;
    if (t->model->window != 0u) {
      uint8_t *seen = layer->counters + GATELET_COUNTER_SEEN;
      gl_set_u32(seen, gl_u32(seen) + 1u);
    }
    return take_frame(layer);
  }
  const gl_source source = source_of(t, GL_U16(layer, INPUT_0));
#if GL_HAS(FIFO)
  if (kernel == GATELET_KERNEL_FIFO) return run_fifo(t, layer, source);
#endif
#if GL_HAS(MERGE)
  if (kernel == GATELET_KERNEL_MERGE) return run_merge(t, layer, source);
#endif
  uint32_t masked = 0;
  layer->input = NULL;
  if (is_fresh(source)) {
    masked = source.counters[GATELET_COUNTER_MASKED];
    take(t, layer, source);
  } else {
    if (t->model->window == 0u || ((DRAINABLE >> kernel) & 1u) == 0u || !is_done(source)) return 0;
    if (gl_u32(layer->counters + GATELET_COUNTER_EMITTED) == GL_U32(layer, ROWS_OUT)) return 0;
  }
  const int result = run(layer, kernel, masked);
  /* REVERSE says itself which row left */
  if (masked != 0u && result != 0 && kernel != GATELET_KERNEL_REVERSE) return result | GL_WAS_MASKED;
  return result;
}

/* Books the row that a layer has emitted. */
static void emit(tick_state *t, const gl_layer *layer, int result) {
  uint8_t *counters = layer->counters;
  if (t->model->window != 0u) {
    const uint32_t emitted = gl_u32(counters + GATELET_COUNTER_EMITTED);
    if (emitted == GL_U32(layer, ROWS_OUT)) return;
    gl_set_u32(counters + GATELET_COUNTER_EMITTED, emitted + 1u);
  }
  uint32_t masked = 0;
  if (GL_RARELY(result != GL_EMITS)) {
    const int passes = (GL_U8(layer, FLAGS) & GATELET_FLAG_MASK_PASS) != 0u;
    masked = (result & GL_FOUND_MASK) != 0 || (passes && (result & GL_WAS_MASKED) != 0);
  }
  /* fresh and masked */
  gl_set_u16(counters + GATELET_COUNTER_FRESH, 1u | masked << 8);
  t->emitted++;
}

static void clear_transient(const gatelet_model *model, uint8_t *arena) {
  uint8_t *at = arena + GATELET_STREAM_HEADER_BYTES + GATELET_COUNTER_FRESH;
  for (uint32_t i = 0; i < model->record_count; i++, at += GATELET_COUNTER_BYTES) gl_set_u16(at, 0);
}

/* Copies the last layer's row to the output. */
static int32_t deliver(tick_state *t) {
  const uint32_t bytes = gatelet_row_bytes(t->model);
  const gl_source last = source_of(t, t->model->record_count - 1u);
  if (!is_fresh(last)) return GATELET_STATUS_OK;
  if (t->rows == t->model->max_output_rows) return GATELET_STATUS_SCHEDULE;
  memcpy(t->output + t->rows * bytes, row_of(t, last), bytes);
  t->rows++;
  return GATELET_STATUS_OK;
}

GL_INLINE int32_t tick(tick_state *t) {
  const uint32_t count = t->model->record_count;
  gl_layer layer;
  clear_transient(t->model, t->arena);
  layer.model = t->model->bytes;
  layer.arena = t->arena;
  layer.record = t->model->records;
  layer.counters = t->arena + GATELET_STREAM_HEADER_BYTES;
  t->emitted = 0;
  for (uint32_t i = 0; i < count; i++) {
#if GATELET_PROFILE
    gatelet_profile(i);
#endif
    const int result = run_layer(t, &layer, i);
    if (result < 0) return result;
    if (result > 0) emit(t, &layer, result);
    layer.record += GATELET_RECORD_BYTES;
    layer.counters += GATELET_COUNTER_BYTES;
  }
#if GATELET_PROFILE
  gatelet_profile(count);
#endif
  return deliver(t);
}

/* One tick with the frame; then, where it completes a window, ticks without until the last layer is done. */
GL_INLINE int32_t step(tick_state *t) {
  uint8_t *frames = t->arena + GL_FRAMES_AT;
  do {
    const int32_t status = tick(t);
    if (status != GATELET_STATUS_OK) return status;
    if (t->frame != NULL) {
      t->frame = NULL;
      gl_set_u32(frames, gl_u32(frames) + 1u);
      if (t->model->window == 0u || gl_u32(frames) != t->model->window) {
        clear_transient(t->model, t->arena);
        return GATELET_STATUS_OK;
      }
    } else if (t->emitted == 0u) {
      return GATELET_STATUS_SCHEDULE;
    }
  } while (!is_done(source_of(t, t->model->record_count - 1u)));
  gl_reset(t->model, t->arena);
  return GATELET_STATUS_OK;
}

int32_t gatelet_step(gatelet_stream *stream, const int16_t *frame, void *output, uint32_t output_bytes) {
  tick_state t;
  if (stream == NULL || frame == NULL || output == NULL) return GATELET_STATUS_BAD_ARGUMENT;
  if (!gl_is_bound(stream)) return GATELET_STATUS_BAD_STREAM;
  t.model = stream->model;
  t.arena = stream->arena;
  t.frame = frame;
  t.output = (uint8_t *)output;
  t.rows = 0;
  if (output_bytes < (uint64_t)gatelet_row_bytes(t.model) * t.model->max_output_rows) return GATELET_STATUS_OUTPUT_TOO_SMALL;
  if (t.model->input_kind == GATELET_INPUT_KIND_TOKENS && (uint16_t)*frame >= t.model->vocabulary_size) {
    return GATELET_STATUS_BAD_TOKEN;
  }
  const int32_t status = step(&t);
  if (status == GATELET_STATUS_OK) return (int32_t)t.rows;
  gl_reset(t.model, t.arena);
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
