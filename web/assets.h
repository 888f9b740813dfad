// Files of the offline API reference, built into the binary from pinned npm packages.
#pragma once

#include <span>
#include <string_view>

namespace toll::web {

struct Asset {
  std::string_view path;          // "swagger-ui-bundle.js": a bare file name
  std::string_view content_type;  // "text/javascript; charset=utf-8"
  std::string_view gzip_bytes;    // the content, compressed: serve it with Content-Encoding: gzip
  std::string_view etag;          // strong, of the content, with its quotes
};

// swagger-ui-bundle.js, swagger-ui.css, redoc.standalone.js and their licences; none when the packages were not
// installed at configure time (`npm ci` in web/). The views live as long as the program.
std::span<const Asset> assets();

// nullptr when there is no such file in this build.
const Asset* find_asset(std::string_view path);

}  // namespace toll::web
