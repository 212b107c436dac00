/*
 * The runner: pushes the frames in flash through the model in flash and leaves outputs, checksums and cycle counts in
 * g_result and on the UART. It knows no model: a new one needs no compiler. See runner_map.h and firmware/README.md.
 */
#include "../../src/stream.h"
#include "measure.h"
#include "nrf52840.h"
#include "runner_map.h"

typedef struct runner_result {
  uint32_t magic;
  uint32_t version;
  /* of the library or RUNNER_STATUS_*; 0: all frames went through */
  int32_t status;
  uint32_t finished;
  uint32_t frames;
  uint32_t rows;
  uint32_t row_bytes;
  /* CRC-32 of all output rows one behind the other, of the state region at the end */
  uint32_t output_crc;
  uint32_t state_crc;
  /* inside of gatelet_step, profile hooks included */
  uint32_t cycles;
  uint32_t cycles_high;
  uint32_t model_crc;
  uint32_t arena;
  uint32_t arena_bytes;
  uint32_t state_bytes;
  /* per step: i32 result, then its rows padded to 4 bytes, until the log is full */
  uint32_t log;
  uint32_t log_bytes;
  uint32_t log_used;
  uint32_t stack_used;
  /* layers, then cycles of each; one more word: what lies behind the last layer of a tick */
  uint32_t layers;
  uint32_t layer_cycles[RUNNER_RESULT_LAYERS_MAXIMUM];
} runner_result;

GL_STATIC_ASSERT(offsetof(runner_result, status) == RUNNER_RESULT_STATUS_AT, "map");
GL_STATIC_ASSERT(offsetof(runner_result, output_crc) == RUNNER_RESULT_OUTPUT_CRC_AT, "map");
GL_STATIC_ASSERT(offsetof(runner_result, log_used) == RUNNER_RESULT_LOG_USED_AT, "map");
GL_STATIC_ASSERT(offsetof(runner_result, layer_cycles) == RUNNER_RESULT_LAYER_CYCLES_AT, "map");

extern runner_result g_result;
runner_result g_result;

static gatelet_model model;
static gatelet_stream stream;
static uint32_t layer_now, layer_since;

/* Books the cycles since the last call on the layer that ran. */
__attribute__((noinline)) void gatelet_profile(uint32_t layer) {
  const uint32_t now = board_cycles();
  g_result.layer_cycles[layer_now] += now - layer_since;
  layer_now = layer;
  layer_since = now;
}

static const uint8_t *const frames_image = (const uint8_t *)RUNNER_FRAMES_ADDRESS;

static uint32_t frames_word(uint32_t at) { return gl_u32(frames_image + at); }

/* Log behind the variables, arena at the end of RAM. */
static int32_t bind(void) {
  const uint32_t first = (uint32_t)(uintptr_t)_bss_end, cut = frames_word(RUNNER_FRAMES_RAM_BYTES_AT);
  const uint32_t end = cut != 0u ? RUNNER_RAM_BASE + (cut & ~15u) : (uint32_t)(uintptr_t)_ram_end;
  if (end < first || end - first < gl_pad16(model.arena_bytes)) return GATELET_STATUS_ARENA_TOO_SMALL;
  g_result.arena = end - gl_pad16(model.arena_bytes);
  g_result.arena_bytes = model.arena_bytes;
  g_result.state_bytes = model.state_bytes;
  g_result.log = first;
  g_result.log_bytes = g_result.arena - first;
  return gatelet_init(&stream, &model, (void *)(uintptr_t)g_result.arena, model.arena_bytes);
}

static int32_t prepare(void) {
  const uint8_t *file = (const uint8_t *)RUNNER_MODEL_ADDRESS;
  const uint32_t length = gl_u32(file + GATELET_HEADER_FILE_BYTES);
  if (gl_u32(file) != GATELET_MAGIC || length > RUNNER_MODEL_BYTES) return RUNNER_STATUS_NO_MODEL;
  if (frames_word(RUNNER_FRAMES_MAGIC_AT) != RUNNER_FRAMES_MAGIC) return RUNNER_STATUS_NO_FRAMES;
  if (frames_word(RUNNER_FRAMES_VERSION_AT) != RUNNER_VERSION) return RUNNER_STATUS_NO_FRAMES;
  int32_t status = gatelet_check(&model, file, length);
  if (status != GATELET_STATUS_OK) return status;
  if (frames_word(RUNNER_FRAMES_VALUES_AT) != model.frame_size) return RUNNER_STATUS_FRAME_SIZE;
  g_result.model_crc = model.crc;
  g_result.layers = model.record_count;
  g_result.row_bytes = gatelet_row_bytes(&model);
  return bind();
}

static void print_rows(const uint8_t *rows, uint32_t bytes) {
  board_print("row");
  for (uint32_t at = 0; at < bytes; at += 2u) {
    if (at % 4u == 0u) board_print(" ");
    board_print_hex(gl_u16(rows + at));
  }
  board_print("\n");
}

/*
 * Steps write their rows straight into the log. When less than a step's largest output is left there, the last piece of
 * the log serves again and again, and log_used stays.
 */
static int32_t run(void) {
  const int16_t *frame = (const int16_t *)(const void *)(frames_image + RUNNER_FRAMES_HEADER_BYTES);
  const uint32_t count = frames_word(RUNNER_FRAMES_COUNT_AT), flags = frames_word(RUNNER_FRAMES_FLAGS_AT);
  uint8_t *log = (uint8_t *)(uintptr_t)g_result.log;
  uint32_t crc = 0xffffffffu;
  int full = 0;
  const uint32_t most = model.max_output_rows * g_result.row_bytes;
  if (g_result.log_bytes < most + 8u) return GATELET_STATUS_OUTPUT_TOO_SMALL;
  for (; g_result.frames < count; g_result.frames++, frame += model.frame_size) {
    uint8_t *at = log + g_result.log_used;
    bench_begin();
    const uint32_t begin = board_cycles();
    layer_since = begin;
    layer_now = model.record_count;
    const int32_t result = gatelet_step(&stream, frame, at + 4, most);
    const uint32_t cycles = board_cycles() - begin;
    bench_end();
    board_add_cycles(&g_result.cycles, &g_result.cycles_high, cycles);
    if (result < 0) return result;
    const uint32_t bytes = (uint32_t)result * g_result.row_bytes;
    gl_set_u32(at, (uint32_t)result);
    crc = gl_crc32_more(crc, at + 4, bytes);
    g_result.rows += (uint32_t)result;
    if ((flags & RUNNER_FLAG_PRINT_ROWS) != 0u && bytes != 0u) print_rows(at + 4, bytes);
    const uint32_t next = g_result.log_used + 4u + gl_pad4(bytes);
    if (g_result.log_bytes - next < most + 8u) full = 1;
    if (!full) g_result.log_used = next;
  }
  g_result.output_crc = ~crc;
  return GATELET_STATUS_OK;
}

static void print_word(const char *name, uint32_t value) {
  board_print(name);
  board_print_decimal(value);
  board_print("\n");
}

static void print_crc(const char *name, uint32_t value) {
  board_print(name);
  board_print_hex(value);
  board_print("\n");
}

static void report(void) {
  board_print(g_result.status == 0 ? "status OK\n" : "status ");
  if (g_result.status != 0) print_word("-", 0u - (uint32_t)g_result.status);
  print_crc("model ", g_result.model_crc);
  print_word("frames ", g_result.frames);
  print_word("rows ", g_result.rows);
  print_crc("outputs ", g_result.output_crc);
  print_crc("state ", g_result.state_crc);
  print_crc("cycles-high ", g_result.cycles_high);
  print_word("cycles ", g_result.cycles);
  for (uint32_t i = 0; i < g_result.layers; i++) {
    board_print("layer ");
    board_print_decimal(i);
    print_word(" cycles ", g_result.layer_cycles[i]);
  }
  print_word("stack ", g_result.stack_used);
  board_print("end\n");
}

void board_fault(uint32_t exception) {
  g_result.status = RUNNER_STATUS_FAULT - (int32_t)exception;
  g_result.finished = 1;
  board_print("fault\nend\n");
}

#define UART_PIN 6u

void board_main(void) {
  const uint32_t flags = frames_word(RUNNER_FRAMES_FLAGS_AT);
  g_result.magic = RUNNER_RESULT_MAGIC;
  g_result.version = RUNNER_VERSION;
  if ((flags & RUNNER_FLAG_NO_CACHE) == 0u) board_enable_cache();
  board_uart_start(UART_PIN);
  if ((flags & RUNNER_FLAG_QUIET) == 0u) board_print("gatelet runner 1\n");
  board_paint_stack();
  board_start_cycles();
  g_result.status = prepare();
  if (g_result.status == GATELET_STATUS_OK) {
    g_result.status = run();
    g_result.state_crc = gl_crc32(stream.arena, model.state_bytes);
  }
  g_result.stack_used = board_stack_used();
  if ((flags & RUNNER_FLAG_QUIET) == 0u) report();
  g_result.finished = 1;
}
