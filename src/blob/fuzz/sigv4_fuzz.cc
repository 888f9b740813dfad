// No bytes that a client can make up are a signed URL, and what we sign is taken however its parts look.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "blob/sigv4.h"

namespace {

using namespace toll::blob;

const sigv4::Credentials us{"toll", "a secret of the house"};
const toll::Time now = *sigv4::parse_stamp("20260101T120000Z");
const std::string origin = "http://h";

bool taken(std::string_view path, std::string_view query, std::string_view method) {
  const sigv4::Incoming in{method, path, query, [](std::string_view name) -> std::optional<std::string> {
                             if (name == "host") return "h";
                             return std::nullopt;
                           }};
  return std::holds_alternative<sigv4::Verified>(sigv4::verify(in, us, {}, now));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto cut = text.find('\n');
  const auto path = text.substr(0, cut), query = cut == text.npos ? std::string_view{} : text.substr(cut + 1);
  if (taken(path, query, "GET")) std::abort();

  const std::string prefix =
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=toll%2F20260101%2Fus-east-1%2Fs3%2Faws4_"
      "request&X-Amz-Date=20260101T120000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&"
      "X-Amz-Signature=";
  if (taken(path, prefix + std::string(query), "GET")) std::abort();

  const sigv4::Presign what{.method = "PUT",
                            .origin = origin,
                            .path = "/" + std::string(path),
                            .query = {{"x", std::string(query)}},
                            .headers = {},
                            .expires = 60,
                            .key = {}};
  const auto url = sigv4::presign(us, {}, what, now).substr(origin.size());
  const auto mark = url.find('?');
  if (!taken(url.substr(0, mark), url.substr(mark + 1), "PUT")) std::abort();
  if (taken(url.substr(0, mark), url.substr(mark + 1), "GET")) std::abort();
  return 0;
}
