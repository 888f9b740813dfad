#include "models/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace toll::models {

namespace {

// Words that stand behind a repository in a path.
constexpr std::array<std::string_view, 13> route_words{"ready",    "infer",    "files",   "versions", "aliases",
                                                       "uploads",  "download", "resolve", "tree",     "raw",
                                                       "revision", "initiate", "complete"};

// Root paths of the server, and the bucket.
constexpr std::array<std::string_view, 46> root_words{
    "upload",         "jobs",       "job",          "status",     "download",     "stems",
    "api-key",        "auth",       "credits",      "admin",      "api",          "api-docs",
    "api-keys",       "tracks",     "search",       "playlists",  "interactions", "recommendations",
    "audio-features", "audio",      "models",       "analytics",  "webhooks",     "billing",
    "unstract",       "deployment", "mcp",          "v1",         "v2",           "healthz",
    "docs",           "redoc",      "openapi.json", "console",    "metrics",      "livez",
    "readyz",         "objects",    "login",        "manifest",   "platform",     "dev",
    "users",          "changes",    "static",       "favicon.ico"};

constexpr std::string_view repo_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
constexpr std::string_view label_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-";

bool is_route_word(std::string_view segment) {
  return std::ranges::find(route_words, segment) != route_words.end();
}

bool is_dots(std::string_view segment) {
  return segment == "." || segment == "..";
}

bool valid_segment(std::string_view segment) {
  return !segment.empty() && segment.size() <= 96 && segment.find_first_not_of(repo_alphabet) == segment.npos &&
         !is_dots(segment) && !is_route_word(segment);
}

// The segments between slashes, empty ones too.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto slash = text.find('/');
    out.push_back(text.substr(0, slash));
    if (slash == text.npos) return out;
    text.remove_prefix(slash + 1);
  }
}

}  // namespace

bool is_engine(std::string_view text) {
  return std::ranges::find(engine_names, text) != engine_names.end();
}

bool valid_repo_id(std::string_view text) {
  if (text.empty() || text.size() > max_repo_id_bytes) return false;
  const auto segments = split(text);
  return segments.size() <= 4 && std::ranges::all_of(segments, valid_segment) &&
         std::ranges::find(root_words, segments.front()) == root_words.end();
}

bool valid_label(std::string_view text) {
  return !text.empty() && text.size() <= 128 && text.find_first_not_of(label_alphabet) == text.npos && !is_dots(text) &&
         !is_route_word(text);
}

std::optional<std::string> file_name_problem(std::string_view text) {
  if (text.empty() || text.size() > max_file_name_bytes) return "must be 1 to 1024 bytes";
  if (!valid_utf8(text)) return "must be UTF-8";
  if (std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return "must not contain control characters";
  if (text.find('\\') != text.npos) return "must not contain a backslash";
  // The router writes it for a NUL.
  if (text.find("\xEF\xBF\xBD") != text.npos) return "must not contain U+FFFD";
  for (auto segment : split(text)) {
    if (segment.empty()) return "must not begin or end with a slash or have an empty segment";
    if (is_dots(segment)) return "must not have a segment . or ..";
  }
  return std::nullopt;
}

std::string object_key(std::string_view repo_id, std::optional<std::string_view> version, std::string_view rfilename) {
  if (version) return fmt::format("{}{}/versions/{}/{}", key_prefix, repo_id, *version, rfilename);
  return fmt::format("{}{}/{}", key_prefix, repo_id, rfilename);
}

std::string readable_count(std::int64_t count) {
  constexpr std::array<std::pair<double, char>, 4> steps{{{1e12, 'T'}, {1e9, 'B'}, {1e6, 'M'}, {1e3, 'K'}}};
  for (const auto& [size, letter] : steps) {
    if (static_cast<double>(count) < size) continue;
    const double tenths = std::floor(static_cast<double>(count) / size * 10) / 10;
    return tenths == std::floor(tenths) ? fmt::format("{:.0f}{}", tenths, letter)
                                        : fmt::format("{:.1f}{}", tenths, letter);
  }
  return std::to_string(count);
}

}  // namespace toll::models
