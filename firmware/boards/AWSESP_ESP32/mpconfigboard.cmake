set(IDF_TARGET esp32)
set(AWSESP_PARTITIONS 4MiB)
include(${CMAKE_CURRENT_LIST_DIR}/../common.cmake)
