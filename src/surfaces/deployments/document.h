// The documentation of one deployment: its OpenAPI document, and the page that shows it.
#pragma once

#include <string>

#include "json/parse.h"
#include "surfaces/deployments/house.h"

namespace toll::deployed {

// OpenAPI 3.1. The key is a parameter; it stands nowhere in the document.
json::Object document_of(const Entry& entry, const std::string& server_url);
// HTML that loads from this server alone. `link`: where the document is, seen from the page.
std::string document_page(const Entry& entry, std::string_view link);
// The script that starts the page: takes the key from its own address, in the browser.
std::string_view document_script();

}  // namespace toll::deployed
