#include <array>

#include "base/text.h"
#include "library/rules.h"
#include "library/search.h"
#include "library/words.h"

namespace toll::library {

namespace {

constexpr std::size_t most_words = 24;  // each costs a look at every column of every hit

Fault not_understood(std::string why) {
  return Fault(Reason::invalid_request).with("why", std::move(why));
}

struct Piece {
  std::string_view field;  // empty: none of the filters
  std::string_view value;
};

constexpr std::array<std::string_view, 5> filters{"artist", "album", "genre", "year", "isrc"};

std::string_view filter_of(std::string_view word) {
  const auto colon = word.find(':');
  if (colon == word.npos) return {};
  const auto name = word.substr(0, colon);
  for (const auto filter : filters)
    if (equal_ignoring_case(filter, name)) return filter;
  return {};
}

// Up to the closing quote, or to the end where none closes.
std::string_view take_quoted(std::string_view& text) {
  text.remove_prefix(1);
  const auto end = text.find('"');
  const auto inside = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return inside;
}

std::string_view take_word(std::string_view& text) {
  const auto word = text.substr(0, text.find_first_of(" \t\r\n\""));
  text.remove_prefix(word.size());
  return word;
}

Piece take_piece(std::string_view& text) {
  if (text.front() == '"') return {{}, take_quoted(text)};
  const auto word = take_word(text);
  const auto field = filter_of(word);
  if (field.empty()) return {{}, word};
  const auto value = word.substr(field.size() + 1);
  if (value.empty() && text.starts_with('"')) return {field, take_quoted(text)};
  return {field, value};
}

void append(std::vector<std::string>& words, std::string_view text) {
  for (auto& word : words_of(text)) words.push_back(std::move(word));
}

std::optional<Fault> add_years(Query& query, std::string_view value) {
  const auto dash = value.find('-');
  const auto from = parse_int(value.substr(0, dash));
  const auto to = dash == value.npos ? from : parse_int(value.substr(dash + 1));
  if (!from || !to || *from < 0 || *to < *from || *to > 9999) return not_understood("year: takes 1999 or 1999-2003");
  query.year_from = from;
  query.year_to = to;
  return {};
}

std::optional<Fault> add(Query& query, const Piece& piece) {
  if (piece.field.empty()) {
    append(query.words, piece.value);
    return {};
  }
  if (trim(piece.value).empty()) return not_understood(std::string(piece.field) + ": takes a value");
  if (piece.field == "year") return add_years(query, piece.value);
  if (piece.field == "isrc")
    query.isrc = normal_isrc(piece.value);
  else
    append(piece.field == "artist" ? query.artist : piece.field == "album" ? query.album : query.genre, piece.value);
  return {};
}

}  // namespace

Result<Query> parse_query(std::string_view text) {
  Query query;
  for (text = trim(text); !text.empty(); text = trim(text))
    if (auto fault = add(query, take_piece(text))) return *std::move(fault);
  if (query.words.size() + query.artist.size() + query.album.size() + query.genre.size() > most_words)
    return not_understood("must be at most " + std::to_string(most_words) + " words");
  return query;
}

}  // namespace toll::library
