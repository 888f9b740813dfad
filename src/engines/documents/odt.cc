// OpenDocument text: OpenDocument 1.3, part 3, 5 (text content) and 6 (white space).
#include <algorithm>

#include "base/text.h"
#include "engines/documents/archive.h"
#include "engines/documents/reading.h"
#include "engines/documents/xml.h"

namespace toll::engines::documents {

namespace {

constexpr std::int64_t most_blanks = 200;

class Body {
 public:
  explicit Body(Pages& pages) : pages_(pages) {}

  void start(const Xml& xml) {
    const auto name = xml.name();
    if (name == "text") in_body_ = true;
    if (name == "p" || name == "h") ++paragraphs_;
    if (name == "tab") pages_.add('\t');
    if (name == "line-break") cells_ > 0 ? pages_.add(' ') : pages_.end_line();
    if (name == "s") pages_.add(std::string(static_cast<std::size_t>(blanks(xml)), ' '));
    if (name == "table-cell") ++cells_;
    if (name == "tracked-changes" || name == "annotation") ++unseen_;
    if (name == "soft-page-break") {
      if (!pages_.at_line_start()) pages_.end_line();
      pages_.next_page();
    }
  }

  void end(std::string_view name) {
    if (name == "p" || name == "h") --paragraphs_, cells_ > 0 ? pages_.add(' ') : pages_.end_line();
    if (name == "table-cell") --cells_, pages_.add('\t');
    if (name == "table-row") pages_.end_line();
    if (name == "tracked-changes" || name == "annotation") --unseen_;
  }

  void text(std::string_view text) {
    if (!in_body_ || paragraphs_ == 0 || unseen_ > 0) return;
    // Line ends and tabs of the file are blanks; the format has elements for real ones.
    std::string plain(text);
    std::replace_if(
        plain.begin(), plain.end(), [](char c) { return c == '\n' || c == '\t' || c == '\r'; }, ' ');
    pages_.add(plain);
  }

 private:
  static std::int64_t blanks(const Xml& xml) {
    return std::clamp<std::int64_t>(parse_int(xml.attribute("c").value_or("1")).value_or(1), 0, most_blanks);
  }

  Pages& pages_;
  bool in_body_ = false;
  int paragraphs_ = 0, cells_ = 0, unseen_ = 0;
};

}  // namespace

Result<Read> read_odt(std::string_view bytes, const Asked& asked) {
  auto archive = TOLL_TRY(Archive::open(bytes));
  const auto content = TOLL_TRY(archive.read("content.xml"));
  Pages pages(asked.max_pages);
  Body body(pages);
  Xml xml(content);
  while (!pages.done()) {
    const auto event = TOLL_TRY(xml.next(asked.stop));
    if (event == Xml::Event::over) break;
    if (event == Xml::Event::start) body.start(xml);
    if (event == Xml::Event::end) body.end(xml.name());
    if (event == Xml::Event::text) body.text(xml.text());
  }
  return std::move(pages).take();
}

}  // namespace toll::engines::documents
