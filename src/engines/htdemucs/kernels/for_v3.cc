#define WIDTH 8
#define CHAINS 2
#include "engines/htdemucs/kernels/table.h"

namespace toll::engines::htdemucs::kernels::v3 {
#include "engines/htdemucs/kernels/body.h"
}
