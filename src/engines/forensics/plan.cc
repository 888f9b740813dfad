#include "engines/forensics/plan.h"

#include <algorithm>
#include <boost/json.hpp>

#include "engines/forensics/fields.h"

namespace toll::engines::forensics {
namespace json = boost::json;
namespace {

constexpr std::string_view participant_prefix = "participant-";

bool is_digest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Checks parse_checks(const Fields& fields) {
  return {.faceswap = fields.boolean("faceswap", false),
          .liveness = fields.boolean("liveness", false),
          .similarity = fields.boolean("similarity", false),
          .single_face = fields.boolean("singleFace", true)};
}

Limits parse_limits(const Fields& fields) {
  const Limits usual;
  return {.max_pixels = fields.integer("pixels", 1, 1'000'000'000, usual.max_pixels),
          .max_seconds = fields.integer("seconds", 1, 86'400, usual.max_seconds),
          .max_frames = fields.integer("frames", 1, 10'000'000, usual.max_frames),
          .max_total_pixels = fields.integer("totalPixels", 1, INT64_MAX, usual.max_total_pixels)};
}

Model parse_model(const Fields& fields) {
  Model model;
  const auto role = role_of(fields.text("role"));
  if (!role) throw Misfit("role is unknown");
  model.role = *role;
  model.sha256 = fields.text("sha256");
  if (!is_digest(model.sha256)) throw Misfit("sha256 is no digest");
  model.name = fields.text("name");
  model.version = fields.text("version");
  const auto* manifest = fields.find("manifest");
  auto parsed = parse_manifest(manifest ? json::serialize(*manifest) : "");
  if (!parsed) throw Misfit("manifest: " + std::string(parsed.error().argument("why")));
  model.manifest = *std::move(parsed);
  if (model.manifest.task != model.role) throw Misfit("the manifest is for another task");
  return model;
}

// Each role once, in the order of roles_of(), and only such as the record uses.
void check_models(const Plan& plan) {
  auto roles = roles_of(plan.model_type, plan.checks);
  auto from = roles.begin();
  for (const auto& model : plan.models) {
    from = std::find(from, roles.end(), model.role);
    if (from++ == roles.end()) throw Misfit("models are not those of this model type, in their order");
  }
}

void check_kind(const Plan& plan) {
  const bool video = plan.kind == MediaKind::video;
  if (plan.model_type == ModelType::df1 && !video) throw Misfit("DF-1 takes videos");
  if (plan.model_type != ModelType::df1 && plan.model_type != ModelType::fi1 && video)
    throw Misfit("this model type takes images");
  if (plan.model_type != ModelType::fi1) return;
  if (!plan.checks.faceswap && !plan.checks.liveness && !plan.checks.similarity) throw Misfit("FI-1 without a check");
  if (plan.checks.faceswap && !video) throw Misfit("faceswap takes videos");
}

Plan read_plan(std::string_view params) {
  const auto object = Fields::parse(params);
  const Fields fields(object);
  Plan plan;
  const auto phase = fields.text("phase", "process");
  if (phase != "check" && phase != "process") throw Misfit("phase is neither check nor process");
  plan.phase = phase == "check" ? Phase::check : Phase::process;
  const auto type = model_type_of(fields.text("modelType"));
  const auto kind = media_kind_of(fields.text("kind"));
  if (!type || !kind) throw Misfit("modelType or kind is unknown");
  plan.model_type = *type;
  plan.kind = *kind;
  if (fields.find("checks")) plan.checks = parse_checks(fields.object("checks"));
  if (fields.find("limits")) plan.limits = parse_limits(fields.object("limits"));
  if (fields.find("models"))
    for (const auto& model : fields.array("models")) plan.models.push_back(parse_model(Fields::of(model, "a model")));
  plan.threads = static_cast<unsigned>(fields.integer("threads", 0, 64, plan.threads));
  plan.memory_mib = fields.integer("memory_mib", 64, 65'536, plan.memory_mib);
  check_kind(plan);
  check_models(plan);
  return plan;
}

}  // namespace

Result<Plan> parse_plan(std::string_view params) try { return read_plan(params); } catch (const Misfit& misfit) {
  return Fault(Reason::invalid_request).because(std::string("forensics params: ") + misfit.what());
}

std::string write_plan(const Plan& plan) {
  json::array models;
  for (const auto& model : plan.models)
    models.push_back(json::object{{"role", name_of(model.role)},
                                  {"sha256", model.sha256},
                                  {"name", model.name},
                                  {"version", model.version},
                                  {"manifest", json::parse(write_manifest(model.manifest))}});
  return json::serialize(json::object{{"phase", plan.phase == Phase::check ? "check" : "process"},
                                      {"modelType", name_of(plan.model_type)},
                                      {"kind", name_of(plan.kind)},
                                      {"checks", json::object{{"faceswap", plan.checks.faceswap},
                                                              {"liveness", plan.checks.liveness},
                                                              {"similarity", plan.checks.similarity},
                                                              {"singleFace", plan.checks.single_face}}},
                                      {"limits", json::object{{"pixels", plan.limits.max_pixels},
                                                              {"seconds", plan.limits.max_seconds},
                                                              {"frames", plan.limits.max_frames},
                                                              {"totalPixels", plan.limits.max_total_pixels}}},
                                      {"models", std::move(models)},
                                      {"threads", plan.threads},
                                      {"memory_mib", plan.memory_mib}});
}

std::vector<Role> roles_of(ModelType type, const Checks& checks) {
  switch (type) {
    case ModelType::df1:
      return {Role::df1};
    case ModelType::ac1:
      return {Role::ac1};
    case ModelType::fd1:
      return {Role::fd1};
    case ModelType::fe1:
      return {Role::fe1};
    case ModelType::fi1:
      break;
  }
  std::vector<Role> roles;
  if (checks.faceswap) roles.push_back(Role::df1);
  if (checks.liveness) roles.push_back(Role::fi1_liveness);
  if (checks.similarity) roles.push_back(Role::fe1);
  return roles;
}

std::vector<std::string> input_files(const Plan& plan) {
  std::vector<std::string> names{"media"};
  if (plan.model_type == ModelType::fi1 && plan.checks.similarity) names.push_back("reference");
  for (std::size_t i = 0; plan.phase == Phase::process && i < plan.models.size(); ++i)
    names.push_back("model." + std::to_string(i));
  return names;
}

std::vector<std::string> output_files(const Plan& plan) {
  if (plan.phase == Phase::check) return {};
  std::vector<std::string> names{"result.json"};
  if (plan.model_type == ModelType::ac1 || plan.model_type == ModelType::fd1) names.push_back("heatmap.jpg");
  for (int i = 0; plan.model_type == ModelType::df1 && i < most_participants; ++i) names.push_back(participant_file(i));
  return names;
}

std::string participant_file(int id) {
  return std::string(participant_prefix) + std::to_string(id) + ".mp4";
}

std::string_view content_type_of(std::string_view output_file) {
  if (output_file.ends_with(".json")) return "application/json";
  return output_file.ends_with(".mp4") ? "video/mp4" : "image/jpeg";
}

}  // namespace toll::engines::forensics
