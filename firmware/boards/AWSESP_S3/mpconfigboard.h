#define MICROPY_HW_BOARD_NAME "AWS IoT on ESP32-S3"
#define MICROPY_HW_MCU_NAME "ESP32S3"

// For modules with a USB-UART of their own; native USB works all the same.
#define MICROPY_HW_ENABLE_UART_REPL (1)
