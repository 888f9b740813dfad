// Where bytes are kept and how URLs to them are signed, as the settings say.
#pragma once

#include <memory>

#include "blob/store.h"
#include "config/settings.h"
#include "identity/secrets.h"
#include "objects/signed_urls.h"

namespace toll::app {

// The folder store in the data folder, or the S3 store of s3.endpoint. Throws when it cannot be opened.
std::unique_ptr<blob::Store> open_store(const config::Settings& settings);

// Without a key of the operator's one is derived from the server's own secrets: URLs survive restarts.
objects::SignedUrls::Settings url_settings(const config::Settings& settings, const identity::Secrets& secrets);

}  // namespace toll::app
