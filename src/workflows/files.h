// Files that executions made, in the object store: "executions/<execution>/<item>/<step>/<name>".
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "objects/key_space.h"
#include "objects/objects.h"
#include "workflows/ids.h"

namespace toll::workflows {

std::string file_key(const ExecutionId& execution, std::int64_t ordinal, std::string_view step, std::string_view name);

// Read by the account that pays for the execution, until the result expires; never written through a URL.
class FileSpace final : public objects::KeySpace {
 public:
  FileSpace(const objects::Objects& objects, const Clock& clock) : objects_(objects), clock_(clock) {}
  std::string_view prefix() const override { return "executions/"; }
  Result<objects::Readable> find(sql::Tx& tx, std::string_view key, const objects::Bearer& bearer) const override;
  Result<void> may_write(sql::Tx&, const objects::Slot&) const override { return Reason::url_not_valid; }
  Result<void> landed(sql::Tx&, const objects::Slot&, const objects::Object&) override { return Reason::url_not_valid; }
  void served(const objects::Serving&) override {}

 private:
  const objects::Objects& objects_;
  const Clock& clock_;
};

}  // namespace toll::workflows
