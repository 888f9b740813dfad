#define WIDTH 16
#define CHAINS 3
#include "engines/htdemucs/kernels/table.h"

namespace toll::engines::htdemucs::kernels::v4 {
#include "engines/htdemucs/kernels/body.h"
}
