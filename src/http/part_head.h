// The header section of one part of a multipart/form-data body (RFC 7578, 4.2 to 4.4).
#pragma once

#include <optional>
#include <string_view>

#include "http/multipart.h"

namespace toll::http {

// `section`: CRLF and then the lines, each with its CRLF. nullopt: no form-data disposition with a name, or broken
// lines.
std::optional<PartHead> parse_part_head(std::string_view section);

// A parameter list: *( OWS ";" OWS token "=" ( token / quoted-string ) ). next() false at the end; then ok() says
// whether the text was well formed to its end.
class Parameters {
 public:
  explicit Parameters(std::string_view text) : rest_(text) {}
  bool next();
  bool ok() const { return ok_; }
  std::string_view name() const { return name_; }
  std::string_view value() const { return value_; }  // between the quotes, escapes as sent

 private:
  bool quoted();
  std::string_view rest_, name_, value_;
  bool ok_ = true;
};

}  // namespace toll::http
