#include "engines/htdemucs/kernels/table.h"

#include <cpuid.h>

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

// Leaf 7.1, EAX bit 4. By hand: the fuzz targets' clang 14 does not know the name that g++ has for it. That the system
// keeps the registers is what "avx2" already says.
bool has_avx_vnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax >> 4 & 1) != 0;
}

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
    if (has_avx_vnni()) found.push_back(&v3_vnni::functions);
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
