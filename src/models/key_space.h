// The registry's part of the object store: every key below "hf/".
#pragma once

#include "models/access_log.h"
#include "models/catalogue.h"
#include "models/uploads.h"
#include "objects/key_space.h"

namespace toll::models {

// A URL dies with the right to read: the account, its role, visibility and grants are looked at for every request.
class RegistryKeys final : public objects::KeySpace {
 public:
  RegistryKeys(const Clock& clock, const Uploads& uploads, AccessRecorder& recorder);

  std::string_view prefix() const override { return key_prefix; }
  Result<objects::Readable> find(sql::Tx& tx, std::string_view key, const objects::Bearer& bearer) const override;
  Result<void> may_write(sql::Tx& tx, const objects::Slot& slot) const override;
  Result<void> landed(sql::Tx& tx, const objects::Slot& slot, const objects::Object& received) override;
  void served(const objects::Serving& serving) override;

 private:
  const Clock& clock_;
  const Uploads& uploads_;
  AccessRecorder& recorder_;
};

}  // namespace toll::models
