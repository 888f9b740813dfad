// Finding a part of a name among many: trigrams of the engine's own kind.
#pragma once

#include <string>
#include <string_view>

#include "models/model.h"
#include "sql/database.h"

namespace toll::models {

// What is searched, as it stands in model_repos.search: ASCII in lower case.
std::string search_text(std::string_view repo_id, const Card& card);

// Keep the index beside the column. `before` is the column's text until now; empty: the row is new.
void index_search(sql::Tx& tx, RepoKey repo, std::string_view before, std::string_view after);
void forget_search(sql::Tx& tx, RepoKey repo, std::string_view text);

// A condition over model_repos r for the text that is bound as parameter `place`.
struct SearchCondition {
  std::string sql;
  std::string text;  // to be bound as $place
  std::string hits;  // to be bound as the next one, if not empty
};
SearchCondition search_condition(sql::Tx& tx, std::string_view q, int place);

}  // namespace toll::models
