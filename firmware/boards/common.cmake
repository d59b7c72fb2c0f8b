# What all boards of this firmware share: the port's settings for the chip, then ours, then the partitions.
# Works with MicroPython 1.24 and with later ones, which have moved the settings of a chip into files of their own.

set(_port ${CMAKE_CURRENT_SOURCE_DIR}/boards)

if(EXISTS ${_port}/mpconfigboard_${IDF_TARGET}_common.cmake)
    include(${_port}/mpconfigboard_${IDF_TARGET}_common.cmake)
else()
    set(SDKCONFIG_DEFAULTS boards/sdkconfig.base ${SDKCONFIG_IDF_VERSION_SPECIFIC} boards/sdkconfig.ble)
    if(IDF_TARGET STREQUAL "esp32s3")
        list(APPEND SDKCONFIG_DEFAULTS boards/sdkconfig.usb boards/sdkconfig.spiram_sx)
    elseif(IDF_TARGET STREQUAL "esp32c3")
        list(APPEND SDKCONFIG_DEFAULTS boards/ESP32_GENERIC_C3/sdkconfig.c3usb)
    elseif(IDF_TARGET STREQUAL "esp32c6")
        list(APPEND SDKCONFIG_DEFAULTS boards/sdkconfig.c6)
    endif()
endif()

set(_firmware ${CMAKE_CURRENT_LIST_DIR}/..)
get_filename_component(_firmware ${_firmware} ABSOLUTE)

# ESP-IDF finds the table by a name in its configuration, which knows no variables.
file(WRITE ${CMAKE_BINARY_DIR}/sdkconfig.partitions
    "CONFIG_PARTITION_TABLE_CUSTOM=y\n"
    "CONFIG_PARTITION_TABLE_CUSTOM_FILENAME=\"${_firmware}/partitions/${AWSESP_PARTITIONS}.csv\"\n")

list(APPEND SDKCONFIG_DEFAULTS
    ${_firmware}/boards/sdkconfig.awsesp
    ${_firmware}/boards/sdkconfig.${AWSESP_PARTITIONS}
    ${CMAKE_BINARY_DIR}/sdkconfig.partitions)

set(MICROPY_FROZEN_MANIFEST ${_firmware}/manifest.py)
