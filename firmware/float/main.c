/* Runs the program in flash over the windows in flash; leaves outputs, cycles of each record and stack in g_result. */
#include "../board/nrf52840/measure.h"
#include "../board/nrf52840/nrf52840.h"
#include "float_ops.h"

typedef struct float_result {
  uint32_t magic, finished;
  int32_t status;
  uint32_t windows, cycles, cycles_high, stack, log, output_values, records;
  uint32_t record_cycles[FLOAT_RECORDS_MAXIMUM];
} float_result;

extern float_result g_result;
float_result g_result;

static const uint32_t *const program = (const uint32_t *)FLOAT_PROGRAM_ADDRESS;
static const uint32_t *const windows = (const uint32_t *)FLOAT_WINDOWS_ADDRESS;

/* header: magic, version, records, arena floats, input values and place, output values and place */
enum { MAGIC, VERSION, RECORDS, ARENA, INPUT_VALUES, INPUT_AT, OUTPUT_VALUES, OUTPUT_AT };

static void activate(const float_op *op) {
  const uint32_t count = float_word(op, FLOAT_ROWS_OUT_AT) * float_word(op, FLOAT_COLS_OUT_AT);
  const float *x = float_buffer(op, FLOAT_INPUT_AT);
  float *out = float_buffer(op, FLOAT_OUTPUT_AT);
  for (uint32_t i = 0; i < count; i++) out[i] = x[i];
  float_activate(op, FLOAT_ACTIVATION_AT, out, count);
}

static void (*const OPERATIONS[])(const float_op *) = {
    [FLOAT_DENSE] = float_dense,
    [FLOAT_RNN] = float_rnn,
    [FLOAT_LSTM] = float_lstm,
    [FLOAT_GRU] = float_gru,
    [FLOAT_MINIMAL_GRU] = float_minimal_gru,
    [FLOAT_FASTGRNN] = float_fastgrnn,
    [FLOAT_CONV1D] = float_conv1d,
    [FLOAT_DEPTHWISE] = float_depthwise,
    [FLOAT_POOL] = float_pool,
    [FLOAT_GLOBAL_POOL] = float_global_pool,
    [FLOAT_AFFINE] = float_affine,
    [FLOAT_ACTIVATE] = activate,
    [FLOAT_SOFTMAX] = float_softmax,
    [FLOAT_REVERSE] = float_reverse,
    [FLOAT_MERGE] = float_merge,
    [FLOAT_REPEAT] = float_repeat,
};

static void run_window(float *arena) {
  const uint32_t *record = program + FLOAT_HEADER_WORDS;
  for (uint32_t i = 0; i < program[RECORDS]; i++, record += FLOAT_RECORD_WORDS) {
    const float_op op = {record, (const float *)(const void *)program, arena};
    const uint32_t since = board_cycles();
    OPERATIONS[record[FLOAT_OP_AT]](&op);
    g_result.record_cycles[i] += board_cycles() - since;
  }
}

/* The log of outputs lies behind the variables, the arena at the end of RAM. */
static int32_t run(void) {
  const uint32_t count = windows[1], first = (uint32_t)(uintptr_t)_bss_end, end = (uint32_t)(uintptr_t)_ram_end;
  if (program[MAGIC] != FLOAT_PROGRAM_MAGIC || program[VERSION] != FLOAT_VERSION) return FLOAT_STATUS_NO_PROGRAM;
  if (program[RECORDS] > FLOAT_RECORDS_MAXIMUM) return FLOAT_STATUS_NO_PROGRAM;
  if (windows[0] != FLOAT_WINDOWS_MAGIC || windows[2] != program[INPUT_VALUES]) return FLOAT_STATUS_NO_WINDOWS;
  if (4u * (program[ARENA] + count * program[OUTPUT_VALUES]) > end - first) return FLOAT_STATUS_RAM;
  g_result.log = first;
  g_result.output_values = program[OUTPUT_VALUES];
  g_result.records = program[RECORDS];
  float *log = (float *)(uintptr_t)first;
  float *arena = (float *)(uintptr_t)(end - 4u * program[ARENA]);
  const float *values = (const float *)(const void *)(windows + FLOAT_WINDOWS_HEADER_WORDS);
  for (; g_result.windows < count; g_result.windows++) {
    for (uint32_t i = 0; i < program[INPUT_VALUES]; i++) arena[program[INPUT_AT] + i] = *values++;
    bench_begin();
    const uint32_t since = board_cycles();
    run_window(arena);
    const uint32_t cycles = board_cycles() - since;
    bench_end();
    board_add_cycles(&g_result.cycles, &g_result.cycles_high, cycles);
    for (uint32_t i = 0; i < program[OUTPUT_VALUES]; i++) *log++ = arena[program[OUTPUT_AT] + i];
  }
  return 0;
}

void board_fault(uint32_t exception) {
  g_result.status = FLOAT_STATUS_FAULT - (int32_t)exception;
  g_result.finished = 1;
}

#define CPACR 0xe000ed88u

void board_main(void) {
  *(volatile uint32_t *)CPACR |= 0xfu << 20;
  __asm__ volatile("dsb\n isb" ::: "memory");
  if (windows[3] == 0u) board_enable_cache();
  board_paint_stack();
  board_start_cycles();
  g_result.magic = FLOAT_RESULT_MAGIC;
  g_result.status = run();
  g_result.stack = board_stack_used();
  g_result.finished = 1;
}
