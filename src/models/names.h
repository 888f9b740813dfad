// What things in the registry may be called, and where their bytes are found.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace toll::models {

inline constexpr std::size_t max_repo_id_bytes = 200;
inline constexpr std::size_t max_file_name_bytes = 1024;
inline constexpr std::string_view key_prefix = "hf/";

// As patterns, for messages.
inline constexpr std::string_view repo_id_pattern = "^[A-Za-z0-9._-]{1,96}(/[A-Za-z0-9._-]{1,96}){0,3}$";
inline constexpr std::string_view label_pattern = "^[A-Za-z0-9._+-]{1,128}$";
inline constexpr std::string_view engine_pattern = "^(separation|transcription|onnx|recommender)$";

// What can stand as `engine` in a model's card.
inline constexpr std::array<std::string_view, 4> engine_names{"separation", "transcription", "onnx", "recommender"};
bool is_engine(std::string_view text);

// 1 to 4 segments of [A-Za-z0-9._-]{1,96}, at most 200 bytes; no segment "." or ".." or one of the words that routes
// use; the first segment is no root path of the server.
bool valid_repo_id(std::string_view text);
// A version or an alias: one segment of [A-Za-z0-9._+-]{1,128}, none of the words that routes use.
bool valid_label(std::string_view text);
// Why this is no file name ("must not have an empty segment"); nullopt: it is one. 1 to 1,024 bytes of UTF-8 in one or
// more segments; no leading slash, empty, "." or ".." segment, control character or backslash.
std::optional<std::string> file_name_problem(std::string_view text);

// "hf/acme/bert/model.bin", "hf/acme/bert/versions/v1/model.bin". Of validated names only.
std::string object_key(std::string_view repo_id, std::optional<std::string_view> version, std::string_view rfilename);

// 8000000000 -> "8B", 1500000 -> "1.5M", 999 -> "999".
std::string readable_count(std::int64_t count);

}  // namespace toll::models
