// Rows of items, steps and holds. Private to workflows/.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "metering/ledger.h"
#include "sql/database.h"
#include "workflows/catalogue.h"
#include "workflows/execution.h"

namespace toll::workflows {

struct NewItem {
  ExecutionId execution;
  std::string source;
  Time now;
  std::int64_t turn = 0;
};
void insert_item(sql::Tx& tx, const NewItem& where, const Item& item, const std::optional<std::string>& history_key,
                 std::string_view kind = {});
// Microseconds between items of one execution in the queue: a batch of a thousand leaves room for who comes a moment
// later.
inline constexpr std::int64_t turn_step = 250'000;

// What runs after the end, among the items.
inline constexpr std::string_view notice_kind = "notice";
// kind, name, mime, size, sha256, content, id, ordinal
inline constexpr std::string_view item_columns = "kind, name, mime, size, sha256, content, id, ordinal";
Item item_of(const sql::Row& row, std::size_t first = 0);

struct Price {
  std::string step, uses;
  std::int64_t micros = 0;
};
// Of every paid step that items of this source go through.
std::vector<Price> prices_of(sql::Tx& tx, const Catalogue& catalogue, const Definition& definition,
                             const OrganisationId& organisation, AccountId payer, const std::string& source);

struct HoldFor {
  ExecutionId execution;
  AccountId payer;
  std::int64_t ordinal = 0;
};
// Holds them for one item. Faults: insufficient_credits.
Result<void> hold_for_item(sql::Tx& tx, const metering::Ledger& ledger, const std::vector<Price>& prices,
                           const HoldFor& what);

// Gives back what is held for one item.
void release_item(sql::Tx& tx, const metering::Ledger& ledger, const ExecutionId& execution, std::int64_t ordinal);

json::Array models_json(const std::vector<ModelUse>& models);
std::vector<ModelUse> models_of(const json::Value& value);
// Files of a step or item as they are kept: [{"step", "name", "content_type", "size", "sha256"}].
json::Array files_json(const std::string& step, const std::vector<File>& files);
std::vector<std::pair<std::string, File>> files_of(const json::Value& value);
// What was stored as JSON; null for NULL.
json::Value stored_json(const std::optional<std::string>& text);

std::vector<ItemResult> read_results(sql::Tx& tx, const Execution& execution, bool text);

}  // namespace toll::workflows
