// The ONNX Runtime library of this process. It is opened at run time from beside the program (RUNPATH $ORIGIN), so the
// program starts without it, and only the workers that run a model pay for it.
#pragma once

#include "base/result.h"

namespace toll::engines::onnx {

// Opens the library, once a process; later calls answer what the first one found. Must be called before the sandbox
// closes, since it opens files. Reason::model_unusable, argument why: built without ONNX Runtime, the library is not
// beside the program, or it is of another version.
Result<void> load_runtime();
// Whether load_runtime() would succeed, without keeping the library: for a server, which runs no models itself and
// would hold 20 MiB for it. Looked at once a process. The same faults.
Result<void> find_runtime();

}  // namespace toll::engines::onnx
