// The way of a request, on a small surface of its own over a real database.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <filesystem>

#include "api/front.h"
#include "api/surface.h"
#include "base/random.h"
#include "blob/folder_store.h"
#include "identity/credential_cache.h"
#include "sql/testing/databases.h"

namespace toll::api {
namespace {

struct House {
  int handled = 0;
  int counted = 0;
  int armed = 0;
  bool admit = true;
  Form form;
};
struct Endpoint : Defaults {
  using Call = api::Call<House>;
  static constexpr Access access = Access::open;
  static constexpr Runs runs = Runs::write;
};

struct Made {
  std::string name, token;
};

struct Make : Endpoint {
  struct Request {
    std::string name;
  };
  using Response = Made;
  static constexpr Route route{Method::post, "/things"};
  static constexpr std::string_view id = "toy.make", summary = "Make a thing";
  static constexpr int status = 201;
  static constexpr bool idempotent = true;
  static Result<void> admit(Call& call) {
    if (!call.house.admit) return Reason::storage_full;
    return {};
  }
  static Result<Response> handle(Call& call, const Request& in) {
    ++call.house.handled;
    call.tx().exec("INSERT INTO things (name) VALUES ($1)", in.name);
    if (in.name == "refuse") return Fault(Reason::conflict).because("the secret cause");
    if (in.name == "break") throw std::runtime_error("the secret cause");
    return Made{in.name, "the secret token"};
  }
};

struct Counted {
  std::int64_t count = 0;
};

struct Count : Endpoint {
  using Request = Nothing;
  using Response = Counted;
  static constexpr Route route{Method::get, "/things"};
  static constexpr std::string_view id = "toy.count", summary = "Count things";
  static constexpr Runs runs = Runs::read;
  static constexpr bool point_read = true, one_statement = true, cacheable = true;
  static Result<Response> handle(Call& call, const Request&) {
    ++call.house.counted;
    return Counted{call.tx().one("SELECT count(*) FROM things")->integer(0)};
  }
};

struct Keep : Endpoint {
  struct Request {
    UploadedFile bytes;
  };
  using Response = Counted;
  static constexpr Route route{Method::put, "/things/bytes"};
  static constexpr std::string_view id = "toy.keep", summary = "Keep bytes";
  static FormLimits form_limits(const House&) { return {.file_bytes = 8}; }
  static Result<Response> handle(Call&, const Request& in) {
    return Counted{static_cast<std::int64_t>(in.bytes.staged->stored().size)};
  }
};

struct Guarded : Count {
  static constexpr Route route{Method::post, "/guarded"};
  static constexpr std::string_view id = "toy.guarded", summary = "Guarded";
  static constexpr Access access = Access::either;
};

// Takes anything, counts those who come, waits for its house before it answers, and hears whom it refused.
struct Wish : Endpoint {
  struct Request {
    MixedBody body;
  };
  using Response = Counted;
  static constexpr Route route{Method::post, "/things/wish"};
  static constexpr std::string_view id = "toy.wish", summary = "Wish for a thing";
  static constexpr bool idempotent = true, admits_in_write = true;
  static constexpr std::array<std::string_view, 1> more{"others"};
  static FormLimits form_limits(const Call&) {
    return {.file_bytes = 8, .file_field = "files", .most_files = 2, .more_fields = more};
  }
  static std::uint64_t body_limit(const Call&) { return 64; }
  static Result<void> admit(Call& call) {
    call.stamps.set("X-Came", "yes");
    call.tx().exec("INSERT INTO things (name) VALUES ('came')");
    if (!call.house.admit) return Reason::storage_full;
    return {};
  }
  static Result<Response> handle(Call& call, const Request& in) {
    ++call.house.handled;
    if (in.body.kind == MixedBody::Kind::none) return Reason::conflict;
    call.house.form = in.body.form;
    call.tx().exec("INSERT INTO things (name) VALUES ('handled')");
    if (in.body.kind == MixedBody::Kind::json)
      call.linger = Linger{std::chrono::seconds(60), [&house = call.house](std::function<void()> wake) {
                             ++house.armed;
                             wake();
                           }};
    return Counted{-1};
  }
  static Result<Response> conclude(Call& call, const Request&) {
    return Counted{call.tx().one("SELECT count(*) FROM things")->integer(0)};
  }
  static void refused(Call& call, const Fault& fault) {
    call.tx().exec("INSERT INTO things (name) VALUES ($1)", fault.code());
  }
};

struct Toy : DialectDefaults {
  static constexpr std::string_view name = "toy", title = "Toy";
  static constexpr std::array<std::string_view, 2> all_segments{"things", "guarded"};
  static constexpr std::span<const std::string_view> segments{all_segments};
  static Result<identity::Credential> credential(const http::Request& request, Access) {
    if (!request.fields.find("Authorization")) return Reason::no_credentials;
    return identity::Credential{identity::CredentialKind::session, "nonsense", {}};
  }
  static http::Response fault(const Fault& fault, Access) {
    http::Response response;
    response.status = fault.kind() == Kind::unauthenticated ? 401 : fault.kind() == Kind::internal ? 500 : 409;
    response.body = "{\"code\":\"" + std::string(fault.code()) + "\"}";
    return response;
  }
  static const FaultRow& row(Reason) {
    static const FaultRow any{Reason::internal, 500, "", ""};
    return any;
  }
  static std::string success(std::string json) { return "{\"ok\":" + json + "}"; }
  static json::Object security_schemes() { return {}; }
  static json::Object fault_schema() { return {}; }
};

class TextBody final : public http::BodyReader {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)) {}
  asio::awaitable<Result<std::string_view>> read() override {
    ++reads;
    if (given_) co_return std::string_view();
    given_ = true;
    co_return std::string_view(text_);
  }
  void set_limit(std::uint64_t bytes) override { limit = bytes; }
  int reads = 0;
  std::uint64_t limit = 0;

 private:
  std::string text_;
  bool given_ = false;
};

}  // namespace
}  // namespace toll::api

namespace toll::json {
using namespace toll::api;
template <>
struct Schema<Made> {
  static constexpr std::string_view name = "Made";
  static constexpr auto fields =
      std::tuple{field(&Made::name, "name", ""), field(&Made::token, "token", "", {.secret = true})};
};
template <>
struct Schema<Make::Request> {
  static constexpr std::string_view name = "Make";
  static constexpr auto fields = std::tuple{field(&Make::Request::name, "name", "", {.min = 1, .max = 10})};
};
template <>
struct Schema<Counted> {
  static constexpr std::string_view name = "Counted";
  static constexpr auto fields = std::tuple{field(&Counted::count, "count", "")};
};
template <>
struct Schema<Wish::Request> {
  static constexpr std::string_view name = "Wish";
  static constexpr auto fields = std::tuple{field(&Wish::Request::body, "body", "", {.in = In::raw})};
};
template <>
struct Schema<Keep::Request> {
  static constexpr std::string_view name = "Keep";
  static constexpr auto fields = std::tuple{field(&Keep::Request::bytes, "bytes", "", {.in = In::raw})};
};
}  // namespace toll::json

namespace toll::api {
namespace {

class PipelineTest : public ::testing::Test {
 protected:
  PipelineTest() {
    db->write([](sql::Tx& tx) { return tx.exec("CREATE TABLE things (name TEXT NOT NULL)"), true; });
    front.add(make_surface<Toy, House, Make, Count, Keep, Guarded, Wish>(core, house));
  }
  ~PipelineTest() override {
    blocking.join();
    preparing.join();
    disk.join();
    std::filesystem::remove_all(root);
  }

  http::Response ask(Method method, std::string path, std::string body = {},
                     std::vector<std::pair<std::string, std::string>> fields = {}) {
    return ask_at(front, method, std::move(path), std::move(body), std::move(fields));
  }
  http::Response ask_at(Front& at, Method method, std::string path, std::string body = {},
                        std::vector<std::pair<std::string, std::string>> fields = {}) {
    request = {};
    request.method = method;
    request.method_text = http::to_string(method);
    request.path = request.target = std::move(path);
    request.remote = remote;
    for (const auto& [name, value] : fields) request.fields.add(name, value);
    last_body = std::make_unique<TextBody>(std::move(body));
    asio::io_context io(1);
    http::Response out;
    auto answered = [&](std::exception_ptr failed, http::Response response) {
      if (failed) std::rethrow_exception(failed);
      out = std::move(response);
    };
    asio::co_spawn(io, at.handle(request, *last_body), answered);
    io.run();
    return out;
  }
  std::int64_t count() {
    return db->read([](sql::Tx& tx) { return tx.one("SELECT count(*) FROM things")->integer(0); });
  }

  SystemClock clock;
  SystemRandom random;
  sql::testing::Fresh db = sql::testing::fresh_database(sql::Engine::sqlite);
  std::filesystem::path root = std::filesystem::temp_directory_path() / ("toll-pipeline-" + random.uuid4());
  std::unique_ptr<blob::Store> store = blob::open_folder_store(root);
  identity::CredentialCache cache{clock};
  identity::Authenticator authenticator{clock, cache, {std::string(32, 'k'), std::string(32, 's'), {}}};
  metering::Idempotency idempotency{{.owner = "test", .hash_secret = "secret"}, clock};
  asio::thread_pool blocking{1}, preparing{1}, disk{1};
  std::unique_ptr<metering::Counters> counters = metering::memory_counters();
  Gate gate{*db, authenticator, *counters, clock, {}};
  Core core{*db, gate, idempotency, *store, clock, blocking, preparing, disk};
  House house;
  Metrics metrics;
  Front front{clock, random, metrics, nullptr, {}};
  http::Request request;
  std::string remote;
  std::unique_ptr<TextBody> last_body;
};

constexpr auto thing = R"({"name":"cup"})";

TEST_F(PipelineTest, an_effect_and_its_answer_go_together) {
  auto response = ask(Method::post, "/things", thing);
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, R"({"ok":{"name":"cup","token":"the secret token"}})");
  EXPECT_EQ(response.fields.get("Cache-Control"), "no-store") << "a secret is in it";
  EXPECT_EQ(ask(Method::get, "/things").body, R"({"ok":{"count":1}})");
}

TEST_F(PipelineTest, an_answer_is_given_again_until_somebody_commits) {
  EXPECT_EQ(ask(Method::get, "/things").body, R"({"ok":{"count":0}})");
  auto again = ask(Method::get, "/things");
  EXPECT_EQ(again.body, R"({"ok":{"count":0}})");
  EXPECT_EQ(again.fields.get("Content-Type"), "application/json");
  EXPECT_EQ(house.counted, 1);
  EXPECT_EQ(ask(Method::get, "/things/").body, R"({"ok":{"count":0}})") << "another target is another question";
  EXPECT_EQ(house.counted, 2);
  for (int made = 1; made < 20; ++made) {
    ask(Method::post, "/things", thing);
    EXPECT_EQ(ask(Method::get, "/things").body, R"({"ok":{"count":)" + std::to_string(made) + "}}");
  }
  db->write([](sql::Tx& tx) { return tx.exec("DELETE FROM things"), true; });
  EXPECT_EQ(ask(Method::get, "/things").body, R"({"ok":{"count":0}})") << "whoever commits";
}

TEST_F(PipelineTest, a_fault_undoes_everything_and_tells_no_cause) {
  auto refused = ask(Method::post, "/things", R"({"name":"refuse"})");
  EXPECT_EQ(refused.body, R"({"code":"conflict"})");
  auto broken = ask(Method::post, "/things", R"({"name":"break"})");
  EXPECT_EQ(broken.status, 500);
  EXPECT_EQ(broken.body, R"({"code":"internal"})");
  EXPECT_EQ(count(), 0);
}

TEST_F(PipelineTest, a_repeated_idempotency_key_repeats_the_answer_without_its_secret) {
  const std::vector<std::pair<std::string, std::string>> key{{"Idempotency-Key", "\"k1\""}};
  EXPECT_EQ(ask(Method::post, "/things", thing, key).status, 201);
  auto again = ask(Method::post, "/things", thing, key);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.fields.get("Idempotency-Replayed"), "true");
  EXPECT_EQ(again.body, R"({"ok":{"name":"cup","token":null}})");
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(house.handled, 1);
  EXPECT_EQ(ask(Method::post, "/things", R"({"name":"pan"})", key).body, R"({"code":"idempotency_mismatch"})");
}

TEST_F(PipelineTest, strangers_with_the_same_idempotency_key_do_not_meet) {
  const std::vector<std::pair<std::string, std::string>> key{{"Idempotency-Key", "1"}};
  remote = "192.0.2.1";
  EXPECT_EQ(ask(Method::post, "/things", R"({"name":"cup"})", key).status, 201);
  EXPECT_EQ(ask(Method::post, "/things", R"({"name":"pan"})", key).body, R"({"code":"idempotency_mismatch"})");
  remote = "192.0.2.2";
  EXPECT_EQ(ask(Method::post, "/things", R"({"name":"pan"})", key).status, 201);
  EXPECT_EQ(ask(Method::post, "/things/", R"({"name":"pan"})", key).fields.get("Idempotency-Replayed"), "true");
  EXPECT_EQ(count(), 2);
}

TEST_F(PipelineTest, a_form_is_not_read_beyond_what_it_may_hold) {
  const std::vector<std::pair<std::string, std::string>> raw{};
  ask(Method::put, "/things/bytes", "12345678", raw);
  EXPECT_EQ(last_body->limit, 8u + (4u << 20) + (1u << 20));
}

TEST_F(PipelineTest, what_admission_wrote_stays_and_a_refusal_is_heard_of) {
  house.admit = false;
  EXPECT_EQ(ask(Method::post, "/things/wish", "{}").status, 409);
  EXPECT_EQ(count(), 1) << "refused at admission: that one came is kept, and nobody hears of it again";
  house.admit = true;
  const auto refused = ask(Method::post, "/things/wish", "{bad");
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.fields.get("X-Came"), "yes") << "stamped also on a refusal";
  EXPECT_EQ(count(), 3) << "one more came, and was refused";
}

TEST_F(PipelineTest, an_answer_that_lingers_says_what_is_there_afterwards) {
  EXPECT_EQ(ask(Method::post, "/things/wish", "{}", {{"Idempotency-Key", "k"}}).body, R"({"ok":{"count":2}})");
  EXPECT_EQ(house.armed, 1);
  const auto again = ask(Method::post, "/things/wish", "{}", {{"Idempotency-Key", "k"}});
  EXPECT_EQ(again.body, R"({"ok":{"count":-1}})") << "kept is what was accepted";
  EXPECT_EQ(house.armed, 1) << "a repetition waits for nothing";
  EXPECT_EQ(house.handled, 1);
}

TEST_F(PipelineTest, a_body_of_many_kinds_is_read_as_it_says_it_is) {
  const std::vector<std::pair<std::string, std::string>> multipart{{"Content-Type", "multipart/form-data; boundary=b"}};
  auto file = [](std::string_view name, std::string_view bytes) {
    return "--b\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"; filename=\"f\"\r\n\r\n" +
           std::string(bytes) + "\r\n";
  };
  EXPECT_EQ(ask(Method::post, "/things/wish",
                file("files", "one") + file("dropped", "x") + file("others", "two") + file("files", "three") + "--b--",
                multipart)
                .status,
            200);
  ASSERT_EQ(house.form.files.size(), 2u);
  EXPECT_EQ(house.form.files[1].first, "others");
  EXPECT_EQ(house.form.files_beyond, 1u);
  EXPECT_EQ(ask(Method::post, "/things/wish", file("files", "123456789") + "--b--", multipart).body,
            R"({"code":"upload_too_large"})");
  EXPECT_EQ(ask(Method::post, "/things/wish", "a=1&b=%20",
                {{"Content-Type", "Application/X-WWW-Form-Urlencoded; charset=utf-8"}})
                .status,
            200);
  EXPECT_EQ(*house.form.text("b"), " ");
  ask(Method::post, "/things/wish", "{}");
  EXPECT_EQ(last_body->limit, 64u) << "what the endpoint says of JSON";
}

TEST_F(PipelineTest, a_refused_request_frees_its_idempotency_key) {
  const std::vector<std::pair<std::string, std::string>> key{{"Idempotency-Key", "k2"}};
  EXPECT_EQ(ask(Method::post, "/things", R"({"name":"refuse"})", key).status, 409);
  EXPECT_EQ(ask(Method::post, "/things", R"({"name":"break"})", key).status, 500);
  EXPECT_EQ(ask(Method::post, "/things", R"({"name":"cup"})", key).status, 201);
  EXPECT_EQ(ask(Method::post, "/things", thing, {{"Idempotency-Key", ""}}).body, R"({"code":"bad_idempotency_key"})");
}

TEST_F(PipelineTest, credentials_and_admission_come_before_the_body) {
  EXPECT_EQ(ask(Method::post, "/guarded", thing).status, 401);
  EXPECT_EQ(last_body->reads, 0);
  EXPECT_EQ(ask(Method::post, "/guarded", thing, {{"Authorization", "x"}}).body, R"({"code":"bad_session"})");
  EXPECT_EQ(last_body->reads, 0);
  house.admit = false;
  EXPECT_EQ(ask(Method::post, "/things", thing).body, R"({"code":"storage_full"})");
  EXPECT_EQ(last_body->reads, 0);
}

TEST_F(PipelineTest, a_raw_body_is_streamed_to_the_store_whatever_it_says_it_is) {
  const std::vector<std::pair<std::string, std::string>> form{{"Content-Type", "application/x-www-form-urlencoded"}};
  EXPECT_EQ(ask(Method::put, "/things/bytes", "a=b&c", form).body, R"({"ok":{"count":5}})");
  EXPECT_EQ(ask(Method::put, "/things/bytes", "").body, R"({"ok":{"count":0}})");
  EXPECT_EQ(ask(Method::put, "/things/bytes", "123456789").body, R"({"code":"upload_too_large"})");
}

TEST_F(PipelineTest, invalid_input_reaches_no_handler) {
  for (auto bad : {"", "{", "[]", "{}", R"({"name":""})", R"({"name":"0123456789a"})", R"({"name":1})",
                   R"({"name":"a","name":"b"})"})
    EXPECT_EQ(ask(Method::post, "/things", bad).status, 409) << bad;
  EXPECT_EQ(house.handled, 0);
}

TEST_F(PipelineTest, every_answer_has_a_request_id_and_a_good_one_is_kept) {
  EXPECT_EQ(ask(Method::get, "/things", "", {{"X-Request-Id", "abc-1.2_3"}}).fields.get("X-Request-Id"), "abc-1.2_3");
  for (auto bad : {"", "with space", "a\"b"})
    EXPECT_NE(ask(Method::get, "/nowhere", "", {{"X-Request-Id", bad}}).fields.get("X-Request-Id"), bad);
  EXPECT_EQ(ask(Method::get, "/nowhere").fields.get("X-Request-Id").size(), 36u);
}

TEST_F(PipelineTest, unknown_paths_and_wrong_methods_answer_in_the_envelope_of_the_owner) {
  EXPECT_EQ(ask(Method::get, "/things/1").body, R"({"code":"unknown_route"})");
  auto wrong = ask(Method::delete_, "/things");
  EXPECT_EQ(wrong.body, R"({"code":"method_not_allowed"})");
  EXPECT_EQ(wrong.fields.get("Allow"), "POST, GET, HEAD");
  EXPECT_EQ(ask(Method::get, "/nowhere").body, R"({"detail":"Not Found"})");
}

TEST_F(PipelineTest, the_safety_limit_lets_so_many_a_second_through_and_no_more) {
  TestClock still;
  Front limited(still, random, metrics, nullptr, {.requests_per_second = 3});
  limited.add(make_surface<Toy, House, Make, Count, Keep, Guarded>(core, house));
  int refused = 0;
  for (int i = 0; i < 5; ++i) refused += ask_at(limited, Method::get, "/things").fields.find("Retry-After").has_value();
  EXPECT_EQ(refused, 2);
  still.advance(std::chrono::seconds(1));
  EXPECT_EQ(ask_at(limited, Method::get, "/things").status, 200);
}

}  // namespace
}  // namespace toll::api
