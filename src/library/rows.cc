#include "library/rows.h"

namespace toll::library {

std::string packed(const std::vector<std::string>& parts) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i) out += separator;
    out += parts[i];
  }
  return out;
}

std::vector<std::string> unpacked(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = text.find(separator);
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return out;
}

namespace {

std::vector<Artist> read_artists(std::string_view text) {
  std::vector<Artist> out;
  auto parts = unpacked(text);
  out.reserve(parts.size() / 2);
  for (std::size_t i = 0; i + 1 < parts.size(); i += 2) out.push_back({std::move(parts[i]), std::move(parts[i + 1])});
  return out;
}

}  // namespace

Track read_track(const sql::Row& row, std::size_t first) {
  const auto at = [first](std::size_t column) { return first + column; };
  Track out;
  out.id = TrackId(row.text(at(0)));
  out.name = row.text(at(1));
  out.artists = read_artists(row.text(at(2)));
  out.album = {row.maybe_text(at(3)), row.maybe_text(at(4)), unpacked(row.text(at(5)))};
  out.duration_ms = row.maybe_integer(at(6));
  out.explicit_lyrics = row.boolean(at(7));
  out.genres = unpacked(row.text(at(8)));
  out.external_ids = {row.maybe_text(at(9)), row.maybe_text(at(10)), row.maybe_text(at(11))};
  out.track_number = row.maybe_integer(at(12));
  out.disc_number = row.maybe_integer(at(13));
  out.popularity = row.integer(at(14));
  out.metadata = row.text(at(15));
  if (!row.is_null(at(16)))
    out.audio = Audio{row.text(at(16)),    static_cast<std::uint64_t>(row.integer(at(17))),
                      row.text(at(18)),    row.integer(at(19)),
                      row.integer(at(20)), row.time(at(21))};
  out.features_status = row.text(at(22));
  out.created_at = row.time(at(23));
  out.updated_at = row.time(at(24));
  return out;
}

Playlist read_playlist(const sql::Row& row, std::size_t first) {
  const auto at = [first](std::size_t column) { return first + column; };
  Playlist out;
  out.id = PlaylistId(row.text(at(0)));
  out.fields = {row.text(at(1)), row.maybe_text(at(2)), row.boolean(at(3)), unpacked(row.text(at(4))), row.text(at(5))};
  out.snapshot_id = row.text(at(6));
  out.total = row.integer(at(7));
  out.created_at = row.time(at(8));
  out.updated_at = row.time(at(9));
  return out;
}

std::string as_list(sql::Engine engine, const std::vector<std::int64_t>& numbers) {
  std::vector<std::string> texts;
  texts.reserve(numbers.size());
  for (const auto n : numbers) texts.push_back(std::to_string(n));
  return as_list(engine, texts);
}

// UUIDs and numbers need no quoting in either form.
std::string as_list(sql::Engine engine, const std::vector<std::string>& ids) {
  const bool json = engine == sql::Engine::sqlite;
  std::string out = json ? "[" : "";
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i) out += ',';
    if (json) out += '"';
    out += ids[i];
    if (json) out += '"';
  }
  return json ? out + "]" : out;
}

std::string elements(sql::Engine engine, std::string_view parameter) {
  const std::string p(parameter);
  if (engine == sql::Engine::sqlite) return "(SELECT value, key AS at FROM json_each(" + p + ")) e";
  return "(SELECT value, ordinality - 1 AS at FROM unnest(string_to_array(" + p +
         ", ',')) WITH ORDINALITY AS u (value, ordinality)) e";
}

}  // namespace toll::library
