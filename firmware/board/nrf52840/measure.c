/* See measure.h. The stack lies at the bottom of RAM. */
#include "measure.h"

#define STACK_FILL 0xdeadbeefu

__attribute__((noinline)) void bench_begin(void) { __asm__ volatile(""); }
__attribute__((noinline)) void bench_end(void) { __asm__ volatile(""); }

void board_paint_stack(void) {
  uint32_t *sp;
  __asm__ volatile("mov %0, sp" : "=r"(sp));
  for (uint32_t *at = _ram_start; at < sp; at++) *at = STACK_FILL;
}

uint32_t board_stack_used(void) {
  const uint32_t *at = _ram_start;
  while (*at == STACK_FILL) at++;
  return (uint32_t)((uintptr_t)_stack_top - (uintptr_t)at);
}
