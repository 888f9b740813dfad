// ONNX Runtime's C++ interface, bound to the library that load_runtime() opened. Only for the .cc files of this folder.
#pragma once

#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>

#include "engines/onnx/memory.h"

namespace toll::engines::onnx {

// Null before load_runtime() has succeeded. One a process; it holds the allocator of every session.
Ort::Env* environment();
BlockPool& pool();
const Ort::MemoryInfo& cpu_memory();

}  // namespace toll::engines::onnx
