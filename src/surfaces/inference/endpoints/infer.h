// Running a model.
#pragma once

#include "api/input.h"
#include "surfaces/inference/endpoints/models.h"
#include "surfaces/inference/infer_body.h"

namespace toll::open_inference {

struct InferModelRequest {
  std::string repo;
  std::optional<std::string> file;
  api::WholeBody body;
};

struct InferVersionRequest {
  std::string repo, version;
  std::optional<std::string> file;
  api::WholeBody body;
};

// Before the body: who may run what, and room for the call.
Result<void> admit_infer(Call& call);
// Faults: those of read_infer and of Inference::run, unsupported_media_type.
Result<http::Response> infer(Call& call, const std::string& body);
json::Object infer_body_schema();

inline constexpr std::string_view json_length_header = "Inference-Header-Content-Length";

struct InferEndpoint : ModelEndpoint {
  using Response = http::Response;
  static constexpr bool idempotent = true;
  static constexpr std::string_view framing_header = json_length_header;
  static constexpr std::array reasons{Reason::model_not_found,       Reason::version_not_found,
                                      Reason::file_not_found,        Reason::model_not_permitted,
                                      Reason::model_unusable,        Reason::malformed_json,
                                      Reason::insufficient_credits,  Reason::body_too_large,
                                      Reason::too_many_requests,     Reason::overloaded,
                                      Reason::job_timed_out,         Reason::worker_lost,
                                      Reason::unsupported_media_type};
  static Result<void> admit(Call& call) { return admit_infer(call); }
  static std::uint64_t body_limit(const House& house) { return house.max_body_bytes; }
  static Result<void> take_up(Call& call, std::uint64_t bytes) { return admitted(call).place->hold(bytes); }
  static json::Object body_schema() { return infer_body_schema(); }
};

struct Infer : InferEndpoint {
  using Request = InferModelRequest;
  static constexpr Route route{Method::post, "/v2/models/{repo...}/infer"};
  static constexpr std::string_view id = "inference.infer", summary = "Run a model";
  static constexpr std::string_view description =
      "Open Inference Protocol V2, with the binary tensor data extension. Charged when the outputs are there.";
  static Result<Response> handle(Call& call, const Request& in) { return infer(call, *in.body.bytes); }
};

struct InferVersion : InferEndpoint {
  using Request = InferVersionRequest;
  static constexpr Route route{Method::post, "/v2/models/{repo...}/versions/{version}/infer"};
  static constexpr std::string_view id = "inference.infer_version", summary = "Run one version or alias of a model";
  static Result<Response> handle(Call& call, const Request& in) { return infer(call, *in.body.bytes); }
};

}  // namespace toll::open_inference

namespace toll::json {

template <>
struct Schema<open_inference::InferModelRequest> {
  using V = open_inference::InferModelRequest;
  static constexpr std::string_view name = "InferModelRequest";
  static constexpr auto fields =
      std::tuple{field(&V::repo, "repo", "The model's id, slashes included or as %2F.", {.in = In::path}),
                 field(&V::file, "file", "Which *.onnx file, where there are several.", {.in = In::query}),
                 field(&V::body, "body", "The call.", {.in = In::raw})};
};

template <>
struct Schema<open_inference::InferVersionRequest> {
  using V = open_inference::InferVersionRequest;
  static constexpr std::string_view name = "InferVersionRequest";
  static constexpr auto fields =
      std::tuple{field(&V::repo, "repo", "The model's id.", {.in = In::path}),
                 field(&V::version, "version", "A version or an alias.", {.in = In::path}),
                 field(&V::file, "file", "Which *.onnx file, where there are several.", {.in = In::query}),
                 field(&V::body, "body", "The call.", {.in = In::raw})};
};

}  // namespace toll::json
