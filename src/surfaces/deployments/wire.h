// How organisations, deployments and keys look, and pages of them.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "deployments/deployment.h"
#include "identity/organisation_keys.h"
#include "identity/organisations.h"
#include "json/schema.h"
#include "workflows/execution.h"

namespace toll::deployed {

// A time with milliseconds.
struct Moment {
  Time at;
};

struct OrganisationView {
  std::string id, name, role;
  bool personal = false;
  Moment created_at;
};

struct MemberView {
  std::int64_t account_id = 0;
  std::string email, username, role;
  Moment created_at;
};

struct LimitsView {
  std::optional<std::int64_t> max_file_mb, max_files, timeout_s;
};

struct DeploymentView {
  std::string id, api_name, display_name, description, workflow, workflow_name, deployment_type;
  bool is_active = true;
  std::string api_endpoint;
  std::int64_t rate_limit_per_minute = 0;
  std::vector<std::string> allowed_ips;
  bool allow_path_key = false;
  LimitsView limits;
  json::Value parameters;
  std::int64_t result_ttl_s = 0;
  bool compat_reread = false;
  std::int64_t run_count = 0;
  std::optional<Moment> last_run_time;
  std::vector<std::string> last_5_run_statuses;
  Moment created_at, updated_at;
};

struct NewDeploymentView {
  DeploymentView deployment;
  std::string key_id;
  std::string api_key;
};

struct KeyView {
  std::string id, name, kind;
  std::optional<std::string> deployment;
  std::string masked;
  bool is_active = true;
  std::vector<std::string> allowed_ips;
  std::optional<Moment> expires_at, last_used_at;
  std::optional<std::string> rotated_from;
  std::optional<Moment> grace_until, revoked_at;
  Moment created_at;
};

struct NewKeyView {
  KeyView key;
  std::string api_key;
};

template <class T>
struct Page {
  std::int64_t count = 0;
  std::optional<std::string> next, previous;
  std::vector<T> results;
};

OrganisationView view(const identity::Organisation& organisation);
MemberView view(const identity::Member& member);
// What a deployment's row does not know itself.
struct Surroundings {
  std::string workflow_name;
  std::vector<workflows::State> last_runs;
};
DeploymentView view(const deployments::Deployment& deployment, const Surroundings& around);
KeyView view(const identity::OrganisationKey& key, Time now);

// "DeploymentPage" of "Deployment".
template <class T>
struct PageName {
  static constexpr auto text = [] {
    constexpr std::string_view suffix = "Page";
    std::array<char, json::Schema<T>::name.size() + suffix.size()> out{};
    std::size_t at = 0;
    for (char c : json::Schema<T>::name) out[at++] = c;
    for (char c : suffix) out[at++] = c;
    return out;
  }();
};

}  // namespace toll::deployed

namespace toll::json {

template <>
struct Codec<deployed::Moment> {
  static void write(std::string& out, const deployed::Moment& v, bool);
  static Object schema(const Rules&, Definitions&) { return {{"type", "string"}, {"format", "date-time"}}; }
};

// The members of the thing, and behind them those that are shown once.
template <>
struct Codec<deployed::NewDeploymentView> {
  static void write(std::string& out, const deployed::NewDeploymentView& v, bool redact);
  static Object schema(const Rules&, Definitions& all);
};
template <>
struct Codec<deployed::NewKeyView> {
  static void write(std::string& out, const deployed::NewKeyView& v, bool redact);
  static Object schema(const Rules&, Definitions& all);
};

template <>
struct Schema<deployed::OrganisationView> {
  using V = deployed::OrganisationView;
  static constexpr std::string_view name = "Organisation";
  static constexpr auto fields =
      std::tuple{field(&V::id, "id", "Its id, as it stands in paths."), field(&V::name, "name", "Its name."),
                 field(&V::role, "role", "What you are in it: owner, member or viewer."),
                 field(&V::personal, "personal", "Whether it is an account's own."),
                 field(&V::created_at, "created_at", "Since when there is one.")};
};

template <>
struct Schema<deployed::MemberView> {
  using V = deployed::MemberView;
  static constexpr std::string_view name = "OrganisationMember";
  static constexpr auto fields =
      std::tuple{field(&V::account_id, "account_id", "The account's id."), field(&V::email, "email", "Its address."),
                 field(&V::username, "username", "Its name."), field(&V::role, "role", "owner, member or viewer."),
                 field(&V::created_at, "created_at", "Since when it belongs to it.")};
};

template <>
struct Schema<deployed::LimitsView> {
  using V = deployed::LimitsView;
  static constexpr std::string_view name = "DeploymentLimits";
  static constexpr auto fields =
      std::tuple{field(&V::max_file_mb, "max_file_mb", "Largest file, in MB.", {.omit_null = true}),
                 field(&V::max_files, "max_files", "Most files of a call.", {.omit_null = true}),
                 field(&V::timeout_s, "timeout_s", "Seconds that an execution may take.", {.omit_null = true})};
};

template <>
struct Schema<deployed::DeploymentView> {
  using V = deployed::DeploymentView;
  static constexpr std::string_view name = "Deployment";
  static constexpr auto fields =
      std::tuple{field(&V::id, "id", "Its id."),
                 field(&V::api_name, "api_name", "Its name in paths, unique in the organisation."),
                 field(&V::display_name, "display_name", "Its name for people."),
                 field(&V::description, "description", "What it is for."),
                 field(&V::workflow, "workflow", "The workflow's id."),
                 field(&V::workflow_name, "workflow_name", "The workflow's name."),
                 field(&V::deployment_type, "deployment_type", "ETL, TASK or API: a label."),
                 field(&V::is_active, "is_active", "Whether it answers."),
                 field(&V::api_endpoint, "api_endpoint", "The path of the compatible API, without a slash before it."),
                 field(&V::rate_limit_per_minute, "rate_limit_per_minute", "Execute calls in any 60 seconds."),
                 field(&V::allowed_ips, "allowed_ips", "Addresses and CIDR blocks that may call; empty: any."),
                 field(&V::allow_path_key, "allow_path_key", "Whether the key in the path is enough."),
                 field(&V::limits, "limits", "What overrides the workflow's limits."),
                 field(&V::parameters, "parameters", "Defaults under the parameters of a call."),
                 field(&V::result_ttl_s, "result_ttl_s", "Seconds that a result can be read."),
                 field(&V::compat_reread, "compat_reread", "Whether the compatible API gives a result more than once."),
                 field(&V::run_count, "run_count", "Executions that were accepted."),
                 field(&V::last_run_time, "last_run_time", "When the last one was."),
                 field(&V::last_5_run_statuses, "last_5_run_statuses", "Of the last executions, newest first."),
                 field(&V::created_at, "created_at", "When it was made."),
                 field(&V::updated_at, "updated_at", "When it was changed.")};
};

// Only for has_secret(): the codec above writes them.
template <>
struct Schema<deployed::NewDeploymentView> {
  using V = deployed::NewDeploymentView;
  static constexpr std::string_view name = "NewDeployment";
  static constexpr auto fields =
      std::tuple{field(&V::deployment, "", ""), field(&V::key_id, "key_id", "Its first key."),
                 field(&V::api_key, "api_key", "The key itself: shown this once.", {.secret = true})};
};

template <>
struct Schema<deployed::KeyView> {
  using V = deployed::KeyView;
  static constexpr std::string_view name = "OrganisationKey";
  static constexpr auto fields =
      std::tuple{field(&V::id, "id", "Its id."),
                 field(&V::name, "name", "Its name."),
                 field(&V::kind, "kind", "deployment or management."),
                 field(&V::deployment, "deployment", "The deployment that it opens; null: a management key."),
                 field(&V::masked, "masked", "What may be shown of it."),
                 field(&V::is_active, "is_active", "Whether it works now."),
                 field(&V::allowed_ips, "allowed_ips", "Addresses and CIDR blocks that it works from; empty: any."),
                 field(&V::expires_at, "expires_at", "When it ends by itself."),
                 field(&V::last_used_at, "last_used_at", "Some seconds late."),
                 field(&V::rotated_from, "rotated_from", "The key that it took the place of."),
                 field(&V::grace_until, "grace_until", "Of a rotated key: until when it still works."),
                 field(&V::revoked_at, "revoked_at", "When it was revoked."),
                 field(&V::created_at, "created_at", "When it was made.")};
};

template <>
struct Schema<deployed::NewKeyView> {
  using V = deployed::NewKeyView;
  static constexpr std::string_view name = "NewOrganisationKey";
  static constexpr auto fields = std::tuple{
      field(&V::key, "", ""), field(&V::api_key, "api_key", "The key itself: shown this once.", {.secret = true})};
};

template <class T>
struct Schema<deployed::Page<T>> {
  using P = deployed::Page<T>;
  static constexpr std::string_view name{deployed::PageName<T>::text.data(), deployed::PageName<T>::text.size()};
  static constexpr auto fields =
      std::tuple{field(&P::count, "count", "Of all pages."), field(&P::next, "next", "The address of the next page."),
                 field(&P::previous, "previous", "The address of the page before."),
                 field(&P::results, "results", "Newest first.")};
};

}  // namespace toll::json
