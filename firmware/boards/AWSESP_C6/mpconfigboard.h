#define MICROPY_HW_BOARD_NAME "AWS IoT on ESP32-C6"
#define MICROPY_HW_MCU_NAME "ESP32C6"

// As the port's own generic board has it: the chip lacks them.
#define MICROPY_HW_ENABLE_SDCARD (0)
#define MICROPY_PY_MACHINE_I2S (0)

// For modules with a USB-UART of their own; native USB works all the same.
#define MICROPY_HW_ENABLE_UART_REPL (1)
