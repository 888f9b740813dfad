// Requests for access or other quotas, and what administrators decide.
#pragma once

#include "surfaces/media/endpoints/keys.h"

namespace toll::media_api {

struct AccessView {
  std::string id, status;
  std::int64_t mutation_quota = 0, query_quota = 0;
  std::optional<std::string> reason;
  Moment created_at;
  std::optional<Moment> decided_at;
};

struct AskAccess : SessionEndpoint {
  struct Request {
    Whole mutation_quota, query_quota;
  };
  using Response = AccessView;
  static constexpr Route route{Method::post, "/api/access"};
  static constexpr std::string_view id = "media.access.ask", summary = "Ask for access, or for other quotas";
  static constexpr int status = 201;
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::access_pending, Reason::invalid_request};
  static void check(const Call& call, const Request& in, api::Checks& checks);
  static Result<Response> handle(Call& call, const Request& in);
};

struct GetAccess : SessionEndpoint {
  using Request = Nothing;
  using Response = AccessView;
  static constexpr Route route{Method::get, "/api/access"};
  static constexpr std::string_view id = "media.access.get", summary = "The account's newest request";
  static constexpr std::array reasons{Reason::access_request_not_found};
  static Result<Response> handle(Call& call, const Request& in);
};

struct AccessStatusName {
  media::AccessState state = media::AccessState::pending;
};

struct AccessList {
  std::int64_t limit = 0, offset = 0, total = 0;
  std::vector<AccessView> data;
};

struct ListAccess : AdminSessionEndpoint {
  struct Request {
    std::optional<std::int64_t> limit, offset;
    std::optional<AccessStatusName> status;
  };
  using Response = AccessList;
  static constexpr Route route{Method::get, "/api/access/requests"};
  static constexpr std::string_view id = "media.access.list", summary = "All accounts' requests, newest first";
  static Result<Response> handle(Call& call, const Request& in);
};

struct ApproveAccess : AdminSessionEndpoint {
  struct Request {
    std::string request_id;
    std::optional<std::string> reason;
  };
  using Response = AccessView;
  static constexpr Route route{Method::post, "/api/access/requests/{requestId}/approve"};
  static constexpr std::string_view id = "media.access.approve",
                                    summary = "Grant a request; its quotas hold from now on";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::access_request_not_found, Reason::access_decided};
  static Result<Response> handle(Call& call, const Request& in);
};

struct RejectAccess : AdminSessionEndpoint {
  using Request = ApproveAccess::Request;
  using Response = AccessView;
  static constexpr Route route{Method::post, "/api/access/requests/{requestId}/reject"};
  static constexpr std::string_view id = "media.access.reject", summary = "Refuse a request";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::access_request_not_found, Reason::access_decided};
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::media_api

namespace toll::json {

template <>
struct Codec<media_api::AccessStatusName> : WordCodec<media_api::AccessStatusName> {
  static void read_text(std::string_view text, media_api::AccessStatusName& out, const Rules&, Reading& reading);
  static Object schema(const Rules&, Definitions&) {
    return {{"type", "string"}, {"enum", Array{"PENDING", "APPROVED", "REJECTED"}}};
  }
};

template <>
struct Schema<media_api::AccessView> {
  using V = media_api::AccessView;
  static constexpr std::string_view name = "AccessRequest";
  static constexpr auto fields =
      std::tuple{field(&V::id, "id", "Its id."),
                 field(&V::status, "status", "PENDING, APPROVED or REJECTED."),
                 field(&V::mutation_quota, "mutationQuota", "What was asked for."),
                 field(&V::query_quota, "queryQuota", "What was asked for."),
                 field(&V::reason, "reason", "What the administrator said.", {.omit_null = true}),
                 field(&V::created_at, "createdAt", "When it was made."),
                 field(&V::decided_at, "decidedAt", "When it was decided.", {.omit_null = true})};
};

template <>
struct Schema<media_api::AskAccess::Request> {
  using T = media_api::AskAccess::Request;
  static constexpr std::string_view name = "NewAccessRequest";
  static constexpr auto fields =
      std::tuple{field(&T::mutation_quota, "mutationQuota", "POST and DELETE calls.",
                       {.min = 1, .max = 1'000'000'000, .example = "100"}),
                 field(&T::query_quota, "queryQuota", "GET calls: at least 1.5 times as many.",
                       {.min = 1, .max = 2'000'000'000, .example = "150"})};
};

template <>
struct Schema<media_api::AccessList> {
  using V = media_api::AccessList;
  static constexpr std::string_view name = "AccessRequestList";
  static constexpr auto fields =
      std::tuple{field(&V::limit, "limit", "As used."), field(&V::offset, "offset", "As used."),
                 field(&V::total, "total", "After the filter."), field(&V::data, "data", "The requests.")};
};

template <>
struct Schema<media_api::ListAccess::Request> {
  using T = media_api::ListAccess::Request;
  static constexpr std::string_view name = "ListAccess";
  static constexpr auto fields = std::tuple{
      field(&T::limit, "limit", "At most so many; 10 unless said otherwise.", {.in = In::query, .min = 1, .max = 100}),
      field(&T::offset, "offset", "After so many.", {.in = In::query, .min = 0}),
      field(&T::status, "status", "Of this status only.", {.in = In::query})};
};

template <>
struct Schema<media_api::ApproveAccess::Request> {
  using T = media_api::ApproveAccess::Request;
  static constexpr std::string_view name = "AccessDecision";
  static constexpr auto fields = std::tuple{field(&T::request_id, "requestId", "The request's id.", {.in = In::path}),
                                            field(&T::reason, "reason", "For the account.", {.max = 500})};
};

}  // namespace toll::json
