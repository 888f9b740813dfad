// What names and addresses may look like, and when two of them are the same.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace toll::identity {

inline constexpr std::size_t max_email_bytes = 254;
inline constexpr std::size_t min_username_length = 2;
inline constexpr std::size_t max_username_length = 64;
inline constexpr std::size_t max_key_name_length = 64;

// Why this is no email address (a sentence such as "An email address must have an @-sign."); nullopt: it is one. A
// pragmatic subset of RFC 5322: one @, dot-atom local part, a domain of at least two labels.
std::optional<std::string> email_problem(std::string_view email);
// Of the trimmed name: length in code points, valid UTF-8, no control characters. A clause such as "must be 2 to 64
// characters".
std::optional<std::string> username_problem(std::string_view username);
// Of the trimmed name of a key.
std::optional<std::string> key_name_problem(std::string_view name);
// The form in which emails and user names are compared: lower case by Unicode's simple mappings.
std::string fold(std::string_view text);
// Lower-case 8-4-4-4-12: what may be looked up as an id of ours at all.
bool is_uuid(std::string_view text);

}  // namespace toll::identity
