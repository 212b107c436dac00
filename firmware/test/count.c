/*
 * Counts instructions of the layers of one model under QEMU: `-icount shift=10` makes every instruction 1024 ns, and the
 * CMSDK timer of mps2-an386 ticks every 40 ns, so that ticks * 40 / 1024, rounded, is exact.
 * Arguments: model, frames (int16), result: u32 instructions from the end of each profile call to the begin of the next,
 * record_count + 1 words a step (the first: before layer 0).
 */
#include <stdio.h>
#include <stdlib.h>

#include "../src/stream.h"

#define TIMER ((volatile uint32_t *)0x40000000u)
#define MAX_MARKS 4096u

static uint32_t begins[MAX_MARKS], ends[MAX_MARKS], used;

static uint32_t now(void) { return 0u - TIMER[1]; }

__attribute__((noinline)) void gatelet_profile(uint32_t layer) {
  (void)layer;
  begins[used] = now();
  used++;
  ends[used - 1u] = now();
}

static void *allocate(uint32_t bytes) {
  uint8_t *at = (uint8_t *)malloc(bytes + 16u);
  if (at == NULL) exit(2);
  return (void *)(((uintptr_t)at + 15u) & ~(uintptr_t)15u);
}

static void *read_all(const char *path, uint32_t *length) {
  FILE *file = fopen(path, "rb");
  uint8_t *bytes = (uint8_t *)allocate(1u << 20);
  if (file == NULL) exit(2);
  *length = (uint32_t)fread(bytes, 1, 1u << 20, file);
  fclose(file);
  return bytes;
}

int main(int argc, char **argv) {
  static uint8_t output[1u << 16];
  uint32_t model_bytes, frame_bytes;
  gatelet_model model;
  gatelet_stream stream;
  if (argc != 4) return 2;
  const void *file = read_all(argv[1], &model_bytes);
  const int16_t *frames = (const int16_t *)read_all(argv[2], &frame_bytes);
  TIMER[2] = 0xffffffffu;
  TIMER[1] = 0xffffffffu;
  TIMER[0] = 1;
  if (gatelet_check(&model, file, model_bytes) != 0) return 3;
  if (gatelet_init(&stream, &model, allocate(model.arena_bytes), model.arena_bytes) != 0) return 3;
  /* the cost of the marks themselves */
  gatelet_profile(0);
  gatelet_profile(0);
  const uint32_t steps = frame_bytes / 2u / model.frame_size;
  for (uint32_t i = 0; i < steps; i++) {
    if (gatelet_step(&stream, frames + i * model.frame_size, output, sizeof output) < 0) return 3;
  }
  FILE *out = fopen(argv[3], "wb");
  if (out == NULL) return 2;
  for (uint32_t i = 1; i < used; i++) {
    const uint32_t ticks = begins[i] - ends[i - 1u];
    const uint32_t count = (uint32_t)(((uint64_t)ticks * 40u + 512u) / 1024u);
    fwrite(&count, 4, 1, out);
  }
  return fclose(out) == 0 ? 0 : 2;
}
