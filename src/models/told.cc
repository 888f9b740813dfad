#include "models/told.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "models/names.h"
#include "models/search.h"

namespace toll::models {

namespace {

constexpr std::string_view columns =
    "c.version, c.canonical_url, c.model_name, c.author, c.pipeline_tag, c.license, c.languages, c.tags, c.engine, "
    "c.parameters";

struct Told {
  VersionKey version;
  Card card;
};

std::vector<Told> told_of(sql::Tx& tx, RepoKey repo) {
  std::vector<Told> out;
  for (const auto& row : tx.query(fmt::format("SELECT {} FROM model_version_cards c JOIN model_versions v ON v.id = "
                                              "c.version WHERE v.repo = $1",
                                              columns),
                                  repo))
    out.push_back({VersionKey(row.integer(0)),
                   {.canonical_url = row.maybe_text(1),
                    .model_name = row.maybe_text(2),
                    .author = row.maybe_text(3),
                    .pipeline_tag = row.maybe_text(4),
                    .license = row.maybe_text(5),
                    .languages = row.maybe_text(6),
                    .tags = row.maybe_text(7),
                    .engine = row.maybe_text(8),
                    .parameters = row.maybe_integer(9)}});
  return out;
}

template <class T>
void retell_member(T Card::*member, Card& now, const Card& old, const std::vector<Told>& told) {
  const auto& there = old.*member;
  const bool ours = !there || std::ranges::any_of(told, [&](const Told& one) { return one.card.*member == there; });
  if (!ours) now.*member = there;
}

Card retold(Card now, const Card& old, const std::vector<Told>& told) {
  retell_member(&Card::canonical_url, now, old, told);
  retell_member(&Card::model_name, now, old, told);
  retell_member(&Card::author, now, old, told);
  retell_member(&Card::pipeline_tag, now, old, told);
  retell_member(&Card::license, now, old, told);
  retell_member(&Card::languages, now, old, told);
  retell_member(&Card::tags, now, old, told);
  retell_member(&Card::engine, now, old, told);
  retell_member(&Card::parameters, now, old, told);
  return now;
}

}  // namespace

void forget_told(sql::Tx& tx, VersionKey version) {
  tx.exec("DELETE FROM model_version_cards WHERE version = $1", version);
}

void keep_told(sql::Tx& tx, VersionKey version, const Card& card) {
  forget_told(tx, version);
  tx.exec(
      "INSERT INTO model_version_cards (version, canonical_url, model_name, author, pipeline_tag, license, languages, "
      "tags, engine, parameters) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
      version, card.canonical_url, card.model_name, card.author, card.pipeline_tag, card.license, card.languages,
      card.tags, card.engine, card.parameters);
}

void retell(sql::Tx& tx, const Model& model, const Version& version, Time now) {
  const auto told = told_of(tx, model.key);
  const auto own = std::ranges::find(told, version.key, &Told::version);
  if (own == told.end()) return;
  const auto card = retold(own->card, model.card, told);
  const auto search = search_text(model.repo_id, card);
  index_search(tx, model.key, search_text(model.repo_id, model.card), search);
  tx.exec(
      "UPDATE model_repos SET canonical_url = $2, model_name = $3, author = $4, pipeline_tag = $5, license = $6, "
      "languages = $7, tags = $8, engine = $9, parameters = $10, parameters_readable = $11, search = $12, "
      "last_modified = $13, source_commit = $14, revision = revision + 1 WHERE id = $1",
      model.key, card.canonical_url, card.model_name, card.author, card.pipeline_tag, card.license, card.languages,
      card.tags, card.engine, card.parameters,
      card.parameters ? std::optional(readable_count(*card.parameters)) : std::nullopt, search, now, version.commit);
}

}  // namespace toll::models
