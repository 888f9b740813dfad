#include "workflows/steps/model.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "workflows/steps/tensors.h"
#include "workflows/templates.h"

namespace toll::workflows::steps {

namespace {

json::Object schema() {
  return {{"type", "object"},
          {"properties",
           {{"repo_id", {{"type", "string"}, {"minLength", 1}, {"description", "The model: \"owner/name\"."}}},
            {"version", {{"type", "string"}, {"description", "A version or an alias; what serves by default."}}},
            {"file", {{"type", "string"}, {"description", "The ONNX file, where the version has several."}}},
            {"inputs",
             {{"type", json::Array{"object", "string"}},
              {"description",
               "By name: numbers, lists of numbers, or {shape, data}; an output of a step before by default."}}},
            {"outputs", {{"type", "array"}, {"items", {{"type", "string"}}}, {"maxItems", 64}}}}},
          {"required", json::Array{"repo_id"}},
          {"additionalProperties", false}};
}

std::string text(const json::Object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

// Polls POLLRDHUP on fd() from the moment that `stop` is requested.
class Hangup {
 public:
  explicit Hangup(const std::stop_token& stop)
      : open_(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) == 0) {
    if (open_) on_stop_.emplace(stop, [this] { ::shutdown(ends_[1], SHUT_RDWR); });
  }
  ~Hangup() {
    // First, so that nothing is shut down that has been closed.
    on_stop_.reset();
    if (!open_) return;
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Hangup(const Hangup&) = delete;
  int fd() const { return open_ ? ends_[0] : -1; }

 private:
  std::array<int, 2> ends_{-1, -1};
  bool open_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

class RegistryModel final : public StepKind {
 public:
  explicit RegistryModel(ModelNeeds needs) : needs_(std::move(needs)) {
    about_.name = "registry.model";
    about_.summary = "A call of an ONNX model of the registry.";
    about_.with = schema();
    about_.gives = {Media::data};
    about_.lasting = true;
  }
  const About& about() const override { return about_; }

  std::optional<std::string> unavailable(const json::Object&) const override {
    if (needs_.runtime) return std::nullopt;
    return "this build has no ONNX Runtime";
  }

  void check(Checking& what) const override {
    bool literal = true;
    for (const auto* name : {"repo_id", "version", "file"})
      if (has_templates(text(what.step.with, name))) {
        what.problems.add("invalid", what.path / name, "What runs is fixed when the workflow is saved: no templates.");
        literal = false;
      }
    if (!literal) return;
    const auto found = resolve(what.tx, what.payer, what.step.with);
    if (found) return;
    const auto reason = found.error().reason();
    const auto* name = reason == Reason::version_not_found ? "version"
                       : reason == Reason::file_not_found  ? "file"
                                                           : "repo_id";
    what.problems.add("unknown_model", what.path / name, found.error().detail() + ".");
  }

  metering::Credits price(const Pinning& what) const override {
    return needs_.inference.price_of(text(what.with, "repo_id"));
  }

  Result<json::Value> pin(const Pinning& what) const override {
    const auto target = TOLL_TRY(resolve(what.tx, what.payer, what.with));
    return json::Value(json::Object{{"repo_id", target.repo_id},
                                    {"version", target.version},
                                    {"file", target.file.rfilename},
                                    {"digest", target.digest},
                                    {"sha256", target.file_sha256()}});
  }

  StepResult run(const Call& call, std::stop_token stop) override {
    const auto* pin = call.pin.if_object();
    if (!pin || pin->contains("fault"))
      return failed(fault::engine_failed, (pin ? text(*pin, "fault") : "There is no such model") + ".");
    auto target = needs_.db.read([&](sql::Tx& tx) {
      return needs_.inference.recorded(tx, text(*pin, "repo_id"), text(*pin, "version"), text(*pin, "digest"),
                                       text(*pin, "file"));
    });
    if (!target) return failed(fault::engine_failed, target.error());
    auto place = needs_.inference.enter(call.payer);
    if (!place) return failed(fault::engine_failed, place.error());
    const Hangup hangup(stop);
    const auto schema = needs_.inference.describe(call.payer, *target, hangup.fd());
    if (!schema) return failed(fault::engine_failed, schema.error());
    auto inputs = inputs_of(call, **schema);
    if (!inputs) return refused(inputs.error());
    inference::Call wanted{std::move(*place), std::move(*target), std::move(*inputs), outputs_of(call.with),
                           hangup.fd()};
    wanted.prepaid = true;
    auto answer = needs_.inference.run(std::move(wanted));
    if (!answer) return refused(answer.error());
    Output out;
    json::Object value;
    for (const auto& tensor : answer->outputs) value[tensor.name] = tensor_json(tensor);
    out.value = std::move(value);
    return out;
  }

 private:
  Result<inference::Target> resolve(sql::Tx& tx, AccountId payer, const json::Object& with) const {
    return needs_.inference.resolve(tx, needs_.viewer(tx, payer), text(with, "repo_id"), text(with, "version"),
                                    text(with, "file"));
  }

  static StepFault refused(const Fault& why) {
    if (why.problems().empty()) return failed(fault::engine_failed, why);
    const auto& problem = why.problems().front();
    return failed(fault::schema_invalid, to_text(problem.path) + " " + problem.message + ".");
  }

  // What `inputs` says; else the nearest output that has a member for every input, or is the only input itself.
  Result<std::vector<inference::Tensor>> inputs_of(const Call& call, const inference::Schema& schema) const {
    const auto* given = call.with.if_contains("inputs");
    const auto nearest = given ? *given : call.nearest_data();
    const auto* members = nearest.if_object();
    const bool only = schema.inputs.size() == 1 && (!members || !members->contains(schema.inputs[0].name));
    std::vector<inference::Tensor> out;
    for (const auto& input : schema.inputs) {
      const auto* value = only ? &nearest : members ? members->if_contains(input.name) : nullptr;
      // What is missing is told with everything else that does not fit.
      if (value) out.push_back(TOLL_TRY(tensor_of(*value, input.name, input.type)));
    }
    return out;
  }

  static std::vector<std::string> outputs_of(const json::Object& with) {
    std::vector<std::string> out;
    if (const auto* names = with.if_contains("outputs"); names && names->is_array())
      for (const auto& name : names->get_array())
        if (name.is_string()) out.emplace_back(name.get_string());
    return out;
  }

  About about_;
  ModelNeeds needs_;
};

}  // namespace

std::unique_ptr<StepKind> make_registry_model(ModelNeeds needs) {
  return std::make_unique<RegistryModel>(std::move(needs));
}

}  // namespace toll::workflows::steps
