// Small text functions that the standard library lacks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace toll {

std::string_view trim(std::string_view text);  // ASCII white space on both ends
std::string lower(std::string_view text);      // ASCII only
bool equal_ignoring_case(std::string_view a, std::string_view b);
bool valid_utf8(std::string_view text);          // RFC 3629: no surrogates, no overlong forms
std::size_t utf8_length(std::string_view text);  // code points of valid UTF-8
// The longest prefix of at most `bytes` bytes that ends at a character boundary.
std::string_view utf8_prefix(std::string_view text, std::size_t bytes);

std::string base64url(std::string_view bytes);  // RFC 4648, 5, without padding
std::optional<std::string> from_base64url(std::string_view text);
// `value` in base62 (0-9A-Za-z), most significant first, left-padded with 0 to `width`.
std::string base62(std::uint64_t value, std::size_t width);

// The whole text as a decimal integer; nothing else around it.
std::optional<std::int64_t> parse_int(std::string_view text);

// RFC 3986: %XX to bytes; nullopt on a broken escape.
std::optional<std::string> percent_decode(std::string_view text);
std::string percent_encode(std::string_view text);  // keeps A-Za-z0-9-._~

// A path without the keys that stand in it: "/deployment/unst_***/status". A segment that hides one behind escapes is
// shown as unst_*** whole. For logs.
std::string without_keys(std::string_view path);

}  // namespace toll
