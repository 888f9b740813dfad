# ONNX Runtime out of third_party/onnxruntime (npm). The library is opened at run time from beside the program, so a program
# without it starts all the same; TOLL_ONNX says whether its headers were there to build against.
set(TOLL_ONNX OFF)
set(package ${CMAKE_SOURCE_DIR}/third_party/onnxruntime/node_modules/com.github.asus4.onnxruntime/Plugins)
set(headers "${package}/iOS~/onnxruntime.xcframework/ios-arm64/onnxruntime.framework/Headers")
set(library ${package}/Linux/x64/libonnxruntime.so)
if(EXISTS ${library} AND EXISTS "${headers}/onnxruntime_c_api.h" AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  set(TOLL_ONNX ON)
  # CMake's lists and ninja's paths know no tilde: copy what is needed under a plain name.
  file(COPY "${headers}/" DESTINATION ${CMAKE_BINARY_DIR}/onnxruntime/include FILES_MATCHING PATTERN "*.h")
  configure_file(${library} ${CMAKE_BINARY_DIR}/libonnxruntime.so.1 COPYONLY)
  configure_file(${package}/../LICENSE ${CMAKE_BINARY_DIR}/libonnxruntime.LICENSE COPYONLY)
else()
  message(STATUS "third_party/onnxruntime/node_modules is absent: trained models are off (engines onnx and htdemucs)")
endif()
add_library(toll_onnxruntime_headers INTERFACE)
if(TOLL_ONNX)
  target_include_directories(toll_onnxruntime_headers SYSTEM INTERFACE ${CMAKE_BINARY_DIR}/onnxruntime/include)
  target_compile_definitions(toll_onnxruntime_headers INTERFACE TOLL_WITH_ONNX)
endif()
target_link_libraries(toll_onnxruntime_headers INTERFACE ${CMAKE_DL_LIBS})
# Beside the program; the programs of the tests lie three folders deeper.
set(CMAKE_BUILD_RPATH "$ORIGIN;$ORIGIN/../../..")
set(CMAKE_INSTALL_RPATH "$ORIGIN")
