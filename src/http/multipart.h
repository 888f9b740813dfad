// multipart/form-data (RFC 7578), incremental: parts come out as their bytes come in, whatever the size.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace toll::http {

struct PartHead {
  std::string name;
  std::optional<std::string> filename;  // present: a file part. Raw UTF-8, \" and %22 undone; filename*=utf-8''... wins
  std::string content_type;             // as sent, may be empty
};

// The boundary of a Content-Type value; nullopt if it is not multipart/form-data or has no valid boundary.
std::optional<std::string> multipart_boundary(std::string_view content_type);

// Push parser. Bytes go in with feed(); what they complete comes out in order. Data is shown where it lies: in the
// bytes given to feed(), or in the parser; so the views are valid until the next feed(), if the caller keeps those
// bytes as long. Memory does not grow with the size of a part.
class MultipartParser {
 public:
  struct Event {
    enum Kind { part_begin, part_data, part_end } kind;
    PartHead head;          // part_begin
    std::string_view data;  // part_data
  };
  static constexpr std::size_t max_head = 16 << 10;  // bytes of one part's header section
  static constexpr std::size_t max_parts = 1000;

  explicit MultipartParser(std::string boundary);
  // Faults: malformed_multipart, also for too many parts or too long a head. A parser that faulted stays so.
  Result<std::vector<Event>> feed(std::string_view bytes);
  // After the last byte: faults with malformed_multipart unless the closing boundary was seen.
  Result<void> finish();

 private:
  enum class State { preamble, after_delimiter, closing, padding, head, data, epilogue, broken };
  std::string_view scan_text(std::string_view bytes, std::vector<Event>& events);
  std::string_view resume_delimiter(std::string_view bytes, std::vector<Event>& events);
  std::string_view scan_line(std::string_view bytes);
  std::string_view scan_head(std::string_view bytes, std::vector<Event>& events);
  void delimiter_found(std::vector<Event>& events);
  void text_found(std::string_view text, std::vector<Event>& events);
  std::string_view fail(const char* why);

  State state_ = State::preamble;
  std::string delimiter_;  // CRLF--boundary: begins with the only CR it has
  std::size_t matched_;    // of the delimiter, at the end of what was fed
  std::string head_;       // of a part, while it is incomplete
  std::size_t parts_ = 0;
  std::string why_;
};

}  // namespace toll::http
