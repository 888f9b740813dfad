#include "engines/htdemucs/kernels/table.h"

namespace toll::engines::htdemucs::kernels {

namespace v2 {
extern const Table functions;
}
namespace v3 {
extern const Table functions;
}
namespace v4 {
extern const Table functions;
}

const Table& table() {
  static const Table& chosen = [&]() -> const Table& {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd"))
      return v4::functions;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
      return v3::functions;
    return v2::functions;
  }();
  return chosen;
}

}  // namespace toll::engines::htdemucs::kernels
