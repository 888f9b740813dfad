// Organisations and who belongs to them.
#pragma once

#include "surfaces/deployments/page.h"

namespace toll::deployed {

struct ListOrganisations : Endpoint {
  using Request = Nothing;
  using Response = std::vector<OrganisationView>;
  static constexpr Route route{Method::get, "/unstract/api/v2/organization"};
  static constexpr std::string_view id = "deployments.organisations.list", summary = "Your organisations";
  static constexpr Access access = Access::either;
  static constexpr api::CallerCheck permits = &people;
  static constexpr Runs runs = Runs::write;  // whoever has no personal one gets it here
  static Result<Response> handle(Call& call, const Request& in);
};

struct CreateOrganisation : Endpoint {
  struct Request {
    json::Value body;
  };
  using Response = OrganisationView;
  static constexpr Route route{Method::post, "/unstract/api/v2/organization"};
  static constexpr std::string_view id = "deployments.organisations.create", summary = "Make an organisation";
  static constexpr std::string_view description = "Body: name, 1 to 100 characters. You are its owner and pay for it.";
  static constexpr int status = 201;
  static constexpr Access access = Access::either;
  static constexpr api::CallerCheck permits = &people;
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::limit_reached};
  static Result<Response> handle(Call& call, const Request& in);
};

// Members are for owners to choose, and for nobody with a key.
struct MembersEndpoint : Endpoint {
  static constexpr bool point_read = true;
  static constexpr Access access = Access::either;
  static constexpr api::CallerCheck permits = &people;
  static constexpr std::array reasons{Reason::not_found, Reason::role_required};
};

struct ListMembers : MembersEndpoint {
  struct Request {
    std::string org_id;
  };
  using Response = Page<MemberView>;
  static constexpr Route route{Method::get, "/unstract/{org_id}/api/v2/member"};
  static constexpr std::string_view id = "deployments.members.list", summary = "Members of an organisation";
  static Result<void> admit(Call& call) { return admit_to_organisation(call, OrganisationRole::viewer); }
  static Result<Response> handle(Call& call, const Request& in);
};

struct AddMember : MembersEndpoint {
  struct Request {
    std::string org_id;
    json::Value body;
  };
  using Response = MemberView;
  static constexpr Route route{Method::post, "/unstract/{org_id}/api/v2/member"};
  static constexpr std::string_view id = "deployments.members.add", summary = "Add a member, or give one another role";
  static constexpr std::string_view description = "Body: email of an account, role (member or viewer).";
  static constexpr int status = 201;
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static Result<void> admit(Call& call) { return admit_to_organisation(call, OrganisationRole::owner); }
  static Result<Response> handle(Call& call, const Request& in);
};

struct RemoveMember : MembersEndpoint {
  struct Request {
    std::string org_id, account_id;
  };
  using Response = http::Response;
  static constexpr Route route{Method::delete_, "/unstract/{org_id}/api/v2/member/{account_id}"};
  static constexpr std::string_view id = "deployments.members.remove", summary = "Remove a member";
  static constexpr int status = 204;
  static constexpr Runs runs = Runs::write;
  static Result<void> admit(Call& call) { return admit_to_organisation(call, OrganisationRole::owner); }
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::deployed

namespace toll::json {

template <>
struct Schema<deployed::CreateOrganisation::Request> {
  using R = deployed::CreateOrganisation::Request;
  static constexpr std::string_view name = "CreateOrganisation";
  static constexpr auto fields = std::tuple{field(&R::body, "", "{\"name\": ...}")};
};
template <>
struct Schema<deployed::ListMembers::Request> {
  using R = deployed::ListMembers::Request;
  static constexpr std::string_view name = "ListMembers";
  static constexpr auto fields = std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path})};
};
template <>
struct Schema<deployed::AddMember::Request> {
  using R = deployed::AddMember::Request;
  static constexpr std::string_view name = "AddMember";
  static constexpr auto fields = std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path}),
                                            field(&R::body, "", "{\"email\": ..., \"role\": ...}")};
};
template <>
struct Schema<deployed::RemoveMember::Request> {
  using R = deployed::RemoveMember::Request;
  static constexpr std::string_view name = "RemoveMember";
  static constexpr auto fields = std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path}),
                                            field(&R::account_id, "account_id", "The account.", {.in = In::path})};
};

}  // namespace toll::json
