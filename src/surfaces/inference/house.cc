#include "surfaces/inference/house.h"

#include "api/input.h"

namespace toll::open_inference {

models::Viewer viewer(const Call& call) {
  return {call.who->account, call.who->role};
}

namespace {
std::string file_wanted(const Call& call) {
  for (auto& [name, value] : api::parse_urlencoded(call.request.query))
    if (name == "file") return value;
  return {};
}
}  // namespace

Result<void> admit_model(Call& call, std::uint64_t bytes) {
  auto& inference = call.house.inference;
  auto place = TOLL_TRY(inference.enter(call.account(), bytes));
  const auto version = call.params.size() > 1 ? call.params[1] : std::string();
  auto target = TOLL_TRY(inference.resolve(call.tx(), viewer(call), call.params[0], version, file_wanted(call)));
  call.kept = std::make_shared<Admitted>(std::move(place), std::move(target));
  return {};
}

const Admitted& admitted(const Call& call) {
  return *static_cast<const Admitted*>(call.kept.get());
}

int hangup(const Call& call) {
  return call.client ? *call.client : -1;
}

}  // namespace toll::open_inference
