#include "surfaces/registry/row_cache.h"

#include "surfaces/registry/wire.h"

namespace toll::registry {

RowCache::Text RowCache::find(const models::Listed& row) {
  if (auto it = young_.find(row.key); it != young_.end())
    return it->second.revision == row.revision ? it->second.text : nullptr;
  auto it = old_.find(row.key);
  if (it == old_.end() || it->second.revision != row.revision) return nullptr;
  auto text = it->second.text;
  young_.insert_or_assign(row.key, std::move(it->second));
  old_.erase(it);
  return text;
}

void RowCache::keep(const models::Model& model, Text text) {
  if (young_.size() >= capacity_ / 2) old_ = std::exchange(young_, {});
  young_.insert_or_assign(model.key, Entry{model.revision, std::move(text)});
}

std::vector<RowCache::Text> RowCache::texts(sql::Tx& tx, const models::Catalogue& catalogue,
                                            const std::vector<models::Listed>& rows) {
  std::vector<Text> out(rows.size());
  std::vector<models::RepoKey> missing;
  std::unordered_map<models::RepoKey, std::size_t> places;
  {
    std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      out[i] = find(rows[i]);
      if (out[i]) continue;
      missing.push_back(rows[i].key);
      places.emplace(rows[i].key, i);
    }
  }
  if (missing.empty()) return out;
  const auto found = catalogue.models(tx, missing);
  std::lock_guard lock(mutex_);
  for (const auto& model : found) {
    auto text = std::make_shared<const std::string>(json::write(view(model)));
    out[places.at(model.key)] = text;
    keep(model, std::move(text));
  }
  std::erase(out, nullptr);
  return out;
}

}  // namespace toll::registry
