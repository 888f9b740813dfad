// Heads of requests: where one ends, and what it says (RFC 9112, 2 to 6). Beast's parser reads the grammar; what it
// lets pass and two servers could read differently (request smuggling) is refused here.
#pragma once

#include <cstddef>
#include <string_view>

#include "http/message.h"

namespace toll::http {

// Finds the end of a head in bytes that come in piece by piece; looks at each byte once.
class HeadScanner {
 public:
  enum class Found { nothing_yet, end, bad };
  // `bytes`: all of this head so far. bad: a line that ends in a bare LF, or a folded line.
  Found scan(std::string_view bytes);
  std::size_t end() const { return line_; }  // length of the head, when found
  void restart() { line_ = seen_ = 0; }

 private:
  std::size_t line_ = 0;  // where the current line begins
  std::size_t seen_ = 0;  // no LF before this
};

struct Head {
  Request request;
  bool keep_alive = false;
  bool old_version = false;  // HTTP/1.0
  bool expects_continue = false;
};

// `bytes`: one head with its empty line. Fills all of `head` but remote and tls. False: answer 400 and close.
bool parse_head(std::string_view bytes, Head& head);

}  // namespace toll::http
