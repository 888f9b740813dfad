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

// Push parser. Bytes go in with feed(); what they complete comes out in order. Views are valid until the next feed().
class MultipartParser {
 public:
  struct Event {
    enum Kind { part_begin, part_data, part_end } kind;
    PartHead head;          // part_begin
    std::string_view data;  // part_data
  };
  explicit MultipartParser(std::string boundary);
  // Faults: malformed_multipart.
  Result<std::vector<Event>> feed(std::string_view bytes);
  // After the last byte: faults with malformed_multipart unless the closing boundary was seen.
  Result<void> finish();

 private:
  enum class State { preamble, boundary, head, data, epilogue };
  State state_ = State::preamble;
  std::string delimiter_;  // CRLF--boundary
  std::string buffer_;
  std::string out_;        // keeps the data that part_data views show
};

}  // namespace toll::http
