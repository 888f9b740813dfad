#include "engines/htdemucs/kernels/table.h"

#include <vector>

namespace toll::engines::htdemucs::kernels {

namespace v2 {
extern const Table functions;
}
namespace v3 {
extern const Table functions;
}
namespace v3_vnni {
extern const Table functions;
}
namespace v4 {
extern const Table functions;
}
namespace v4_vnni {
extern const Table functions;
}

namespace {

const Table*& chosen() {
  static const Table* one = usable().back();
  return one;
}

}  // namespace

std::span<const Table* const> usable() {
  static const std::vector<const Table*> all = [] {
    __builtin_cpu_init();
    std::vector<const Table*> found{&v2::functions};
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2"))
      return found;
    found.push_back(&v3::functions);
    if (__builtin_cpu_supports("avxvnni")) found.push_back(&v3_vnni::functions);
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512cd"))
      return found;
    found.push_back(&v4::functions);
    if (__builtin_cpu_supports("avx512vnni")) found.push_back(&v4_vnni::functions);
    return found;
  }();
  return all;
}

const Table& table() {
  return *chosen();
}

void use(const Table& table) {
  chosen() = &table;
}

}  // namespace toll::engines::htdemucs::kernels
