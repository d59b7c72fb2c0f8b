set(IDF_TARGET esp32s3)
set(AWSESP_PARTITIONS 8MiB)
include(${CMAKE_CURRENT_LIST_DIR}/../common.cmake)
