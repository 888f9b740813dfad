// Text files, in whichever of the usual encodings.
#include <array>

#include "base/text.h"
#include "engines/documents/reading.h"

namespace toll::engines::documents {

namespace {

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

std::string from_utf16(std::string_view bytes, bool big_endian) {
  std::string out;
  const auto unit = [&](std::size_t at) {
    const auto first = static_cast<unsigned char>(bytes[at]), second = static_cast<unsigned char>(bytes[at + 1]);
    return static_cast<char32_t>(big_endian ? first << 8 | second : second << 8 | first);
  };
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
    auto c = unit(at);
    if (c >= 0xd800 && c < 0xdc00 && at + 3 < bytes.size() && unit(at + 2) >= 0xdc00 && unit(at + 2) < 0xe000) {
      c = 0x10000 + ((c - 0xd800) << 10) + (unit(at + 2) - 0xdc00);
      at += 2;
    }
    append_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
  }
  return out;
}

// The 27 characters by which Windows-1252 differs from Latin-1 (bytes 0x80 to 0x9f; 0: none).
constexpr std::array<char16_t, 32> windows{0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
                                           0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
                                           0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                           0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

std::string from_windows_1252(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) {
    const auto c = static_cast<unsigned char>(byte);
    const char32_t character = c >= 0x80 && c < 0xa0 ? windows[c - 0x80] : c;
    append_utf8(out, character == 0 && c != 0 ? 0xfffd : character);
  }
  return out;
}

std::string as_utf8(std::string_view bytes) {
  if (bytes.starts_with("\xff\xfe")) return from_utf16(bytes.substr(2), false);
  if (bytes.starts_with("\xfe\xff")) return from_utf16(bytes.substr(2), true);
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  return valid_utf8(bytes) ? std::string(bytes) : from_windows_1252(bytes);
}

}  // namespace

// Form feeds are page breaks.
Result<Read> read_plain(std::string_view bytes, const Asked& asked) {
  if (bytes.size() > 4 * most_text_bytes) return unreadable("it holds more than 6 MiB of text");
  const auto text = as_utf8(bytes);
  if (text.find('\0') != text.npos) return unreadable("it is no text");
  Pages pages(asked.max_pages);
  std::string_view rest = text;
  while (!rest.empty() && !pages.done()) {
    const auto end = std::min(rest.find('\f'), rest.size());
    pages.add(rest.substr(0, end));
    if (end < rest.size()) pages.next_page();
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::move(pages).take();
}

}  // namespace toll::engines::documents
