// The store behind its surface, over a real database and folder; requests come from signed URLs.
#include "surfaces/objects/surface.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <filesystem>

#include "api/front.h"
#include "api/testing/dialect_suite.h"
#include "base/checksum.h"
#include "base/random.h"
#include "blob/folder_store.h"
#include "identity/credential_cache.h"
#include "sql/testing/databases.h"
#include "surfaces/objects/dialect.h"

// Its suite is for surfaces that speak JSON.
namespace toll::api::testing {
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DialectSuite);
}

namespace toll::object_store {
namespace {

using namespace std::chrono_literals;

class TextBody final : public http::BodyReader {
 public:
  TextBody(std::string text, bool breaks) : text_(std::move(text)), breaks_(breaks) {}
  boost::asio::awaitable<Result<std::string_view>> read() override {
    ++reads;
    if (given_ && breaks_) co_return Reason::client_gone;
    if (given_) co_return std::string_view{};
    given_ = true;
    co_return std::string_view(text_);
  }
  void set_limit(std::uint64_t) override {}
  int reads = 0;

 private:
  std::string text_;
  bool breaks_, given_ = false;
};

// A space of one file, for one account, that counts what it hears.
class OneFile final : public objects::KeySpace {
 public:
  explicit OneFile(const objects::Objects& objects) : objects_(objects) {}
  std::string_view prefix() const override { return "hf/"; }
  Result<objects::Readable> find(sql::Tx& tx, std::string_view key, const objects::Bearer& bearer) const override {
    const auto object = objects_.find(tx, "file", "model-file", key);
    if (!object) return Reason::object_not_found;
    if (bearer && *bearer != reader) return Fault(Reason::url_not_valid).with("why", "Access Denied");
    return objects::Readable{.digest = object->digest, .size = object->size, .modified = object->created_at};
  }
  Result<void> may_write(sql::Tx&, const objects::Slot& slot) const override {
    if (slot.account != reader) return Reason::url_not_valid;
    return {};
  }
  Result<void> landed(sql::Tx&, const objects::Slot& slot, const objects::Object& object) override {
    heard.push_back(slot.key + " " + std::to_string(object.size));
    return {};
  }
  void served(const objects::Serving& serving) override { servings.push_back(serving); }

  AccountId reader{7};
  std::vector<std::string> heard;
  std::vector<objects::Serving> servings;

 private:
  const objects::Objects& objects_;
};

class ObjectStore : public ::testing::Test {
 protected:
  ObjectStore() {
    spaces.add(space);
    front.add(make(core, house));
  }
  ~ObjectStore() override {
    blocking.join();
    preparing.join();
    disk.join();
    std::filesystem::remove_all(root);
  }

  using Fields = std::vector<std::pair<std::string, std::string>>;
  http::Response ask(http::Method method, std::string_view url, std::string body = {}, Fields fields = {}) {
    request = {};
    request.method = method;
    request.method_text = http::to_string(method);
    request.target = url.starts_with("http") ? url.substr(url.find('/', 8)) : url;
    const auto mark = request.target.find('?');
    request.path = request.target.substr(0, mark);
    request.query = mark == request.target.npos ? "" : request.target.substr(mark + 1);
    request.content_length = body.size();
    request.fields.add("Host", "example.com");
    for (const auto& [name, value] : fields) request.fields.add(name, value);
    last_body = std::make_unique<TextBody>(std::move(body), breaks);
    boost::asio::io_context io(1);
    http::Response out;
    auto answered = [&](std::exception_ptr failed, http::Response response) {
      if (failed) std::rethrow_exception(failed);
      out = std::move(response);
    };
    boost::asio::co_spawn(io, front.handle(request, *last_body), answered);
    io.run();
    return out;
  }
  static std::string code_of(const http::Response& response) {
    const auto from = response.body.find("<Code>"), to = response.body.find("</Code>");
    return std::to_string(response.status) + " " +
           (from == std::string::npos ? "" : response.body.substr(from + 6, to - from - 6));
  }
  static std::string bytes_of(const http::Response& response) {
    std::string out;
    for (const auto& segment : response.stream) {
      const auto& file = std::get<http::FileSlice>(segment);
      std::string piece(file.length, '?');
      EXPECT_EQ(::pread(file.fd, piece.data(), piece.size(), static_cast<off_t>(file.offset)),
                static_cast<ssize_t>(piece.size()));
      out += piece;
    }
    return out;
  }

  objects::Slot open(int parts = 0, std::uint64_t most = 100) {
    return db->write([&](sql::Tx& tx) {
      return slots.open(tx, {.account = AccountId(7),
                             .space = "hf/",
                             .reference = "file",
                             .key = "hf/acme/m.bin",
                             .parts = parts,
                             .max_bytes = most,
                             .expires_at = clock.now() + 1h,
                             .expected_size = {},
                             .expected_digest = {}});
    });
  }
  std::string put_url(const objects::Slot& slot) { return urls.write(origin, slot, 900s); }
  std::string get_url(std::int64_t account = 7) { return urls.read(origin, "hf/acme/m.bin", AccountId(account), 900s); }
  // PUT and taken by the owner.
  void publish(std::string bytes) {
    const auto slot = open();
    ASSERT_EQ(ask(http::Method::put, put_url(slot), std::move(bytes)).status, 200);
    db->write([&](sql::Tx& tx) {
      const auto got = slots.received(tx, slot.id).value();
      objects.attach_copy(tx, got, {AccountId(7), "model-file", "file", "hf/acme/m.bin"}).value();
      return slots.finish(tx, slot.id), true;
    });
  }
  std::optional<objects::Object> received(const objects::Slot& slot) {
    return db->read([&](sql::Tx& tx) { return slots.received(tx, slot.id); });
  }

  const std::string origin = "http://example.com";
  SystemClock clock;
  SystemRandom random;
  sql::testing::Fresh db = sql::testing::fresh_database(sql::Engine::sqlite);
  std::filesystem::path root = std::filesystem::temp_directory_path() / ("toll-object-store-" + random.uuid4());
  std::unique_ptr<blob::Store> store = blob::open_folder_store(root);
  const objects::Objects objects{clock, random};
  const objects::Slots slots{objects, clock, random};
  const objects::SignedUrls urls{{.credentials = {"toll", "secret"}}, clock};
  OneFile space{objects};
  objects::KeySpaces spaces;
  House house{*store, urls, slots, spaces};
  identity::CredentialCache cache{clock};
  identity::Authenticator authenticator{clock, cache, {std::string(32, 'k'), std::string(32, 's'), {}}};
  metering::Idempotency idempotency{{.owner = "test", .hash_secret = "secret"}, clock};
  boost::asio::thread_pool blocking{1}, preparing{1}, disk{1};
  std::unique_ptr<metering::Counters> counters = metering::memory_counters();
  api::Gate gate{*db, authenticator, *counters, clock, {}};
  api::Core core{*db, gate, idempotency, *store, clock, blocking, preparing, disk};
  api::Metrics metrics;
  api::Front front{clock, random, metrics, nullptr, {}};
  http::Request request;
  std::unique_ptr<TextBody> last_body;
  bool breaks = false;
};

TEST_F(ObjectStore, what_is_put_is_what_is_got) {
  publish("hello world");
  const auto got = ask(http::Method::get, get_url());
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(bytes_of(got), "hello world");
  EXPECT_EQ(got.fields.get("ETag"), "\"" + hex(sha256("hello world")) + "\"");
  EXPECT_EQ(got.fields.get("x-amz-checksum-sha256"), base64(as_text(sha256("hello world"))));
  EXPECT_EQ(got.fields.get("Accept-Ranges"), "bytes");
  EXPECT_EQ(space.heard, std::vector<std::string>{"hf/acme/m.bin 11"});
}

TEST_F(ObjectStore, a_put_answers_with_the_digest_and_nothing_else) {
  const auto slot = open();
  const auto put =
      ask(http::Method::put, put_url(slot), "a=b&c", {{"Content-Type", "application/x-www-form-urlencoded"}});
  EXPECT_EQ(put.status, 200);
  EXPECT_EQ(put.body, "");
  EXPECT_EQ(put.fields.get("ETag"), "\"" + hex(sha256("a=b&c")) + "\"");
  EXPECT_EQ(received(slot)->size, 5u);
}

TEST_F(ObjectStore, nothing_is_served_before_its_owner_takes_it) {
  ask(http::Method::put, put_url(open()), "not yet");
  EXPECT_EQ(code_of(ask(http::Method::get, get_url())), "404 NoSuchKey");
}

TEST_F(ObjectStore, ranges_and_conditions_are_those_of_http) {
  publish("0123456789");
  const auto part = ask(http::Method::get, get_url(), {}, {{"Range", "bytes=2-4"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(bytes_of(part), "234");
  EXPECT_EQ(part.fields.get("Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(ask(http::Method::get, get_url(), {}, {{"Range", "bytes=10-"}}).status, 416);
  const std::string tag(part.fields.get("ETag"));
  EXPECT_EQ(ask(http::Method::get, get_url(), {}, {{"If-None-Match", tag}}).status, 304);
  EXPECT_EQ(ask(http::Method::get, get_url(), {}, {{"Range", "bytes=0-0"}, {"If-Range", "\"old\""}}).status, 200);
  EXPECT_EQ(ask(http::Method::get, get_url(), {}, {{"Range", "bytes=0-0"}, {"If-Range", tag}}).status, 206);
  EXPECT_EQ(ask(http::Method::head, get_url()).status, 200);
}

TEST_F(ObjectStore, a_url_is_the_only_credential) {
  publish("secret");
  EXPECT_EQ(code_of(ask(http::Method::get, "/objects/models/hf/acme/m.bin")), "403 AccessDenied");
  auto altered = get_url();
  altered.back() = altered.back() == '0' ? '1' : '0';
  EXPECT_EQ(code_of(ask(http::Method::get, altered)), "403 SignatureDoesNotMatch");
  EXPECT_EQ(code_of(ask(http::Method::put, get_url(), "mine")), "403 SignatureDoesNotMatch");
  EXPECT_EQ(code_of(ask(http::Method::delete_, get_url())), "405 MethodNotAllowed");
}

TEST_F(ObjectStore, a_url_dies_with_the_right_to_read) {
  publish("secret");
  const auto url = get_url(7);
  space.reader = AccountId(8);
  EXPECT_EQ(code_of(ask(http::Method::get, url)), "403 AccessDenied");
  space.reader = AccountId(7);
  EXPECT_EQ(ask(http::Method::get, url).status, 200);
}

TEST_F(ObjectStore, a_url_dies_with_the_right_to_write) {
  const auto url = put_url(open());
  space.reader = AccountId(8);
  const auto refused = ask(http::Method::put, url, "late");
  EXPECT_EQ(code_of(refused), "403 AccessDenied");
  EXPECT_NE(refused.body.find("<Message>Access Denied</Message>"), std::string::npos) << refused.body;
  EXPECT_EQ(last_body->reads, 0);
}

TEST_F(ObjectStore, refusals_come_before_the_body) {
  auto refused = [&](std::string_view url, std::string body, Fields fields, std::string_view code) {
    EXPECT_EQ(code_of(ask(http::Method::put, url, std::move(body), std::move(fields))), code);
    EXPECT_EQ(last_body->reads, 0) << code;
  };
  const auto slot = open(0, 10);
  const auto url = put_url(slot);
  refused(url + "0", "x", {}, "403 SignatureDoesNotMatch");
  refused(url, std::string(11, 'x'), {}, "400 EntityTooLarge");
  refused(url, "x", {{"Content-MD5", "nonsense"}}, "400 InvalidRequest");
  refused(url, "x", {{"Content-Encoding", "aws-chunked"}}, "501 NotImplemented");
  db->write([&](sql::Tx& tx) { return slots.finish(tx, slot.id), true; });
  refused(url, "x", {}, "403 AccessDenied");
}

TEST_F(ObjectStore, bytes_that_are_not_the_announced_ones_are_dropped) {
  const auto slot = open();
  EXPECT_EQ(code_of(ask(http::Method::put, put_url(slot), "hello", {{"Content-MD5", base64(std::string(16, 'x'))}})),
            "400 BadDigest");
  EXPECT_EQ(code_of(ask(http::Method::put, put_url(slot), "hello", {{"x-amz-content-sha256", hex(sha256("HELLO"))}})),
            "400 BadDigest");
  EXPECT_FALSE(received(slot));
  EXPECT_TRUE(space.heard.empty());
  const auto md5 = from_hex("5d41402abc4b2a76b9719d911017c592").value();
  EXPECT_EQ(ask(http::Method::put, put_url(slot), "hello", {{"Content-MD5", base64(md5)}}).status, 200);
}

TEST_F(ObjectStore, a_put_cut_short_stores_nothing) {
  const auto slot = open();
  breaks = true;
  EXPECT_EQ(code_of(ask(http::Method::put, put_url(slot), "half of the")), "400 IncompleteBody");
  EXPECT_FALSE(received(slot));
}

TEST_F(ObjectStore, parts_arrive_by_their_own_urls) {
  const auto slot = open(2);
  EXPECT_EQ(code_of(ask(http::Method::put, urls.write_part(origin, slot, 3, 60s), "x")), "400 InvalidPart");
  EXPECT_EQ(code_of(ask(http::Method::put, put_url(slot), "x")), "400 InvalidPart");
  const auto two = ask(http::Method::put, urls.write_part(origin, slot, 2, 60s), "world");
  EXPECT_EQ(two.fields.get("ETag"), "\"" + hex(sha256("world")) + "\"");
  EXPECT_EQ(ask(http::Method::put, urls.write_part(origin, slot, 1, 60s), "hello ").status, 200);
  const auto parts = db->read([&](sql::Tx& tx) { return slots.parts(tx, slot.id); });
  EXPECT_EQ(objects::Slots::join(*store, parts).value()->stored().digest, sha256("hello world"));
  db->write([&](sql::Tx& tx) { return slots.abort(tx, slot.id); });
  EXPECT_EQ(code_of(ask(http::Method::put, urls.write_part(origin, slot, 1, 60s), "x")), "404 NoSuchUpload");
}

TEST_F(ObjectStore, served_bytes_are_told_to_the_space) {
  publish("0123456789");
  const auto got = ask(http::Method::get, get_url(), {}, {{"Range", "bytes=2-4"}, {"User-Agent", "curl"}});
  front.served(request, got, {.status = 206, .received = 0, .sent = 2, .duration = 5us, .aborted = true});
  ask(http::Method::head, get_url());
  ASSERT_EQ(space.servings.size(), 1u);
  EXPECT_EQ(space.servings[0].key, "hf/acme/m.bin");
  EXPECT_EQ(space.servings[0].bearer, AccountId(7));
  EXPECT_EQ(space.servings[0].size, 10u);
  EXPECT_EQ(space.servings[0].bytes, 2u);
  EXPECT_TRUE(space.servings[0].aborted);
  EXPECT_EQ(space.servings[0].user_agent, "curl");
}

TEST_F(ObjectStore, bytes_that_left_the_store_are_not_there) {
  publish("gone");
  store->remove(sha256("gone"));
  EXPECT_EQ(code_of(ask(http::Method::get, get_url())), "404 NoSuchKey");
}

TEST(ObjectStoreDialect, says_every_reason_as_xml_with_a_code_and_keeps_the_cause) {
  for (const auto& reason : reason_catalogue) {
    const auto response =
        Dialect::fault(Fault(reason.reason).with("why", "<&\"\r\n\x01\xff").because("/secret/path"), api::Access::open);
    EXPECT_GE(response.status, 400) << reason.code;
    EXPECT_EQ(response.fields.get("Content-Type"), "application/xml");
    EXPECT_EQ(response.body.find("<Code></Code>"), std::string::npos) << reason.code;
    EXPECT_EQ(response.body.find("secret/path"), std::string::npos) << reason.code;
    EXPECT_EQ(response.body.find('\xff'), std::string::npos) << reason.code;
    EXPECT_EQ(response.body.find("<&"), std::string::npos) << reason.code;
  }
  EXPECT_EQ(Dialect::fault(Fault(Reason::storage_full), api::Access::open).fields.get("Retry-After"), "30");
}

TEST(ObjectStoreSurface, keeps_what_every_surface_keeps) {
  api::testing::expect_sound_surface(describe());
}

}  // namespace
}  // namespace toll::object_store
