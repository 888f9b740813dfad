// Calls of a deployed workflow: run it, look at it, fetch its result, cancel it. The documented family names the
// deployment by a key in the path; the compatible one by organisation and name, as the original system does.
#pragma once

#include "surfaces/deployments/endpoints/deployments.h"
#include "surfaces/deployments/run.h"

namespace toll::deployed {

inline constexpr std::array run_reasons{
    Reason::missing_api_key, Reason::api_not_found,        Reason::api_inactive,           Reason::ip_not_allowed,
    Reason::rate_limited,    Reason::insufficient_credits, Reason::unsupported_media_type, Reason::upload_too_large,
    Reason::fetch_failed,    Reason::fetch_timed_out};
inline constexpr std::string_view about_runs =
    "JSON, urlencoded or multipart with files (parts named files, file or files[]). Fields: input_data, parameters, "
    "presigned_urls, timeout (seconds to wait for the end, at most 300), include_metadata, include_metrics, "
    "include_extracted_text, use_file_history, tags, custom_data.";

// What both ways of running share.
struct RunEndpoint : Endpoint {
  using Response = http::Response;
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true, admits_in_write = true;
  static constexpr std::array reasons = run_reasons;
  static constexpr std::string_view description = about_runs;
  static api::FormLimits form_limits(const Call& call);
  static std::uint64_t body_limit(const Call& call);
  static Result<void> take_up(Call& call, std::uint64_t bytes);
  static void refused(Call& call, const Fault& fault) { count_refusal(call, fault); }
};

struct Execute : RunEndpoint {
  struct Request {
    std::string api_key;
    api::MixedBody body;
  };
  static constexpr Route route{Method::post, "/deployment/{api_key}"};
  static constexpr std::string_view id = "deployments.execute", summary = "Run the workflow";
  static constexpr int status = 202;
  static Result<void> admit(Call& call) { return admit_documented(call, Use::run); }
  static Result<void> prepare(Call& call, Request& in);
  static Result<Response> handle(Call& call, const Request& in);
  static Result<Response> conclude(Call& call, const Request& in);
};

struct ExecuteCompat : RunEndpoint {
  struct Request {
    std::string org_id, api_name;
    api::MixedBody body;
  };
  static constexpr Route route{Method::post, "/deployment/api/{org_id}/{api_name}"};
  static constexpr std::string_view id = "deployments.compat.execute",
                                    summary = "Run the workflow, as the original does";
  static Result<void> admit(Call& call) { return admit_compat(call, Use::run); }
  static Result<void> prepare(Call& call, Request& in);
  static Result<Response> handle(Call& call, const Request& in);
  static Result<Response> conclude(Call& call, const Request& in);
};

struct OfExecution {
  std::string api_key, execution_id;
};

struct GetStatus : Endpoint {
  using Request = OfExecution;
  using Response = http::Response;
  static constexpr Route route{Method::get, "/deployment/{api_key}/status/{execution_id}"};
  static constexpr std::string_view id = "deployments.status", summary = "How an execution is going";
  static constexpr std::array reasons{Reason::execution_not_found};
  static Result<void> admit(Call& call) { return admit_documented(call, Use::read); }
  static Result<Response> handle(Call& call, const Request& in);
};

struct GetResult : GetStatus {
  static constexpr Route route{Method::get, "/deployment/{api_key}/result/{execution_id}"};
  static constexpr std::string_view id = "deployments.result", summary = "The result of an execution";
  static constexpr std::string_view description = "202 while it runs, with Retry-After; then 200, as often as asked.";
  static constexpr std::array reasons{Reason::execution_not_found, Reason::result_expired};
  static Result<Response> handle(Call& call, const Request& in);
};

struct CancelExecution : Endpoint {
  using Request = OfExecution;
  using Response = http::Response;
  static constexpr Route route{Method::post, "/deployment/{api_key}/cancel/{execution_id}"};
  static constexpr std::string_view id = "deployments.cancel", summary = "Cancel an execution";
  static constexpr Runs runs = Runs::write;
  static constexpr int status = 202;
  static constexpr std::array reasons{Reason::execution_not_found, Reason::execution_finished};
  static Result<void> admit(Call& call) { return admit_documented(call, Use::read); }
  static Result<Response> handle(Call& call, const Request& in);
};

struct GetCompat : Endpoint {
  struct Request {
    std::string org_id, api_name;
  };
  using Response = http::Response;
  static constexpr Route route{Method::get, "/deployment/api/{org_id}/{api_name}"};
  static constexpr std::string_view id = "deployments.compat.status",
                                    summary = "Status or result, as the original does";
  static constexpr std::string_view description =
      "Query: execution_id, include_metadata, include_metrics, include_extracted_text. 422 while it runs; the result "
      "once, then 406.";
  static constexpr Runs runs = Runs::write;  // reading is acknowledging
  static constexpr std::array reasons{Reason::missing_api_key, Reason::api_not_found, Reason::api_inactive,
                                      Reason::execution_not_found, Reason::result_expired};
  static Result<void> admit(Call& call) { return admit_compat(call, Use::read); }
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::deployed

namespace toll::json {

template <>
struct Schema<deployed::Execute::Request> {
  using R = deployed::Execute::Request;
  static constexpr std::string_view name = "Execute";
  static constexpr auto fields = std::tuple{field(&R::api_key, "api_key", "A key of the deployment.", {.in = In::path}),
                                            field(&R::body, "body", "The call.", {.in = In::raw})};
};
template <>
struct Schema<deployed::ExecuteCompat::Request> {
  using R = deployed::ExecuteCompat::Request;
  static constexpr std::string_view name = "ExecuteCompat";
  static constexpr auto fields = std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path}),
                                            field(&R::api_name, "api_name", "The deployment's name.", {.in = In::path}),
                                            field(&R::body, "body", "The call.", {.in = In::raw})};
};
template <>
struct Schema<deployed::OfExecution> {
  using R = deployed::OfExecution;
  static constexpr std::string_view name = "OfExecution";
  static constexpr auto fields =
      std::tuple{field(&R::api_key, "api_key", "A key of the deployment.", {.in = In::path}),
                 field(&R::execution_id, "execution_id", "The execution.", {.in = In::path})};
};
template <>
struct Schema<deployed::GetCompat::Request> {
  using R = deployed::GetCompat::Request;
  static constexpr std::string_view name = "GetCompat";
  static constexpr auto fields =
      std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path}),
                 field(&R::api_name, "api_name", "The deployment's name.", {.in = In::path})};
};

}  // namespace toll::json
