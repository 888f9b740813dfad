// However a body is cut, it has the same parts or is refused; and what comes out lies within what went in.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/multipart.h"

namespace {

std::string parse(std::string_view body, std::size_t step) {
  toll::http::MultipartParser parser("b");
  std::string all;
  for (std::size_t at = 0; at < body.size(); at += step) {
    const std::string piece(body.substr(at, step));
    auto events = parser.feed(piece);
    if (!events) return "malformed";
    for (const auto& event : *events) {
      if (event.kind == event.part_begin)
        all +=
            "\x01" + event.head.name + "|" + event.head.filename.value_or("\x02") + "|" + event.head.content_type + "|";
      else if (event.kind == event.part_data)
        all += event.data;
      else
        all += "\x03";
    }
  }
  return parser.finish() ? all : "malformed";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (parse(body, 1 + data[0] % 32) != parse(body, body.size() + 1)) std::abort();
  return 0;
}
