// Jobs: look, list, retry, cancel, delete.
#pragma once

#include <set>

#include "surfaces/stems/house.h"
#include "surfaces/stems/wire.h"

namespace toll::stems {

struct JobPath {
  std::string id;
};

inline Result<JobView> viewed(Result<separations::Separation> found) {
  return std::move(found).transform([](const auto& s) { return view(s); });
}

struct GetJob : Endpoint {
  using Request = JobPath;
  using Response = JobView;
  static constexpr Route route{Method::get, "/jobs/{id}"};
  static constexpr std::string_view id = "stems.jobs.get", summary = "Get specific job details";
  static constexpr bool point_read = true;
  static constexpr std::array reasons{Reason::job_not_found};
  static Result<Response> handle(Call& call, const Request& in) {
    return viewed(call.house.separations.get(call.tx(), call.account(), JobId(in.id)));
  }
};

struct GetStatus : GetJob {
  static constexpr Route route{Method::get, "/status/{id}"};
  static constexpr std::string_view id = "stems.status.get", summary = "The same as GET /jobs/{id}";
};

struct ListJobs : Endpoint {
  struct Request {
    std::optional<std::int64_t> limit;
    std::optional<std::string> before, status;
  };
  using Response = JobList;
  static constexpr Route route{Method::get, "/jobs"};
  static constexpr std::string_view id = "stems.jobs.list", summary = "List all jobs";
  static constexpr std::string_view description =
      "Newest first, 50 unless asked. A Link header with rel=\"next\" announces more.";

  static Result<Response> handle(Call& call, const Request& in) {
    separations::Listing wanted{call.account(), {}, {}, static_cast<std::size_t>(in.limit.value_or(50))};
    if (in.status) {
      wanted.status = jobs::state_from(*in.status);
      if (!wanted.status)
        return refused("status", "must be pending, processing, completed, failed or cancelled", *in.status);
    }
    if (in.before) wanted.before = JobId(*in.before);
    const auto limit = wanted.limit++;
    auto found = call.house.separations.list(call.tx(), wanted);
    if (!found) return refused("before", "must be the id of one of your jobs", in.before.value_or(""));
    if (found->size() > limit) {
      found->pop_back();
      call.reply.set("Link", "</jobs?limit=" + std::to_string(limit) + (in.status ? "&status=" + *in.status : "") +
                                 "&before=" + found->back().job.id.value() + ">; rel=\"next\"");
    }
    JobList out;
    for (const auto& one : *found) out.jobs.push_back(view(one));
    return out;
  }

  // A query value that cannot be.
  static Fault refused(std::string field, std::string message, const std::string& input) {
    FieldProblem problem{Place::query, {std::move(field)}, Problem::rejected, std::move(message), json::write(input)};
    return Fault(Reason::invalid_request).at({std::move(problem)});
  }
};

struct RetryJob : Endpoint {
  using Request = JobPath;
  using Response = JobView;
  static constexpr Route route{Method::post, "/jobs/{id}/retry"};
  static constexpr std::string_view id = "stems.jobs.retry", summary = "Retry a failed job";
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::job_not_found, Reason::job_not_retryable, Reason::job_upload_gone,
                                      Reason::insufficient_credits};
  static Result<Response> handle(Call& call, const Request& in) {
    return viewed(call.house.separations.retry(call.tx(), call.account(), JobId(in.id)));
  }
};

struct CancelJob : Endpoint {
  using Request = JobPath;
  using Response = JobView;
  static constexpr Route route{Method::post, "/jobs/{id}/cancel"};
  static constexpr std::string_view id = "stems.jobs.cancel", summary = "Cancel a pending job";
  static constexpr std::string_view description =
      "When the answer is sent the credit is back; a running job stops within 5 seconds.";
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::job_not_found, Reason::job_not_cancellable};
  static Result<Response> handle(Call& call, const Request& in) {
    return viewed(call.house.separations.cancel(call.tx(), call.account(), JobId(in.id)));
  }
};

struct DeletedJobs {
  int deleted = 0;
  std::vector<std::string> errors;
  std::string message;
};

struct DeleteJobs : Endpoint {
  struct Request {
    std::vector<std::string> ids;
  };
  using Response = DeletedJobs;
  static constexpr Route route{Method::delete_, "/jobs"};
  static constexpr std::string_view id = "stems.jobs.delete_many", summary = "Delete multiple jobs";
  static constexpr std::string_view description = "The body is a bare JSON list of 1 to 1000 job ids.";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::no_job_ids};
  static Result<Response> handle(Call& call, const Request& in) {
    if (in.ids.empty()) return Reason::no_job_ids;
    DeletedJobs out;
    std::set<std::string_view> seen;
    for (const auto& one : in.ids) {
      if (!seen.insert(one).second) continue;
      if (call.house.separations.remove(call.tx(), call.account(), JobId(one)))
        ++out.deleted;
      else
        out.errors.push_back("Job " + one + " not found or not owned by user");
    }
    out.message = "Successfully deleted " + std::to_string(out.deleted) + " job(s)";
    return out;
  }
};

struct DeleteJob : Endpoint {
  using Request = JobPath;
  using Response = Message;
  static constexpr Route route{Method::delete_, "/jobs/{id}"};
  static constexpr std::string_view id = "stems.jobs.delete", summary = "Delete one job and its files";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::job_not_found};
  static Result<Response> handle(Call& call, const Request& in) {
    if (auto removed = call.house.separations.remove(call.tx(), call.account(), JobId(in.id)); !removed)
      return std::move(removed).error();
    return Message{"Job deleted successfully"};
  }
};

struct DeleteOneJob : DeleteJob {
  static constexpr Route route{Method::delete_, "/job/{id}"};
  static constexpr std::string_view id = "stems.job.delete", summary = "The same as DELETE /jobs/{id}";
};

}  // namespace toll::stems

namespace toll::json {

template <>
struct Schema<stems::JobPath> {
  static constexpr std::string_view name = "JobPath";
  static constexpr auto fields = std::tuple{field(&stems::JobPath::id, "id", "The job's id.", {.in = In::path})};
};

template <>
struct Schema<stems::ListJobs::Request> {
  using R = stems::ListJobs::Request;
  static constexpr std::string_view name = "ListJobs";
  static constexpr auto fields =
      std::tuple{field(&R::limit, "limit", "How many.", {.in = In::query, .min = 1, .max = 500}),
                 field(&R::before, "before", "Jobs older than this one of yours.", {.in = In::query}),
                 field(&R::status, "status", "Only jobs in this status.", {.in = In::query})};
};

template <>
struct Schema<stems::DeleteJobs::Request> {
  static constexpr std::string_view name = "DeleteJobs";
  static constexpr auto fields = std::tuple{field(&stems::DeleteJobs::Request::ids, "", "Job ids.", {.max = 1000})};
};

template <>
struct Schema<stems::DeletedJobs> {
  using V = stems::DeletedJobs;
  static constexpr std::string_view name = "DeletedJobs";
  static constexpr auto fields = std::tuple{field(&V::deleted, "deleted", "How many were deleted."),
                                            field(&V::errors, "errors", "One sentence for each id that was not."),
                                            field(&V::message, "message", "A summary.")};
};

}  // namespace toll::json
