#include "api/serve.h"

#include <unistd.h>

#include <algorithm>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "api/recall.h"
#include "async/run_on.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/text.h"
#include "http/multipart.h"
#include "identity/names.h"
#include "sql/async.h"

namespace toll::api {

namespace {

Result<std::optional<std::string>> idempotency_key(const http::Request& request) {
  auto header = request.fields.find("Idempotency-Key");
  if (!header) return std::optional<std::string>();
  auto key = metering::parse_idempotency_key(*header);
  if (!key) return std::move(key).error();
  return std::optional<std::string>(std::move(*key));
}

constexpr std::string_view key_place = "{api_key}";
// Stands in a kept answer where the key of the path stood: no JSON text holds such a character.
constexpr std::string_view key_mark = "\x1a";

// "{org_id}", "{id}" of a route, in order.
std::vector<std::string_view> place_names(std::string_view path) {
  std::vector<std::string_view> out;
  for (auto open = path.find('{'); open != path.npos; open = path.find('{', open + 1))
    out.push_back(path.substr(open, path.find('}', open) - open + 1));
  return out;
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  if (what.empty()) return text;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

// Of a place that holds a key, whose key it is stands in for it: keys change, and are not to be stored.
std::string place_text(const Exchange& exchange, std::string_view place, const std::string& value) {
  if (place == key_place) return exchange.who->deployment;
  auto folded = lower(value);
  return identity::is_uuid(folded) ? folded : value;
}

// Account, method and route with its places: the same under every prefix and spelling of the path. Of those who are
// nobody, each address keeps its own keys.
std::string idempotency_scope(const Exchange& exchange, const About& about) {
  auto scope = std::to_string(exchange.who->account.value()) + " " + exchange.request.method_text + " ";
  scope += about.path;
  const auto places = place_names(about.path);
  for (std::size_t i = 0; i < exchange.params.size(); ++i)
    scope.append(" ").append(place_text(exchange, places.at(i), exchange.params[i]));
  if (exchange.who == identity::nobody()) scope.append(" ").append(exchange.remote);
  return scope;
}

json::Value object_of(const std::vector<std::pair<std::string, std::string>>& texts) {
  json::Object object;
  for (const auto& [name, value] : texts) object[name] = value;
  return object;
}

// Without parameters, in lower case.
std::string media_type(const http::Request& request) {
  const auto header = request.fields.get("Content-Type");
  return lower(trim(header.substr(0, header.find(';'))));
}

bool announces_json(const http::Request& request) {
  const auto type = media_type(request);
  return type.empty() || type == "application/json";
}

bool announces_some_json(const http::Request& request) {
  const auto type = media_type(request);
  return announces_json(request) || (type.starts_with("application/") && type.ends_with("+json"));
}

Result<std::optional<json::Value>> parse_body(const http::Request& request, std::string_view text, bool takes_forms) {
  if (trim(text).empty()) return std::optional<json::Value>();
  const auto type = media_type(request);
  // curl -d sends JSON under this type, so only what cannot be JSON is a form.
  if (takes_forms && type == "application/x-www-form-urlencoded" && !trim(text).starts_with('{')) {
    return std::optional<json::Value>(object_of(parse_urlencoded(text)));
  }
  auto value = json::parse(text);
  if (!value) return std::move(value).error();
  return std::optional<json::Value>(std::move(*value));
}

http::Response replay_response(const metering::KeptAnswer& kept) {
  http::Response response;
  response.status = kept.status;
  const bool typed = std::ranges::any_of(
      kept.fields, [](const auto& field) { return equal_ignoring_case(field.first, "Content-Type"); });
  if (!typed) response.fields.add("Content-Type", "application/json");
  response.fields.add("Idempotency-Replayed", "true");
  for (const auto& [name, value] : kept.fields) response.fields.add(name, value);
  response.body = kept.body;
  return response;
}

bool wants_html(const http::Request& request) {
  return request.fields.get("Accept").find("text/html") != std::string_view::npos;
}

struct CloseDescriptor {
  void operator()(const int* fd) const {
    ::close(*fd);
    delete fd;
  }
};

// Of bodies that are kept whole.
constexpr std::chrono::seconds grace_of_a_body{30};
constexpr std::uint64_t least_bytes_a_second = 64 << 10;
constexpr std::size_t large_text = 256 << 10;
constexpr std::ptrdiff_t most_pairs = 1000;  // of a urlencoded form

asio::awaitable<metering::Quotas::Outcome> charged(metering::Quotas& quotas, metering::Quotas::Charge charge) {
  if (const auto now = quotas.charge_now(charge)) co_return *now;
  auto start = [&quotas, charge](auto done) {
    auto answer = std::make_shared<decltype(done)>(std::move(done));
    quotas.charge(charge, [answer](std::exception_ptr failed, std::optional<metering::Quotas::Outcome> outcome) {
      (*answer)(std::move(failed), outcome);
    });
  };
  co_return co_await async::resume_when<metering::Quotas::Outcome>(start);
}

// The same where the answer does not hang on it: nothing when the database fails.
asio::awaitable<std::optional<metering::Quotas::Outcome>> tried(metering::Quotas& quotas,
                                                                metering::Quotas::Charge charge) {
  std::string cause;
  try {
    co_return co_await charged(quotas, charge);
  } catch (const std::exception& failed) {
    cause = failed.what();
  }
  log::warn("quota.not_asked", {{"cause", cause}});
  co_return std::nullopt;
}

asio::awaitable<std::optional<std::int64_t>> remaining(metering::Quotas& quotas, const metering::Allowances& all,
                                                       std::string_view counter) {
  const auto& allowance = all.of(counter);
  if (allowance.limit >= metering::unlimited_quota) co_return std::nullopt;
  const metering::Quotas::Charge question{allowance.payer, counter, allowance.limit, 0};
  const auto outcome = co_await tried(quotas, question);
  co_return outcome ? std::optional(outcome->remaining) : std::nullopt;
}

// One request. Coroutines of one object run one after the other.
class Pipeline {
 public:
  Pipeline(const Core& core, const DialectTable& dialect, const Operation& operation, Exchange& exchange)
      : core_(core), dialect_(dialect), operation_(operation), about_(operation.about), exchange_(exchange) {}

  asio::awaitable<http::Response> run() {
    Result<http::Response> answer = Reason::internal;
    std::exception_ptr broken;
    try {
      answer = co_await attempt();
    } catch (...) {
      broken = std::current_exception();
    }
    // Whatever went wrong, the Idempotency-Key is free again.
    if (!answer && ticket_) co_await give_up();
    if (broken) std::rethrow_exception(broken);
    if (!answer && admitted_ && !handled_ && work_->hears_refusals()) co_await tell_refusal(answer.error());
    if (!answer) co_return fault_response(dialect_, answer.error(), about_.access, exchange_.request);
    if (work_)
      for (const auto& [name, value] : work_->call().reply) answer->fields.add(name, value);
    co_return std::move(*answer);
  }

 private:
  bool has_json_body() const { return about_.body && !about_.streams() && !about_.whole && !about_.mixed; }
  // Before the body: a replay is known without it, and takes from no quota.
  bool early_key() const { return about_.streams() || !about_.quota.empty(); }
  // The whole request is known before the work: key, effect and kept answer go into one transaction.
  // Of a body that may hold files the key is looked at before they are worked with.
  bool one_transaction() const { return about_.runs == Runs::write && !early_key() && !about_.mixed; }
  bool owes() const { return !about_.quota.empty() && exchange_.who->quotas; }
  bool reads_body() const { return about_.body || about_.takes_forms || key_; }

  asio::awaitable<Result<http::Response>> attempt() {
    Inputs inputs = read_head();
    const bool body_first = dialect_.body_first && has_json_body();
    if (body_first)
      if (auto body = co_await read_body(inputs); !body) co_return std::move(body).error();
    Gate::Visit visit(core_.gate, dialect_, about_.access, exchange_);
    auto entered = visit.enter_now();
    if (!entered) entered = co_await visit.enter();
    if (!*entered) co_return std::move(*entered).error();
    if (auto may = authorize(*exchange_.who, about_); !may) co_return std::move(may).error();
    if (auto known = recalled()) co_return std::move(*known);
    work_ = operation_.begin(exchange_, core_.clock.now());
    if (about_.idempotent) {
      auto key = idempotency_key(exchange_.request);
      if (!key && owes())
        if (auto paid = co_await pay(); !paid) co_return std::move(paid).error();
      if (!key) co_return std::move(key).error();
      key_ = std::move(*key);
    }
    if (key_ && early_key())
      if (auto begun = co_await begin(std::nullopt); !begun) co_return std::move(begun).error();
    if (owes() && !replay_)
      if (auto paid = co_await pay(); !paid) co_return std::move(paid).error();
    if (work_->admits())
      if (auto admitted = co_await admit(); !admitted) co_return std::move(admitted).error();
    admitted_ = true;
    if (reads_body() && !body_first)
      if (auto body = co_await read_body(inputs); !body) co_return std::move(body).error();
    if (key_ && !early_key() && !one_transaction())
      if (auto begun = co_await begin(fingerprint_); !begun) co_return std::move(begun).error();
    if (replay_) {
      if (auto same = core_.idempotency.matches(*replay_, fingerprint_); !same) co_return std::move(same).error();
      co_return replayed(replay_->answer);
    }
    if (auto read = work_->read(inputs); !read) co_return std::move(read).error();
    if (work_->prepares()) {
      auto ready = co_await async::run_on(core_.preparing, [this] { return work_->prepare(); });
      if (!ready) co_return std::move(ready).error();
    }
    auto done = handle_now();
    if (!done) done.emplace(co_await handle());
    if (!*done) co_return std::move(*done).error();
    handled_ = true;
    while (work_->concludes() && work_->call().linger) {
      const auto wait = *std::exchange(work_->call().linger, std::nullopt);
      co_await linger(wait);
      *done = co_await conclude();
      if (!*done) co_return std::move(*done).error();
    }
    if (version_) Recall::of_this_thread().keep(question(), *version_, (*done)->response.body);
    co_return std::move((*done)->response);
  }

  Recall::Question question() const { return {&operation_, exchange_.who->account, exchange_.request.target}; }

  // Notes the version that an answer made now belongs to.
  std::optional<http::Response> recalled() {
    if (!about_.cacheable || exchange_.request.has_body()) return std::nullopt;
    version_ = core_.db.version();
    const auto* body = version_ ? Recall::of_this_thread().find(question(), *version_) : nullptr;
    if (!body) return std::nullopt;
    http::Response response;
    response.status = about_.status;
    response.fields.add("Content-Type", "application/json");
    response.body = *body;
    return response;
  }

  // Neither a thread nor a transaction waits meanwhile.
  asio::awaitable<void> linger(Linger wait) {
    struct Sleep {
      asio::steady_timer timer;
      bool over = false;
    };
    auto sleep = std::make_shared<Sleep>(Sleep{asio::steady_timer(co_await asio::this_coro::executor), false});
    sleep->timer.expires_after(wait.longest);
    const std::function<void()> wake = [sleep] {
      asio::post(sleep->timer.get_executor(), [sleep] {
        sleep->over = true;
        sleep->timer.cancel();
      });
    };
    wait.arm(wake);
    boost::system::error_code ignored;
    if (!sleep->over) co_await sleep->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }

  asio::awaitable<Result<Done>> conclude() {
    auto body = [this](sql::Tx& tx) {
      work_->call().linger.reset();
      work_->call().transaction = &tx;
      auto done = work_->conclude();
      work_->call().transaction = nullptr;
      return done;
    };
    if (about_.runs == Runs::write) co_return co_await sql::write(core_.db, body);
    co_return co_await sql::read(core_.db, body);
  }

  asio::awaitable<void> tell_refusal(const Fault& fault) {
    auto body = [this, &fault](sql::Tx& tx) {
      work_->call().transaction = &tx;
      work_->refused(fault);
      work_->call().transaction = nullptr;
      return true;
    };
    // What the caller is told does not depend on whether it could be noted.
    try {
      co_await sql::write(core_.db, body);
    } catch (const std::exception& error) {
      log::error("request.refusal_not_noted", {{"request_id", exchange_.request_id}, {"cause", error.what()}});
    }
  }

  asio::awaitable<Result<void>> pay() {
    const auto& who = *exchange_.who;
    const auto& allowance = who.quotas->of(about_.quota);
    const auto outcome = co_await charged(*core_.quotas, {allowance.payer, about_.quota, allowance.limit, 1});
    if (!outcome.admitted) co_return Fault(Reason::quota_used_up);
    const metering::Quotas::Charge own{who.subject, about_.quota, metering::unlimited_quota, 1};
    // The account has paid; a count of the key's own that fails refuses nobody.
    if (allowance.shared) co_await tried(*core_.quotas, own);
    co_return Result<void>();
  }

  asio::awaitable<Result<void>> admit() {
    auto body = [this](sql::Tx& tx) {
      work_->call().transaction = &tx;
      auto admitted = work_->admit();
      work_->call().transaction = nullptr;
      return admitted;
    };
    if (about_.admits_in_write) {
      Result<void> admitted;
      // What was written stays, also with a fault.
      auto write = [&](sql::Tx& tx) { return admitted = body(tx), true; };
      co_await sql::write(core_.db, write);
      co_return admitted;
    }
    if (about_.point_read && core_.db.reads_are_cheap()) {
      Result<void> admitted;
      core_.db.read_here([&](sql::Tx& tx) { return admitted = body(tx), true; });
      co_return admitted;
    }
    co_return co_await sql::read(core_.db, body);
  }

  Inputs read_head() const {
    Inputs inputs;
    inputs.path = about_.path;
    inputs.params = &exchange_.params;
    if (!exchange_.request.query.empty()) inputs.query = parse_urlencoded(exchange_.request.query);
    if (dialect_.last_value_counts) std::ranges::reverse(inputs.query);
    inputs.strict = dialect_.strict_bodies;
    return inputs;
  }

  asio::awaitable<Result<void>> read_body(Inputs& inputs) {
    const auto type = exchange_.request.fields.get("Content-Type");
    if (about_.mixed) co_return co_await read_mixed(inputs);
    const bool sent_form = lower(type).starts_with("multipart/form-data");
    if (about_.raw || about_.multipart || ((about_.takes_forms || about_.form) && sent_form)) {
      const auto boundary = about_.raw ? std::nullopt : http::multipart_boundary(type);
      if (!about_.raw && sent_form && !boundary) co_return Fault(Reason::malformed_multipart);
      if (about_.raw || boundary) {
        // Named first: this compiler destroys class temporaries of a co_await operand twice.
        const auto limits = work_->form_limits();
        auto beat = keep_lease();
        auto* store = replay_ ? nullptr : &core_.store;
        auto form = co_await read_form(exchange_.body, boundary, limits, store, core_.disk, beat);
        if (!form) co_return std::move(form).error();
        inputs.form = std::move(*form);
      }
      fingerprint_ = inputs.form.fingerprint();
      if (!about_.streams() && !about_.form) inputs.body = object_of(inputs.form.texts);
    } else if (about_.whole) {
      auto bytes = co_await read_whole();
      if (!bytes) co_return std::move(bytes).error();
      inputs.whole = std::move(*bytes);
    } else if (has_json_body() || key_) {
      if (dialect_.strict_bodies && exchange_.request.has_body() && !announces_json(exchange_.request))
        co_return Fault(Reason::unsupported_media_type);
      if (dialect_.plain_json && exchange_.request.has_body() && !announces_some_json(exchange_.request))
        co_return unsupported();
      auto text = co_await http::read_all(exchange_.body, about_.max_body);
      if (!text) co_return std::move(text).error();
      fingerprint_ = hex(sha256(exchange_.request.query.empty() ? *text : exchange_.request.query + "\n" + *text));
      if (has_json_body() && dialect_.body_first && !announces_some_json(exchange_.request) && !text->empty()) {
        inputs.body = valid_utf8(*text) ? json::Value(*text) : json::Value("");
      } else if (has_json_body()) {
        auto value = parse_body(exchange_.request, *text, about_.takes_forms);
        if (!value && about_.mend)
          if (const auto meant = about_.mend(*text)) value = parse_body(exchange_.request, *meant, false);
        if (!value) co_return std::move(value).error();
        inputs.body = std::move(*value);
        if (!inputs.body && dialect_.plain_json) inputs.body = json::Object();
      }
    }
    co_return Result<void>();
  }

  Fault unsupported() const {
    return Fault(Reason::unsupported_media_type)
        .with("type", std::string(exchange_.request.fields.get("Content-Type")));
  }

  // JSON, a form, or a form with files.
  asio::awaitable<Result<void>> read_mixed(Inputs& inputs) {
    const auto& request = exchange_.request;
    const auto type = media_type(request);
    if (type == "multipart/form-data") {
      const auto boundary = http::multipart_boundary(request.fields.get("Content-Type"));
      if (!boundary) co_return Fault(Reason::malformed_multipart);
      const auto limits = work_->form_limits();
      const std::function<void()> no_beat;
      auto form = co_await read_form(exchange_.body, boundary, limits, &core_.store, core_.disk, no_beat);
      if (!form) co_return std::move(form).error();
      inputs.form = std::move(*form);
      inputs.sent_form = true;
      fingerprint_ = inputs.form.fingerprint();
      co_return Result<void>();
    }
    const bool urlencoded = type == "application/x-www-form-urlencoded";
    if (request.has_body() && !urlencoded && !announces_some_json(request)) co_return unsupported();
    auto bytes = co_await read_whole();
    if (!bytes) co_return std::move(bytes).error();
    const std::string& text = **bytes;
    if (urlencoded && !trim(text).starts_with('{')) {
      if (std::ranges::count(text, '&') > most_pairs) co_return Fault(Reason::malformed_multipart);
      inputs.form.texts = parse_urlencoded(text);
      inputs.sent_form = true;
      co_return Result<void>();
    }
    // A large text would hold up every other connection of this thread.
    auto parse = [&] { return parse_body(request, text, false); };
    Result<std::optional<json::Value>> value = std::optional<json::Value>();
    if (text.size() <= large_text)
      value = parse();
    else
      value = co_await async::run_on(core_.preparing, parse);
    if (!value) co_return std::move(value).error();
    inputs.body = std::move(*value);
    co_return Result<void>();
  }

  // Memory grows with what has come, not with what was announced, and what hardly comes is given up: a body holds more
  // than its connection. Its fingerprint is taken piece by piece; the head says how the bytes are read.
  asio::awaitable<Result<std::shared_ptr<const std::string>>> read_whole() {
    using Steady = std::chrono::steady_clock;
    const auto started = Steady::now();
    const auto& request = exchange_.request;
    Sha256Stream sum;
    if (key_) {
      sum.update(request.query + "\n" + media_type(request) + "\n");
      if (const auto framing = work_->framing_header(); !framing.empty())
        sum.update(std::string(request.fields.get(framing)) + "\n");
    }
    exchange_.body.set_limit(work_->body_limit());
    auto bytes = std::make_shared<std::string>();
    for (;;) {
      const auto piece = co_await exchange_.body.read();
      if (!piece) co_return piece.error();
      if (piece->empty()) break;
      if (auto room = work_->take_up(bytes->size() + piece->size()); !room) co_return std::move(room).error();
      if (key_) sum.update(*piece);
      bytes->append(*piece);
      const auto patience = grace_of_a_body + std::chrono::seconds(bytes->size() / least_bytes_a_second);
      if (Steady::now() - started > patience) co_return Fault(Reason::request_timeout);
    }
    if (key_) fingerprint_ = hex(sum.finish());
    co_return std::shared_ptr<const std::string>(std::move(bytes));
  }

  // A long upload renews the lease of its Idempotency-Key while bytes come in.
  std::function<void()> keep_lease() {
    if (!ticket_) return {};
    return [this] { (void)core_.db.write([this](sql::Tx& tx) { return core_.idempotency.renew(tx, *ticket_); }); };
  }

  // What needs no waiting is done without a coroutine.
  std::optional<Result<Done>> handle_now() {
    if (about_.runs == Runs::here) return work_->handle();
    if (about_.runs != Runs::read || !about_.point_read || !core_.db.reads_are_cheap()) return std::nullopt;
    std::optional<Result<Done>> done;
    const auto statements = about_.one_statement ? sql::Database::Statements::one : sql::Database::Statements::any;
    core_.db.read_here([&](sql::Tx& tx) { return done.emplace(handle_in(tx)), true; }, statements);
    return done;
  }

  asio::awaitable<Result<Done>> handle() {
    switch (about_.runs) {
      case Runs::here:
        co_return work_->handle();
      case Runs::read: {
        auto body = [this](sql::Tx& tx) { return handle_in(tx); };
        co_return co_await sql::read(core_.db, body);
      }
      case Runs::write: {
        auto body = [this](sql::Tx& tx) { return write_once(tx); };
        co_return co_await sql::write(core_.db, body);
      }
      case Runs::blocking:
        break;
    }
    offer_to_blocking_work();
    auto done = co_await async::run_on(core_.blocking, [this] { return work_->handle(); });
    work_->call().client.reset();
    if (done && ticket_ && !answer_kept_) {
      auto body = [&](sql::Tx& tx) { return keep(tx, *done); };
      if (auto kept = co_await sql::write(core_.db, body); !kept) co_return std::move(kept).error();
    }
    co_return done;
  }

  void offer_to_blocking_work() {
    auto& call = work_->call();
    if (about_.watches)
      if (const int fd = exchange_.body.watch(); fd >= 0) call.client = {new int(fd), CloseDescriptor{}};
    if (ticket_)
      call.keep_answer = [this](sql::Tx& tx, const metering::KeptAnswer& answer) {
        auto kept = core_.idempotency.complete(tx, *ticket_, fingerprint_, answer);
        answer_kept_ = kept.has_value();
        return kept;
      };
  }

  Result<Done> handle_in(sql::Tx& tx) {
    work_->call().reply = {};  // of an earlier run
    work_->call().linger.reset();
    work_->call().transaction = &tx;
    auto done = work_->handle();
    work_->call().transaction = nullptr;
    return done;
  }

  // May run more than once.
  Result<Done> write_once(sql::Tx& tx) {
    work_->call().reply = {};  // of an earlier run
    work_->call().linger.reset();
    if (key_ && one_transaction()) {
      auto begun = core_.idempotency.begin(tx, scope(), *key_, fingerprint_);
      if (!begun) return std::move(begun).error();
      if (auto* replay = std::get_if<metering::Replay>(&*begun)) return Done{replayed(replay->answer), {}};
      ticket_ = std::get<metering::Proceed>(*begun).ticket;
    }
    auto done = handle_in(tx);
    if (done && ticket_)
      if (auto kept = keep(tx, *done); !kept) return std::move(kept).error();
    // Here the key's row is part of this transaction: a fault undoes it, nothing is left to give up.
    if (one_transaction()) ticket_.reset();
    return done;
  }

  Result<void> keep(sql::Tx& tx, const Done& done) {
    metering::KeptAnswer answer{.status = done.response.status, .fields = {}, .body = kept_text(done.kept_body)};
    if (const auto location = work_->call().reply.find("Location")) answer.fields.emplace_back("Location", *location);
    return core_.idempotency.complete(tx, *ticket_, fingerprint_, answer);
  }

  // Where an answer says the key of its own path again (the address of what was begun), the key is not kept: it stands
  // in the path of whoever repeats the request.
  std::string_view key_of_path() const {
    const auto places = place_names(about_.path);
    for (std::size_t i = 0; i < places.size() && i < exchange_.params.size(); ++i)
      if (places[i] == key_place) return exchange_.params[i];
    return {};
  }
  std::string kept_text(std::string body) const { return replaced(std::move(body), key_of_path(), key_mark); }
  http::Response replayed(const metering::KeptAnswer& kept) const {
    auto response = replay_response(kept);
    if (const auto key = key_of_path(); !key.empty()) response.body = replaced(std::move(response.body), key_mark, key);
    return response;
  }

  asio::awaitable<Result<void>> begin(std::optional<std::string> fingerprint) {
    const auto where = scope();
    auto body = [&](sql::Tx& tx) {
      return core_.idempotency.begin(tx, where, *key_,
                                     fingerprint ? std::optional<std::string_view>(*fingerprint) : std::nullopt);
    };
    auto begun = co_await sql::write(core_.db, body);
    if (!begun) co_return std::move(begun).error();
    if (auto* replay = std::get_if<metering::Replay>(&*begun)) {
      replay_ = std::move(*replay);
      work_->call().replaying = true;
    } else {
      ticket_ = std::get<metering::Proceed>(*begun).ticket;
    }
    co_return Result<void>();
  }

  asio::awaitable<void> give_up() {
    auto body = [this](sql::Tx& tx) { return core_.idempotency.abandon(tx, *ticket_), true; };
    co_await sql::write(core_.db, body);
  }

  std::string scope() const { return idempotency_scope(exchange_, about_); }

  const Core& core_;
  const DialectTable& dialect_;
  const Operation& operation_;
  const About& about_;
  Exchange& exchange_;
  std::unique_ptr<Work> work_;  // once the caller is let in
  std::optional<sql::Version> version_;
  std::optional<std::string> key_;
  std::optional<metering::Ticket> ticket_;
  std::optional<metering::Replay> replay_;
  bool answer_kept_ = false;
  bool admitted_ = false, handled_ = false;
  std::string fingerprint_;
};

}  // namespace

namespace {
// What a counted caller is told about the limits.
void tell_limits(const Core& core, const DialectTable& dialect, const Exchange& exchange, http::Response& response) {
  if (dialect.limits && exchange.verdict) dialect.limits(*exchange.verdict, core.clock.now(), response);
}
}  // namespace

namespace {
// What a caller with quotas is told about them, whatever the answer is.
asio::awaitable<void> tell_quotas(const Core& core, const DialectTable& dialect, const Operation& operation,
                                  const Exchange& exchange, http::Response& response) {
  const auto quotas = exchange.who->quotas;
  if (!quotas || operation.about.quota.empty() || !dialect.quotas) co_return;
  Remaining left;
  left.query = co_await remaining(*core.quotas, *quotas, metering::query_quota);
  left.mutation = co_await remaining(*core.quotas, *quotas, metering::mutation_quota);
  dialect.quotas(left, response);
}
}  // namespace

asio::awaitable<http::Response> serve(const Core& core, const DialectTable& dialect, const Operation& operation,
                                      Exchange& exchange) {
  Pipeline pipeline(core, dialect, operation, exchange);
  auto response = co_await pipeline.run();
  tell_limits(core, dialect, exchange, response);
  co_await tell_quotas(core, dialect, operation, exchange, response);
  for (const auto& [name, value] : exchange.stamps) response.fields.set(name, value);
  co_return response;
}

asio::awaitable<http::Response> serve_unknown(const Core& core, const DialectTable& dialect, const Fault& fault,
                                              Exchange& exchange) {
  Result<void> entered;
  if (dialect.limits) {
    Gate::Visit visit(core.gate, dialect, std::nullopt, exchange);
    auto at_once = visit.enter_now();
    if (!at_once) at_once = co_await visit.enter();
    entered = std::move(*at_once);
  }
  auto response = fault_response(dialect, entered ? fault : entered.error(), Access::open, exchange.request);
  tell_limits(core, dialect, exchange, response);
  co_return response;
}

http::Response fault_response(const DialectTable& dialect, const Fault& fault, Access access,
                              const http::Request& request) {
  if (access == Access::page && fault.kind() == Kind::unauthenticated && wants_html(request)) {
    http::Response response;
    response.status = 302;
    response.fields.add("Location", "/login?next=" + request.path);
    return response;
  }
  auto response = dialect.fault(fault, access);
  if (auto delay = fault.retry_after()) response.fields.set("Retry-After", std::to_string(delay->count()));
  return response;
}

}  // namespace toll::api
