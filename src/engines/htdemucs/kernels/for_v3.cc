#include <immintrin.h>
#define LEVEL "v3"
#define WIDTH 8
#define CHAINS 2
#define LINES_AT_ONCE 4
#define NATIVE __m256i
#define ADD_PAIRS(sum, a, b) _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
#include "engines/htdemucs/kernels/table.h"

namespace toll::engines::htdemucs::kernels::v3 {
#include "engines/htdemucs/kernels/body.h"
#include "engines/htdemucs/kernels/products.h"
}  // namespace toll::engines::htdemucs::kernels::v3
