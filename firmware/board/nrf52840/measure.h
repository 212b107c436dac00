/* What both runners measure with: marks for simulators, the stack's high-water mark. */
#ifndef GATELET_MEASURE_H
#define GATELET_MEASURE_H

#include <stdint.h>

extern uint32_t _ram_start[], _ram_end[], _stack_top[], _bss_end[];

/* For debuggers and simulators: between them lies what is timed. */
void bench_begin(void);
void bench_end(void);

/* Fills what is free of the stack; then the most bytes that were ever used of it. */
void board_paint_stack(void);
uint32_t board_stack_used(void);

/* Adds the cycles of one call to a sum of 64 bits. */
static inline void board_add_cycles(uint32_t *low, uint32_t *high, uint32_t cycles) {
  *low += cycles;
  if (*low < cycles) ++*high;
}

#endif
