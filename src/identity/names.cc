#include "identity/names.h"

#include <fmt/format.h>
#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <stdexcept>

#include "base/text.h"

namespace toll::identity {

namespace {

bool is_control(unsigned char c) {
  return c < 0x20 || c == 0x7f;
}

// RFC 5322 atext, and everything above ASCII (RFC 6532).
bool is_atext(unsigned char c) {
  return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(static_cast<char>(c)) != std::string_view::npos;
}

bool is_label_character(unsigned char c) {
  return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
}

std::optional<std::string> local_problem(std::string_view local) {
  if (local.empty()) return "There must be something before the @-sign.";
  if (local.size() > 64) return "The email address is too long before the @-sign.";
  if (local.front() == '.') return "An email address cannot start with a period.";
  if (local.back() == '.') return "An email address cannot have a period immediately before the @-sign.";
  if (local.find("..") != local.npos) return "An email address cannot have two periods in a row.";
  for (unsigned char c : local)
    if (c != '.' && !is_atext(c)) return "The email address contains invalid characters before the @-sign.";
  return std::nullopt;
}

std::optional<std::string> domain_problem(std::string_view domain) {
  if (domain.empty()) return "There must be something after the @-sign.";
  if (domain.find("..") != domain.npos) return "An email address cannot have two periods in a row.";
  if (domain.front() == '.') return "An email address cannot have a period immediately after the @-sign.";
  if (domain.back() == '.') return "An email address cannot end with a period.";
  if (domain.find('.') == domain.npos) return "The part after the @-sign is not valid. It should have a period.";
  while (!domain.empty()) {
    const auto label = domain.substr(0, domain.find('.'));
    domain.remove_prefix(std::min(domain.size(), label.size() + 1));
    if (label.size() > 63) return "The part after the @-sign is too long.";
    if (label.front() == '-' || label.back() == '-') return "A part of the domain cannot start or end with a hyphen.";
    if (!std::all_of(label.begin(), label.end(), is_label_character))
      return "The part after the @-sign contains invalid characters.";
    if (domain.empty() && parse_int(label)) return "The part after the @-sign is not a valid domain name.";
  }
  return std::nullopt;
}

std::optional<std::string> length_problem(std::string_view text, std::size_t least, std::size_t most) {
  const bool printable = std::none_of(text.begin(), text.end(), is_control);
  if (!valid_utf8(text) || !printable) return "must be text without control characters";
  const auto length = utf8_length(text);
  if (length < least || length > most) return fmt::format("must be {} to {} characters", least, most);
  return std::nullopt;
}

char32_t decode(std::string_view text, std::size_t& at) {
  const unsigned char lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  const int extra = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  char32_t code = lead & (0x3F >> extra);
  for (int i = 0; i < extra; ++i) code = code << 6 | (static_cast<unsigned char>(text[at++]) & 0x3F);
  return code;
}

void encode(std::string& out, char32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  const int extra = code >= 0x10000 ? 3 : code >= 0x800 ? 2 : 1;
  out += static_cast<char>((0xFF00 >> (extra + 1) & 0xFF) | code >> 6 * extra);
  for (int i = extra - 1; i >= 0; --i) out += static_cast<char>(0x80 | (code >> 6 * i & 0x3F));
}

locale_t unicode() {
  static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (!locale) throw std::runtime_error("the C library lacks its C.UTF-8 locale");
  return locale;
}

}  // namespace

std::optional<std::string> email_problem(std::string_view email) {
  if (!valid_utf8(email)) return "The email address is not valid text.";
  const auto at = email.find('@');
  if (at == email.npos) return "An email address must have an @-sign.";
  if (email.find('@', at + 1) != email.npos) return "An email address must have exactly one @-sign.";
  if (email.size() > max_email_bytes) return "The email address is too long.";
  if (auto problem = local_problem(email.substr(0, at))) return problem;
  return domain_problem(email.substr(at + 1));
}

std::optional<std::string> username_problem(std::string_view username) {
  return length_problem(trim(username), min_username_length, max_username_length);
}

std::optional<std::string> key_name_problem(std::string_view name) {
  return length_problem(trim(name), 1, max_key_name_length);
}

std::string fold(std::string_view text) {
  if (!valid_utf8(text)) return lower(text);
  std::string out;
  out.reserve(text.size());
  // Up and down again: letters with two lower-case forms (Greek sigma) become one.
  for (std::size_t at = 0; at < text.size();)
    encode(out, static_cast<char32_t>(::towlower_l(::towupper_l(decode(text, at), unicode()), unicode())));
  return out;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

}  // namespace toll::identity
