// The media records' part of the object store's keys: "users/<uid>/media/<mid>/<file>".
#pragma once

#include "media/records.h"
#include "objects/key_space.h"

namespace toll::media {

// Thread-safe.
class MediaSpace final : public objects::KeySpace {
 public:
  explicit MediaSpace(Records& records) : records_(records) {}

  std::string_view prefix() const override { return key_prefix; }
  // A link dies with its record, and with its account.
  Result<objects::Readable> find(sql::Tx& tx, std::string_view key, const objects::Bearer& bearer) const override;
  std::shared_ptr<void> arriving(const objects::Slot& slot) override { return records_.arriving(slot); }
  bool as_s3_does() const override { return true; }
  Result<void> landed(sql::Tx& tx, const objects::Slot& slot, const objects::Object& received) override {
    return records_.landed(tx, slot, received);
  }
  void served(const objects::Serving&) override {}

 private:
  Records& records_;
};

}  // namespace toll::media
