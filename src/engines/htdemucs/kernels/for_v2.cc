#include <immintrin.h>
#define LEVEL "v2"
#define WIDTH 4
#define CHAINS 2
#define LINES_AT_ONCE 4
#define NATIVE __m128i
#define ADD_PAIRS(sum, a, b) _mm_add_epi32(sum, _mm_madd_epi16(a, b))
#include "engines/htdemucs/kernels/table.h"

namespace toll::engines::htdemucs::kernels::v2 {
#include "engines/htdemucs/kernels/body.h"
#include "engines/htdemucs/kernels/products.h"
}  // namespace toll::engines::htdemucs::kernels::v2
