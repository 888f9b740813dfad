// What the readers of formats share. Private to engines/documents/.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace toll::engines::documents {

inline constexpr std::size_t most_file_bytes = 128 << 20;
inline constexpr std::size_t most_unpacked_bytes = 256 << 20;  // of all parts of an archive
inline constexpr std::size_t most_text_bytes = 6 << 20;        // that comes out
inline constexpr std::int64_t most_pixels = 100'000'000;

struct Word {
  std::string text;
  double confidence = 0;  // 0..100
  int left = 0, top = 0, width = 0, height = 0;
};

struct Read {
  std::vector<std::string> pages;
  std::vector<Word> words;
};

// Text as it grows, page by page; pages beyond `most_pages` are left out.
class Pages {
 public:
  explicit Pages(std::size_t most_pages) : most_(most_pages) {}
  void add(std::string_view text);
  void add(char c) { add(std::string_view(&c, 1)); }
  // A line end; no more than one empty line in a row, and none at the top.
  void end_line();
  bool at_line_start() const { return page_.empty() || page_.back() == '\n'; }
  void next_page();
  // More would not be kept: whoever reads may stop.
  bool done() const { return too_much_ || pages_.size() >= most_; }
  // Faults: unreadable_document when there was more text than can be given back.
  Result<Read> take() &&;

 private:
  const std::size_t most_;
  std::size_t bytes_ = 0;
  bool too_much_ = false;
  std::string page_;
  std::vector<std::string> pages_;
};

inline Fault unreadable(std::string why, std::string cause = {}) {
  return Fault(Reason::unreadable_document).with("why", std::move(why)).because(std::move(cause));
}
// The whole file.
Result<std::string> read_file(int fd);

struct Asked {
  std::size_t max_pages = 1000;
  std::stop_token stop;
};
Result<Read> read_plain(std::string_view bytes, const Asked& asked);
Result<Read> read_html(std::string_view bytes, const Asked& asked);
Result<Read> read_docx(std::string_view bytes, const Asked& asked);
Result<Read> read_odt(std::string_view bytes, const Asked& asked);
Result<Read> read_xlsx(std::string_view bytes, const Asked& asked);

struct OcrAsked {
  int dpi = 300;
  int tiff_page = 0;
  bool layout = true;
  std::stop_token stop;
};
Result<Read> read_picture(std::string_view bytes, std::string_view language_data, const OcrAsked& asked);

}  // namespace toll::engines::documents
