#include "models/search.h"

#include <fmt/format.h>

#include "base/text.h"

namespace toll::models {

namespace {

// Beyond this many hits, walking the list in its order finds a page sooner than sorting the hits does.
constexpr std::size_t many = 2000;

// Between the names, so that nothing is found across two of them.
constexpr char between = '\x1f';

std::string like_pattern(std::string_view text) {
  std::string out = "%";
  for (char c : text) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out + "%";
}

// An FTS5 string: quotes doubled, nothing else is special inside.
std::string fts_phrase(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string search_text(std::string_view repo_id, const Card& card) {
  return lower(
      fmt::format("{}{}{}{}{}", repo_id, between, card.model_name.value_or(""), between, card.author.value_or("")));
}

void index_search(sql::Tx& tx, RepoKey repo, std::string_view before, std::string_view after) {
  if (tx.engine() != sql::Engine::sqlite || before == after) return;
  if (!before.empty()) forget_search(tx, repo, before);
  tx.exec("INSERT INTO model_search (rowid, search) VALUES ($1, $2)", repo, after);
}

void forget_search(sql::Tx& tx, RepoKey repo, std::string_view text) {
  if (tx.engine() != sql::Engine::sqlite) return;
  tx.exec("INSERT INTO model_search (model_search, rowid, search) VALUES ('delete', $1, $2)", repo, text);
}

SearchCondition search_condition(sql::Tx& tx, std::string_view q, int place) {
  const auto text = lower(q);
  if (tx.engine() == sql::Engine::postgres)
    return {fmt::format("r.search LIKE ${} ESCAPE '\\'", place), like_pattern(text), ""};
  // Trigrams are case-folded by Unicode's rules; the second look holds to ASCII.
  auto scan = fmt::format("instr(r.search, ${}) > 0", place);
  if (utf8_length(text) < 3) return {std::move(scan), text, ""};
  // The index is asked once; its hits go into the statement as a list.
  const auto hits =
      tx.query("SELECT rowid FROM model_search WHERE model_search MATCH $1 LIMIT $2", fts_phrase(text), many + 1);
  if (hits.size() > many) return {std::move(scan), text, ""};
  std::string list = "[";
  for (const auto& row : hits) list += (list.size() > 1 ? "," : "") + std::to_string(row.integer(0));
  return {fmt::format("{} AND r.id IN (SELECT value FROM json_each(${}))", scan, place + 1), text, list + "]"};
}

}  // namespace toll::models
