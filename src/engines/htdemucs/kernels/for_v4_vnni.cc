#include <immintrin.h>
#define LEVEL "v4_vnni"
#define WIDTH 16
#define CHAINS 3
#define LINES_AT_ONCE 8
#define NATIVE __m512i
#define ADD_PAIRS(sum, a, b) _mm512_dpwssd_epi32(sum, a, b)
#include "engines/htdemucs/kernels/table.h"

namespace toll::engines::htdemucs::kernels::v4_vnni {
#include "engines/htdemucs/kernels/body.h"
#include "engines/htdemucs/kernels/products.h"
}  // namespace toll::engines::htdemucs::kernels::v4_vnni
