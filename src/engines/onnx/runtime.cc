#include "engines/onnx/runtime.h"

#include <dlfcn.h>

#include <memory>
#include <mutex>
#include <new>
#include <optional>

#include "engines/onnx/ort.h"
#include "engines/onnx/refuse.h"

namespace toll::engines::onnx {
namespace {

constexpr const char* library_name = "libonnxruntime.so.1";

struct PoolAllocator : OrtAllocator {
  PoolAllocator() : OrtAllocator{} {
    version = ORT_API_VERSION;
    // The runtime uses a null pointer without looking at it; an exception it turns into the error of the run.
    Alloc = [](OrtAllocator*, std::size_t size) -> void* {
      void* block = size ? pool().allocate(size) : nullptr;
      if (size && !block) throw std::bad_alloc();
      return block;
    };
    Reserve = Alloc;
    Free = [](OrtAllocator*, void* block) { pool().release(block); };
    Info = [](const OrtAllocator*) -> const OrtMemoryInfo* { return cpu_memory(); };
  }
};

struct Loaded {
  std::optional<Ort::Env> environment;
  std::optional<Ort::MemoryInfo> memory;
  std::optional<PoolAllocator> allocator;
  std::optional<Fault> fault;
};

// Never destroyed: the library's own threads and statics end in an order that nobody knows.
Loaded& loaded() {
  static auto* one = new Loaded;
  return *one;
}

Result<const OrtApi*> api_of(void* library) {
  if (!library) return refuse("ONNX Runtime is not installed beside the program");
  using GetBase = const OrtApiBase* (*)();
  auto base = reinterpret_cast<GetBase>(::dlsym(library, "OrtGetApiBase"));
  const OrtApi* api = base ? base()->GetApi(ORT_API_VERSION) : nullptr;
  if (!api) return refuse("the ONNX Runtime beside the program is of another version");
  return api;
}

Result<void> load(Loaded& into) {
  const auto* api = TOLL_TRY(api_of(::dlopen(library_name, RTLD_NOW | RTLD_LOCAL)));
  Ort::InitApi(api);
  // Errors come back as results.
  into.environment.emplace(ORT_LOGGING_LEVEL_FATAL, "tollhouse");
  into.environment->DisableTelemetryEvents();
  into.memory.emplace(Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault));
  into.allocator.emplace();
  Ort::ThrowOnError(api->RegisterAllocator(*into.environment, &*into.allocator));
  return {};
}

}  // namespace

Ort::Env* environment() {
  return loaded().environment ? &*loaded().environment : nullptr;
}

const Ort::MemoryInfo& cpu_memory() {
  return *loaded().memory;
}

BlockPool& pool() {
  static auto* one = new BlockPool;
  return *one;
}

Result<void> load_runtime() {
  static std::once_flag once;
  auto& state = loaded();
  std::call_once(once, [&] {
    auto result = load(state);
    if (!result) state.fault = std::move(result).error();
  });
  if (state.fault) return *state.fault;
  return {};
}

Result<void> find_runtime() {
  static const auto found = []() -> std::optional<Fault> {
    const std::unique_ptr<void, int (*)(void*)> library(::dlopen(library_name, RTLD_LAZY | RTLD_LOCAL), ::dlclose);
    const auto api = api_of(library.get());
    return api ? std::nullopt : std::optional(api.error());
  }();
  if (found) return *found;
  return {};
}

}  // namespace toll::engines::onnx
