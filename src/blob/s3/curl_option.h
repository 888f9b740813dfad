// libcurl's options, none of which may fail silently: a bound that was not set (which protocols, how long, how many
// redirects) would leave libcurl's own, which allows more.
#pragma once

#include <curl/curl.h>

#include <stdexcept>
#include <string>

namespace toll::blob::s3 {

// Throws std::runtime_error when this libcurl refuses the option or its value.
template <class T>
void set_option(CURL* curl, CURLoption option, T value) {
  const auto code = curl_easy_setopt(curl, option, value);
  if (code != CURLE_OK)
    throw std::runtime_error("libcurl refuses option " + std::to_string(option) + ": " + curl_easy_strerror(code));
}

}  // namespace toll::blob::s3
