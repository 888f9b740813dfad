// A file's own fault on its way through this engine: a Fault that carries what the record will say.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "engines/forensics/plan.h"

namespace toll::engines::forensics {

// `message` is one sentence for the public.
Fault failed(Failure failure, std::string message);

struct Failed {
  Failure failure;
  std::string message;
};
// nullopt for every other fault.
std::optional<Failed> failure_in(const Fault& fault);

}  // namespace toll::engines::forensics
