#include "surfaces/inference/paths.h"

#include "models/names.h"

namespace toll::open_inference {

bool fits(std::string_view place, std::string_view value) {
  return place == "repo" ? models::valid_repo_id(value) : models::valid_label(value);
}

}  // namespace toll::open_inference
