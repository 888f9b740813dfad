#define WIDTH 4
#define CHAINS 2
#include "engines/htdemucs/kernels/table.h"

namespace toll::engines::htdemucs::kernels::v2 {
#include "engines/htdemucs/kernels/body.h"
}
