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

Result<void> admit_model(Call& call) {
  call.kept.reset();  // of an earlier attempt
  auto& inference = call.house.inference;
  auto place = TOLL_TRY(inference.enter(call.account()));
  const auto version = call.params.size() > 1 ? call.params[1] : std::string();
  auto target = TOLL_TRY(inference.resolve(call.tx(), viewer(call), call.params[0], version, file_wanted(call)));
  const auto balance = inference.balance(call.tx(), call.account());
  call.kept = std::make_shared<Admitted>(std::move(place), std::move(target), balance);
  return {};
}

const Admitted& admitted(const Call& call) {
  return *static_cast<const Admitted*>(call.kept.get());
}

void note_run(const Call& call, const inference::Target& target, std::string_view status, std::uint64_t bytes) {
  models::AccessRow row;
  row.account = call.account();
  row.key = call.who->key;
  row.event = "model_run";
  row.status = status;
  row.repo_id = target.repo_id;
  row.rfilename = target.file.rfilename;
  if (!target.version.empty()) row.version = target.version;
  row.bytes = static_cast<std::int64_t>(bytes);
  row.remote = call.remote;
  row.user_agent = call.request.fields.get("User-Agent");
  row.request_id = call.request_id;
  call.house.recorder.record(std::move(row));
}

int hangup(const Call& call) {
  return call.client ? *call.client : -1;
}

}  // namespace toll::open_inference
