#include "api/gate.h"

#include "async/run_on.h"
#include "base/text.h"
#include "sql/async.h"

namespace toll::api {

namespace {

constexpr std::string_view session_cookie = "tollhouse_session=";

// The value of the session cookie, for pages only: a cookie is never a credential of a JSON route.
std::optional<std::string_view> cookie_session(const http::Request& request) {
  auto cookies = request.fields.get("Cookie");
  while (!cookies.empty()) {
    const auto end = cookies.find(';');
    const auto one = trim(cookies.substr(0, end));
    if (one.starts_with(session_cookie)) return one.substr(session_cookie.size());
    cookies = end == cookies.npos ? std::string_view{} : cookies.substr(end + 1);
  }
  return std::nullopt;
}

bool for_sessions(Access access) {
  return access == Access::session || access == Access::admin;
}

}  // namespace

Result<identity::Credential> Gate::Visit::find_credential() const {
  const auto& request = exchange_.request;
  const auto access = route_.value_or(Access::either);
  if (access == Access::page && !request.fields.find("Authorization"))
    if (auto session = cookie_session(request))
      return identity::Credential{identity::CredentialKind::session, *session, {}};
  return dialect_.credential(request, access);
}

std::optional<Result<void>> Gate::Visit::enter_now() {
  if (route_ == Access::open) return Result<void>();
  auto credential = find_credential();
  if (!credential) {
    // Without any, the route comes first: authorize() asks again.
    const bool none = credential.error().reason() == Reason::no_credentials;
    if (counts() && none) return Result<void>();
    return Result<void>(std::move(credential).error());
  }
  credential_ = *credential;
  // Elsewhere a key is not even looked at where only sessions are taken.
  const bool by_session = credential_->kind == identity::CredentialKind::session ||
                          credential_->kind == identity::CredentialKind::admin_token;
  if (!counts() && route_ && for_sessions(*route_) && !by_session) return Result<void>(Reason::session_required);
  if (auto known = gate_.authenticator_.cached(*credential_)) return identified(std::move(*known));
  if (gate_.db_.reads_are_cheap()) return identified(gate_.authenticator_.authenticate(gate_.db_, *credential_));
  return std::nullopt;
}

std::optional<Result<void>> Gate::Visit::identified(Result<identity::PrincipalPtr> who) {
  if (!who) return Result<void>(std::move(who).error());
  exchange_.who = std::move(*who);
  if (!counts()) return Result<void>();
  shut_out_ = !address_allowed();
  return count_now();
}

std::optional<Result<void>> Gate::Visit::count_now() {
  auto& counters = gate_.counters_;
  const auto now = gate_.clock_.now();
  const auto verdict = shut_out_ ? counters.peek_now(demand(), now) : counters.charge_now(demand(), now);
  if (!verdict) return std::nullopt;
  return counted(*verdict);
}

Result<void> Gate::Visit::counted(const metering::Verdict& verdict) {
  if (verdict.unavailable) return Fault(Reason::overloaded).retry_after(std::chrono::seconds(1));
  exchange_.verdict = verdict;
  exchange_.charged = verdict.admitted && !shut_out_;
  if (shut_out_) return Reason::ip_not_allowed;
  if (!verdict.admitted) return Fault(Reason::rate_limited).retry_after(verdict.retry_after(gate_.clock_.now()));
  return {};
}

asio::awaitable<Result<void>> Gate::Visit::enter() {
  if (auto entered = enter_now()) co_return std::move(*entered);
  if (exchange_.who == identity::nobody()) {
    const auto epoch = gate_.authenticator_.cache().epoch();
    auto look_up = [this, epoch](sql::Tx& tx) { return gate_.authenticator_.authenticate(tx, *credential_, epoch); };
    auto who = co_await sql::read(gate_.db_, look_up);
    if (auto entered = identified(std::move(who))) co_return std::move(*entered);
  }
  auto start = [this](auto done) {
    auto answer = std::make_shared<decltype(done)>(std::move(done));
    auto tell = [answer](const metering::Verdict& verdict) { (*answer)(nullptr, verdict); };
    const auto now = gate_.clock_.now();
    shut_out_ ? gate_.counters_.peek(demand(), now, tell) : gate_.counters_.charge(demand(), now, tell);
  };
  const auto verdict = co_await async::resume_when<metering::Verdict>(start);
  co_return counted(verdict);
}

metering::Demand Gate::Visit::demand() const {
  const auto& who = *exchange_.who;
  if (!who.key) return {metering::Subject::of_sessions(who.account), gate_.options_.session, {}};
  metering::Demand demand{who.subject, who.limits, {}};
  if (const auto& cap = gate_.options_.account; cap != metering::Limits{})
    demand.cap = {metering::Subject::of_account(who.account), cap};
  return demand;
}

bool Gate::Visit::address_allowed() const {
  const auto& rules = exchange_.who->allowed_from;
  if (!rules) return true;
  const auto address = identity::parse_address(exchange_.remote);
  return address && rules->allows(*address);
}

Result<void> authorize(const identity::Principal& who, const About& about) {
  if (about.access == Access::open) return {};
  if (&who == identity::nobody().get()) return Reason::no_credentials;
  const bool operators = who.via == identity::CredentialKind::admin_token;
  if (for_sessions(about.access) && !who.by_session() && !operators) return Reason::session_required;
  if (about.access == Access::admin && !who.admin) return Reason::admin_required;
  if (about.permits) TOLL_TRY(about.permits(who));
  return authorize_scope(who, about.scope);
}

Result<void> authorize_scope(const identity::Principal& who, std::string_view scope) {
  if (scope.empty()) return {};
  if (!who.by_session() && !who.has_scope(scope)) return Fault(Reason::missing_scope).with("scope", std::string(scope));
  if (const auto lowest = identity::lowest_plan(scope); lowest && who.plan < *lowest)
    return Fault(Reason::plan_required)
        .with("scope", std::string(scope))
        .with("plan", std::string(identity::to_string(*lowest)));
  return {};
}

}  // namespace toll::api
