#include "blob/s3/xml.h"

#include <array>
#include <tuple>
#include <utility>

namespace toll::blob::s3 {

namespace {

// Where the content of the next <name> or <name attributes> begins and ends; end npos: there is none.
std::pair<std::size_t, std::size_t> find(std::string_view xml, std::string_view name, std::size_t from) {
  const std::string open = "<" + std::string(name), close = "</" + std::string(name) + ">";
  for (auto at = xml.find(open, from); at != xml.npos; at = xml.find(open, at + 1)) {
    const auto after = at + open.size();
    if (after >= xml.size() || (xml[after] != '>' && xml[after] != ' ')) continue;
    const auto begin = xml.find('>', after);
    if (begin == xml.npos) break;
    return {begin + 1, xml.find(close, begin)};
  }
  return {0, xml.npos};
}

}  // namespace

std::optional<std::string_view> element(std::string_view xml, std::string_view name) {
  const auto [begin, end] = find(xml, name, 0);
  if (end == xml.npos) return std::nullopt;
  return xml.substr(begin, end - begin);
}

std::vector<std::string_view> elements(std::string_view xml, std::string_view name) {
  std::vector<std::string_view> out;
  for (auto [begin, end] = find(xml, name, 0); end != xml.npos; std::tie(begin, end) = find(xml, name, end))
    out.push_back(xml.substr(begin, end - begin));
  return out;
}

std::string plain(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, char>, 5> entities{
      {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};
  std::string out;
  while (!text.empty()) {
    std::size_t used = 1;
    char c = text.front();
    for (const auto& [entity, stands_for] : entities)
      if (text.starts_with(entity)) {
        used = entity.size();
        c = stands_for;
      }
    out += c;
    text.remove_prefix(used);
  }
  return out;
}

}  // namespace toll::blob::s3
