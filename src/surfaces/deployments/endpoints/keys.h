// Keys of organisations: of one deployment, or for management. Under a deployment, and all together.
#pragma once

#include "surfaces/deployments/endpoints/deployments.h"

namespace toll::deployed {

struct OfKey {
  std::string org_id, id, key_id;
};
struct OfKeyBody {
  std::string org_id, id, key_id;
  json::Value body;
};
struct OfAnyKey {
  std::string org_id, key_id;
};
struct OfAnyKeyBody {
  std::string org_id, key_id;
  json::Value body;
};
struct InOrganisationBody {
  std::string org_id;
  json::Value body;
};

// Keys make no keys: these routes take sessions.
struct KeyRead : ManagementRead {
  static constexpr api::CallerCheck permits = &people;
  static constexpr std::array reasons{Reason::not_found, Reason::role_required};
};
struct KeyWrite : ManagementWrite {
  static constexpr api::CallerCheck permits = &people;
  static constexpr std::array reasons{Reason::not_found, Reason::role_required, Reason::limit_reached};
};

struct ListDeploymentKeys : KeyRead {
  using Request = OfDeployment;
  using Response = Page<KeyView>;
  static constexpr Route route{Method::get, "/unstract/{org_id}/api/v2/api-deployment/{id}/keys"};
  static constexpr std::string_view id = "deployments.keys.list", summary = "Keys of a deployment";
  static Result<Response> handle(Call& call, const Request& in);
};
struct CreateDeploymentKey : KeyWrite {
  using Request = OfDeploymentBody;
  using Response = NewKeyView;
  static constexpr Route route{Method::post, "/unstract/{org_id}/api/v2/api-deployment/{id}/keys"};
  static constexpr std::string_view id = "deployments.keys.create", summary = "Make a key of a deployment";
  static constexpr std::string_view description =
      "Body: name, expires_in_days or expires_at, allowed_ips; all optional.";
  static constexpr int status = 201;
  static constexpr bool idempotent = true;
  static Result<Response> handle(Call& call, const Request& in);
};
struct ListKeys : KeyRead {
  using Request = InOrganisation;
  using Response = Page<KeyView>;
  static constexpr Route route{Method::get, "/unstract/{org_id}/api/v2/api-keys"};
  static constexpr std::string_view id = "deployments.api_keys.list", summary = "Keys of an organisation";
  static Result<Response> handle(Call& call, const Request& in);
};
struct CreateKey : KeyWrite {
  using Request = InOrganisationBody;
  using Response = NewKeyView;
  static constexpr Route route{Method::post, "/unstract/{org_id}/api/v2/api-keys"};
  static constexpr std::string_view id = "deployments.api_keys.create", summary = "Make a key";
  static constexpr std::string_view description =
      "Body: name, kind (deployment or management), deployment (may be left out when there is exactly one), "
      "expires_in_days or expires_at, allowed_ips.";
  static constexpr int status = 201;
  static constexpr bool idempotent = true;
  static Result<Response> handle(Call& call, const Request& in);
};

// Each of these is at two paths: under its deployment, and among all keys.
template <class Base, class Places>
struct GetKeyAt : Base {
  using Request = Places;
  using Response = KeyView;
  static constexpr std::string_view summary = "One key";
  static Result<Response> handle(Call& call, const Request& in);
};
template <class Base, class Places>
struct PatchKeyAt : Base {
  using Request = Places;
  using Response = KeyView;
  static constexpr std::string_view summary = "Change a key: name, allowed_ips, expires_at";
  static Result<Response> handle(Call& call, const Request& in);
};
template <class Base, class Places>
struct DeleteKeyAt : Base {
  using Request = Places;
  using Response = http::Response;
  static constexpr std::string_view summary = "Revoke and hide a key";
  static constexpr int status = 204;
  static Result<Response> handle(Call& call, const Request& in);
};
template <class Base, class Places>
struct RotateKeyAt : Base {
  using Request = Places;
  using Response = NewKeyView;
  static constexpr std::string_view summary = "Put a new key in a key's place";
  static constexpr std::string_view description =
      "Body: grace_seconds 0 to 604800 (0): how long the old key still works.";
  static constexpr bool idempotent = true;
  static Result<Response> handle(Call& call, const Request& in);
};
template <class Base, class Places>
struct RevokeKeyAt : Base {
  using Request = Places;
  using Response = KeyView;
  static constexpr std::string_view summary = "Revoke a key, from the next request on";
  static constexpr bool idempotent = true;
  static Result<Response> handle(Call& call, const Request& in);
};

struct GetDeploymentKey : GetKeyAt<KeyRead, OfKey> {
  static constexpr Route route{Method::get, "/unstract/{org_id}/api/v2/api-deployment/{id}/keys/{key_id}"};
  static constexpr std::string_view id = "deployments.keys.get";
};
struct PatchDeploymentKey : PatchKeyAt<KeyWrite, OfKeyBody> {
  static constexpr Route route{Method::patch, "/unstract/{org_id}/api/v2/api-deployment/{id}/keys/{key_id}"};
  static constexpr std::string_view id = "deployments.keys.patch";
};
struct DeleteDeploymentKey : DeleteKeyAt<KeyWrite, OfKey> {
  static constexpr Route route{Method::delete_, "/unstract/{org_id}/api/v2/api-deployment/{id}/keys/{key_id}"};
  static constexpr std::string_view id = "deployments.keys.delete";
};
struct RotateDeploymentKey : RotateKeyAt<KeyWrite, OfKeyBody> {
  static constexpr Route route{Method::post, "/unstract/{org_id}/api/v2/api-deployment/{id}/keys/{key_id}/rotate"};
  static constexpr std::string_view id = "deployments.keys.rotate";
};
struct RevokeDeploymentKey : RevokeKeyAt<KeyWrite, OfKey> {
  static constexpr Route route{Method::post, "/unstract/{org_id}/api/v2/api-deployment/{id}/keys/{key_id}/revoke"};
  static constexpr std::string_view id = "deployments.keys.revoke";
};
struct GetKey : GetKeyAt<KeyRead, OfAnyKey> {
  static constexpr Route route{Method::get, "/unstract/{org_id}/api/v2/api-keys/{key_id}"};
  static constexpr std::string_view id = "deployments.api_keys.get";
};
struct PatchKey : PatchKeyAt<KeyWrite, OfAnyKeyBody> {
  static constexpr Route route{Method::patch, "/unstract/{org_id}/api/v2/api-keys/{key_id}"};
  static constexpr std::string_view id = "deployments.api_keys.patch";
};
struct DeleteKey : DeleteKeyAt<KeyWrite, OfAnyKey> {
  static constexpr Route route{Method::delete_, "/unstract/{org_id}/api/v2/api-keys/{key_id}"};
  static constexpr std::string_view id = "deployments.api_keys.delete";
};
struct RotateKey : RotateKeyAt<KeyWrite, OfAnyKeyBody> {
  static constexpr Route route{Method::post, "/unstract/{org_id}/api/v2/api-keys/{key_id}/rotate"};
  static constexpr std::string_view id = "deployments.api_keys.rotate";
};
struct RevokeKey : RevokeKeyAt<KeyWrite, OfAnyKey> {
  static constexpr Route route{Method::post, "/unstract/{org_id}/api/v2/api-keys/{key_id}/revoke"};
  static constexpr std::string_view id = "deployments.api_keys.revoke";
};

}  // namespace toll::deployed

namespace toll::json {

template <>
struct Schema<deployed::OfKey> {
  using R = deployed::OfKey;
  static constexpr std::string_view name = "OfKey";
  static constexpr auto fields = std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path}),
                                            field(&R::id, "id", "The deployment.", {.in = In::path}),
                                            field(&R::key_id, "key_id", "The key.", {.in = In::path})};
};
template <>
struct Schema<deployed::OfKeyBody> {
  using R = deployed::OfKeyBody;
  static constexpr std::string_view name = "OfKeyBody";
  static constexpr auto fields =
      std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path}),
                 field(&R::id, "id", "The deployment.", {.in = In::path}),
                 field(&R::key_id, "key_id", "The key.", {.in = In::path}), field(&R::body, "", "What is to change.")};
};
template <>
struct Schema<deployed::OfAnyKey> {
  using R = deployed::OfAnyKey;
  static constexpr std::string_view name = "OfAnyKey";
  static constexpr auto fields = std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path}),
                                            field(&R::key_id, "key_id", "The key.", {.in = In::path})};
};
template <>
struct Schema<deployed::OfAnyKeyBody> {
  using R = deployed::OfAnyKeyBody;
  static constexpr std::string_view name = "OfAnyKeyBody";
  static constexpr auto fields =
      std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path}),
                 field(&R::key_id, "key_id", "The key.", {.in = In::path}), field(&R::body, "", "What is to change.")};
};
template <>
struct Schema<deployed::InOrganisationBody> {
  using R = deployed::InOrganisationBody;
  static constexpr std::string_view name = "InOrganisationBody";
  static constexpr auto fields = std::tuple{field(&R::org_id, "org_id", "The organisation.", {.in = In::path}),
                                            field(&R::body, "", "A JSON object.")};
};

}  // namespace toll::json
