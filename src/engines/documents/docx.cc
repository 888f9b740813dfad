// WordprocessingML: ECMA-376, part 1, 17. The text of the body; page breaks where the file names them.
#include "engines/documents/archive.h"
#include "engines/documents/reading.h"
#include "engines/documents/xml.h"

namespace toll::engines::documents {

namespace {

class Body {
 public:
  explicit Body(Pages& pages) : pages_(pages) {}

  void start(const Xml& xml) {
    const auto name = xml.name();
    if (name == "t") in_text_ = true;
    if (name == "tab" && in_run_) pages_.add('\t');
    if (name == "noBreakHyphen") pages_.add('-');
    if (name == "r") in_run_ = true;
    if (name == "tc") ++cells_;
    if (name == "lastRenderedPageBreak") break_page();
    if (name == "br" || name == "cr") xml.attribute("type") == "page" ? break_page() : line();
  }

  void end(std::string_view name) {
    if (name == "t") in_text_ = false;
    if (name == "r") in_run_ = false;
    if (name == "p") cells_ > 0 ? pages_.add(' ') : pages_.end_line();
    if (name == "tc") --cells_, pages_.add('\t');
    if (name == "tr") pages_.end_line();
  }

  void text(std::string_view text) {
    if (in_text_) pages_.add(text);
  }

 private:
  void line() { cells_ > 0 ? pages_.add(' ') : pages_.end_line(); }
  // Word writes its own break where it put one by hand as well.
  void break_page() {
    if (!pages_.at_line_start()) pages_.end_line();
    pages_.next_page();
  }

  Pages& pages_;
  bool in_text_ = false, in_run_ = false;
  int cells_ = 0;
};

}  // namespace

Result<Read> read_docx(std::string_view bytes, const Asked& asked) {
  auto archive = TOLL_TRY(Archive::open(bytes));
  const auto document = TOLL_TRY(archive.read("word/document.xml"));
  Pages pages(asked.max_pages);
  Body body(pages);
  Xml xml(document);
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
