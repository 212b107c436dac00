/* DWT, NVMC and UARTE of the nRF52840. */
#include "nrf52840.h"

static volatile uint32_t *reg(uint32_t address) { return (volatile uint32_t *)address; }

#define DEMCR 0xe000edfcu
#define DEMCR_TRCENA (1u << 24)
#define DWT_CTRL 0xe0001000u
#define DWT_CYCCNT 0xe0001004u

void board_start_cycles(void) {
  *reg(DEMCR) |= DEMCR_TRCENA;
  *reg(DWT_CYCCNT) = 0;
  *reg(DWT_CTRL) |= 1u;
}

#define NVMC_ICACHECNF 0x4001e540u

void board_enable_cache(void) { *reg(NVMC_ICACHECNF) = 1u; }

#define UARTE0 0x40002000u
#define TASKS_STARTTX (UARTE0 + 0x008u)
#define EVENTS_ENDTX (UARTE0 + 0x120u)
#define ENABLE (UARTE0 + 0x500u)
#define PSEL_TXD (UARTE0 + 0x50cu)
#define BAUDRATE (UARTE0 + 0x524u)
#define TXD_PTR (UARTE0 + 0x544u)
#define TXD_MAXCNT (UARTE0 + 0x548u)
#define ENABLE_UARTE 8u
#define BAUD_115200 0x01d60000u

void board_uart_start(uint32_t pin) {
  *reg(PSEL_TXD) = pin;
  *reg(BAUDRATE) = BAUD_115200;
  *reg(ENABLE) = ENABLE_UARTE;
}

/* EasyDMA reads RAM only. */
static uint8_t line[64];

static void send(uint32_t bytes) {
  *reg(TXD_PTR) = (uint32_t)(uintptr_t)line;
  *reg(TXD_MAXCNT) = bytes;
  *reg(EVENTS_ENDTX) = 0;
  *reg(TASKS_STARTTX) = 1;
  while (*reg(EVENTS_ENDTX) == 0u) {
  }
}

void board_print(const char *text) {
  uint32_t used = 0;
  for (; *text != '\0'; text++) {
    line[used++] = (uint8_t)*text;
    if (used == sizeof line) {
      send(used);
      used = 0;
    }
  }
  if (used != 0u) send(used);
}

void board_print_hex(uint32_t value) {
  char text[9];
  for (int i = 7; i >= 0; i--, value >>= 4) text[i] = "0123456789abcdef"[value & 15u];
  text[8] = '\0';
  board_print(text);
}

void board_print_decimal(uint32_t value) {
  static const uint32_t POWERS[10] = {1000000000u, 100000000u, 10000000u, 1000000u, 100000u, 10000u, 1000u, 100u, 10u, 1u};
  char text[11];
  uint32_t used = 0;
  for (uint32_t i = 0; i < 10u; i++) {
    uint32_t digit = 0;
    for (; value >= POWERS[i]; value -= POWERS[i]) digit++;
    if (digit != 0u || used != 0u || i == 9u) text[used++] = (char)('0' + digit);
  }
  text[used] = '\0';
  board_print(text);
}
