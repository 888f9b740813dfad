#include "engines/forensics/failure.h"

namespace toll::engines::forensics {

Fault failed(Failure failure, std::string message) {
  return Fault(Reason::invalid_request)
      .with("failure", std::string(name_of(failure)))
      .with("message", message)
      .because(std::string(name_of(failure)) + ": " + message);
}

std::optional<Failed> failure_in(const Fault& fault) {
  const auto failure = failure_of(fault.argument("failure"));
  if (!failure) return std::nullopt;
  return Failed{*failure, std::string(fault.argument("message"))};
}

}  // namespace toll::engines::forensics
