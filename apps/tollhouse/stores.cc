#include "tollhouse/stores.h"

#include <filesystem>

#include "base/log.h"
#include "base/text.h"
#include "blob/folder_store.h"
#include "blob/s3_store.h"

namespace toll::app {

namespace {

std::string endpoint_url(const config::S3& s3) {
  auto endpoint = s3.endpoint;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (endpoint.find("://") != std::string::npos) return endpoint;
  return (s3.secure ? "https://" : "http://") + endpoint;
}

}  // namespace

std::unique_ptr<blob::Store> open_store(const config::Settings& settings) {
  const auto data = std::filesystem::absolute(settings.server.data);
  std::filesystem::create_directories(data);
  if (settings.s3.endpoint.empty()) return blob::open_folder_store(data);
  blob::S3Options options;
  options.endpoint = endpoint_url(settings.s3);
  options.credentials = {settings.s3.access_key, settings.s3.secret_key};
  options.region = settings.s3.region;
  options.bucket = settings.s3.bucket;
  options.prefix = settings.s3.prefix;
  options.spool = data / "staging";
  log::info("blob.s3", {{"endpoint", options.endpoint}, {"bucket", options.bucket}});
  return blob::open_s3_store(options);
}

objects::SignedUrls::Settings url_settings(const config::Settings& settings, const identity::Secrets& secrets) {
  objects::SignedUrls::Settings out;
  out.bucket = settings.objects.bucket;
  out.credentials.access_key = settings.objects.access_key;
  out.credentials.secret_key = settings.objects.secret_key.empty()
                                   ? base64url(as_text(hmac_sha256(secrets.keys, "object store URLs")))
                                   : settings.objects.secret_key;
  const auto& url = settings.server.public_url;
  if (const auto scheme = url.find("://"); scheme != url.npos) out.public_host = url.substr(scheme + 3);
  return out;
}

}  // namespace toll::app
