// Models as this surface writes them, kept by revision: the same revision is the same text.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "models/catalogue.h"
#include "sql/database.h"

namespace toll::registry {

// Thread-safe. Bounded: what was not asked for in the last round goes first.
class RowCache {
 public:
  explicit RowCache(std::size_t capacity = 65536) : capacity_(capacity) {}

  using Text = std::shared_ptr<const std::string>;
  // The texts of the rows, in their order; those that are not here are read in one go.
  std::vector<Text> texts(sql::Tx& tx, const models::Catalogue& catalogue, const std::vector<models::Listed>& rows);

 private:
  struct Entry {
    std::int64_t revision = 0;
    Text text;
  };
  using Generation = std::unordered_map<models::RepoKey, Entry>;
  Text find(const models::Listed& row);
  void keep(const models::Model& model, Text text);

  const std::size_t capacity_;
  std::mutex mutex_;
  Generation young_, old_;
};

}  // namespace toll::registry
