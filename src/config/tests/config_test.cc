#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/pfr.hpp>
#include <cstdlib>
#include <fstream>
#include <set>

#include "config/check.h"
#include "config/load.h"
#include "config/table.h"

namespace toll::config {
namespace {

using testing::Contains;
using testing::HasSubstr;

// A TOML file of the test's own, gone after it.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    char name[] = "/tmp/config_test_XXXXXX";
    close(mkstemp(name));
    path_ = name;
    std::ofstream(path_) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Loaded load_text(const std::string& toml, Inputs inputs = {}) {
  TemporaryFile file(toml);
  inputs.file = file.path();
  return load(inputs);
}

std::vector<std::string> messages(const Loaded& loaded) {
  std::vector<std::string> out;
  for (const auto& problem : loaded.problems) out.push_back(problem.message);
  return out;
}

TEST(Table, has_a_row_for_every_member_of_settings) {
  std::size_t members = 0;
  boost::pfr::for_each_field(Settings{}, [&](const auto& section) {
    members += boost::pfr::tuple_size_v<std::remove_cvref_t<decltype(section)>>;
  });
  EXPECT_EQ(table().size(), members);
  std::set<std::string_view> names;
  for (const auto& row : table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(row.doc.ends_with(".")) << row.name;
  }
}

TEST(Table, accepts_its_own_defaults_written_as_text) {
  for (const auto& row : table()) {
    if (row.file_only || row.secrecy == Secrecy::secret) continue;  // a secret that is named must be one
    Settings settings;
    EXPECT_EQ(row.assign(settings, {Text{row.show(Settings{})}}), "") << row.name;
    EXPECT_EQ(row.show(settings), row.show(Settings{})) << row.name;
  }
}

TEST(Table, names_flags_and_variables_after_the_setting) {
  EXPECT_EQ(flag_of(*find_row("server.listen")), "--listen");
  EXPECT_EQ(flag_of(*find_row("stems.max_upload_bytes")), "--stems-max-upload-bytes");
  EXPECT_EQ(variable_of(*find_row("server.listen")), "TOLLHOUSE_SERVER_LISTEN");
  EXPECT_EQ(find_row("server.nothing"), nullptr);
}

TEST(Table, gives_secrets_no_flag_and_never_shows_them) {
  const auto& token = *find_row("server.operator_token");
  EXPECT_EQ(flag_of(token), "");
  EXPECT_EQ(masked(token, "hunter2"), "******");
  EXPECT_EQ(masked(token, ""), "");
  const auto& database = *find_row("server.database");
  EXPECT_EQ(masked(database, "postgresql://me:pw@db:5432/x"), "postgresql://me:******@db:5432/x");
  EXPECT_EQ(masked(database, "postgresql://me@db:5432/x"), "postgresql://me@db:5432/x");
}

TEST(Load, without_sources_gives_the_defaults_of_the_contract) {
  auto loaded = load({});
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded.settings.server.listen, "127.0.0.1:8080");
  EXPECT_EQ(loaded.settings.stems.max_upload_bytes, 5'368'709'120);
  EXPECT_EQ(loaded.settings.stems.starter_credits, Credits{3'000'000});
  ASSERT_EQ(loaded.settings.stems.packages.size(), 3u);
  EXPECT_EQ(loaded.settings.stems.packages[1], (Package{"popular", "Popular", {25'000'000}, 400, "USD"}));
  EXPECT_TRUE(loaded.sources.empty());
}

TEST(Load, lets_the_environment_win_over_the_file_and_a_flag_over_both) {
  Inputs inputs;
  inputs.environment = {{"TOLLHOUSE_SERVER_THREADS", "2"}, {"TOLLHOUSE_SERVER_LOG_LEVEL", "warn"}};
  inputs.flags = {{"server.log_level", "error"}};
  auto loaded = load_text("[server]\nthreads = 1\nlog_level = \"debug\"\nlisten = \"[::1]:99\"\n", inputs);
  ASSERT_THAT(messages(loaded), testing::IsEmpty());
  EXPECT_EQ(loaded.settings.server.threads, 2);
  EXPECT_EQ(loaded.settings.server.log_level, "error");
  EXPECT_EQ(loaded.settings.server.listen, "[::1]:99");
  EXPECT_EQ(loaded.sources.at("server.threads"), "TOLLHOUSE_SERVER_THREADS");
  EXPECT_EQ(loaded.sources.at("server.log_level"), "--log-level");
  EXPECT_THAT(loaded.sources.at("server.listen"), testing::EndsWith(":4"));
}

TEST(Load, takes_the_names_that_documents_give_variables_and_lets_its_own_win) {
  const auto token = [](Inputs inputs) { return load(inputs).settings.registry.presign_seconds; };
  EXPECT_EQ(load({.environment = {{"MINIO_ENDPOINT", "h:9000"},
                                  {"MINIO_ROOT_USER", "minio"},
                                  {"MINIO_ROOT_PASSWORD", "secret"},
                                  {"AWS_ACCESS_KEY_ID", "aws"}}})
                .settings.s3.access_key,
            "minio")
      << "the later name wins";
  EXPECT_FALSE(load({.environment = {{"MINIO_ENDPOINT", "h:9000"}}}).ok()) << "an S3 server needs keys";
  EXPECT_EQ(token({.environment = {{"DEFAULT_PRESIGN_EXP", "900"}}}), 900);
  EXPECT_EQ(token({.environment = {{"DEFAULT_PRESIGN_EXP", "900"}, {"TOLLHOUSE_REGISTRY_PRESIGN_SECONDS", "60"}}}), 60);
}

TEST(Load, reads_every_type_of_the_file) {
  auto loaded = load_text(R"(
    [server]
    cors_origins = ["https://a.example", "http://localhost:3000"]
    [stems]
    price_separation = 0.1
    starter_credits = 2
    builtin_fallback = false
    job_timeout = 60
    [[stems.packages]]
    id = "one"
    name = "One"
    credits = 1.5
    price_cents = 99
    currency = "EUR"
  )");
  ASSERT_THAT(messages(loaded), testing::IsEmpty());
  EXPECT_EQ(loaded.settings.server.cors_origins,
            (std::vector<std::string>{"https://a.example", "http://localhost:3000"}));
  EXPECT_EQ(loaded.settings.stems.price_separation.micros, 100'000);
  EXPECT_EQ(loaded.settings.stems.starter_credits.micros, 2'000'000);
  EXPECT_FALSE(loaded.settings.stems.builtin_fallback);
  EXPECT_EQ(loaded.settings.stems.job_timeout, std::chrono::seconds(60));
  EXPECT_EQ(loaded.settings.stems.packages, (std::vector<Package>{{"one", "One", {1'500'000}, 99, "EUR"}}));
}

TEST(Load, tells_all_problems_at_once_and_where_they_are) {
  Inputs inputs;
  inputs.environment = {{"TOLLHOUSE_SERVER_THREADS", "many"}};
  inputs.flags = {{"server.listen", "nowhere"}};
  auto loaded = load_text("[server]\nmax_connections = 0\n[stems]\nretention_hours = \"24\"\n", inputs);
  ASSERT_EQ(loaded.problems.size(), 4u);
  EXPECT_THAT(loaded.problems[0].where, testing::EndsWith(":2"));
  EXPECT_EQ(loaded.problems[0].message, "server.max_connections must be 1 to 1000000");
  EXPECT_EQ(loaded.problems[1].message, "stems.retention_hours must be a whole number");
  EXPECT_EQ(loaded.problems[2].where, "TOLLHOUSE_SERVER_THREADS");
  EXPECT_EQ(loaded.problems[3].where, "--listen");
}

TEST(Load, names_the_nearest_setting_for_one_that_does_not_exist) {
  Inputs inputs;
  inputs.environment = {{"TOLLHOUSE_SERVER_LISTN", ":1"}, {"TOLLHOUSE_OF_SOMEBODY", "x"}, {"TOLLHOUSE_CONFIG", "f"}};
  auto loaded = load_text("[server]\nlissten = \"\"\n[stem]\n[stems]\nqqqqqqqqqqqq = 1\n", inputs);
  EXPECT_THAT(messages(loaded),
              testing::UnorderedElementsAre("there is no setting server.lissten; did you mean server.listen?",
                                            "there is no section stem; did you mean stems?",
                                            "there is no setting stems.qqqqqqqqqqqq",
                                            "this variable sets nothing; did you mean TOLLHOUSE_SERVER_LISTEN?"));
}

TEST(Load, says_where_a_file_stops_being_toml_and_that_one_is_missing) {
  auto broken = load_text("[server]\nlisten = \n");
  ASSERT_EQ(broken.problems.size(), 1u);
  EXPECT_THAT(broken.problems[0].where, HasSubstr(":2"));
  Inputs inputs;
  inputs.file = "/nowhere/tollhouse.toml";
  auto missing = load(inputs);
  ASSERT_EQ(missing.problems.size(), 1u);
  EXPECT_EQ(missing.problems[0].where, "/nowhere/tollhouse.toml");
}

TEST(Load, refuses_weak_and_published_secrets_without_repeating_them) {
  for (std::string secret :
       {"short", "your-secret-key-change-this-in-production-please", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    Inputs inputs;
    inputs.environment = {{"TOLLHOUSE_SECRETS_SESSION_KEY", secret}};
    auto loaded = load(inputs);
    ASSERT_EQ(loaded.problems.size(), 1u) << secret;
    EXPECT_THAT(loaded.problems[0].message, testing::Not(HasSubstr(secret)));
  }
  Inputs inputs;
  inputs.environment = {{"TOLLHOUSE_SECRETS_SESSION_KEY", "k3Jx9QvT2mZr7LwB5nYc8HdF1gPs4AeU6oXi"}};
  EXPECT_TRUE(load(inputs).ok());
  inputs.environment = {{"TOLLHOUSE_SECRETS_SESSION_KEY", ""}};
  EXPECT_FALSE(load(inputs).ok()) << "who names the setting means it";
}

TEST(Load, wants_settings_that_belong_together) {
  Inputs inputs;
  inputs.environment = {{"TOLLHOUSE_SERVER_CERTIFICATE", "c.pem"}, {"TOLLHOUSE_PAYMENTS_PROVIDER", "square"}};
  auto loaded = load(inputs);
  EXPECT_EQ(loaded.problems.size(), 4u);
  EXPECT_THAT(messages(loaded), Contains(HasSubstr("set both or neither")));
  EXPECT_THAT(messages(loaded), Contains(HasSubstr("payments.square_access_token is needed")));
}

TEST(Entries, show_value_and_source_with_secrets_masked) {
  Inputs inputs;
  inputs.environment = {{"TOLLHOUSE_SERVER_OPERATOR_TOKEN", "k3Jx9QvT2mZr7LwB5nYc8HdF1gPs4AeU6oXi"}};
  for (const auto& entry : entries(load(inputs))) {
    if (entry.name == "server.operator_token") {
      EXPECT_EQ(entry.value, "******");
      EXPECT_EQ(entry.source, "TOLLHOUSE_SERVER_OPERATOR_TOKEN");
    } else {
      EXPECT_EQ(entry.source, "default") << entry.name;
      EXPECT_EQ(entry.value, entry.standard) << entry.name;
    }
  }
}

TEST(Credits, keep_their_six_decimals_exactly) {
  auto micros = [](const std::string& text) {
    Credits out{-1};
    return convert({Text{text}}, out).empty() ? out.micros : -1;
  };
  EXPECT_EQ(micros("2.5"), 2'500'000);
  EXPECT_EQ(micros("0.000001"), 1);
  EXPECT_EQ(micros("1000000000"), 1'000'000'000'000'000);
  for (auto wrong : {"", ".", "1.", ".5", "-1", "-0.5", "1.0000001", "1e3", "nan", "1.-5", "1000000001"})
    EXPECT_EQ(micros(wrong), -1) << wrong;
  Credits tenth;
  EXPECT_EQ(convert({0.1}, tenth), "");
  EXPECT_EQ(tenth.micros, 100'000);
  EXPECT_NE(convert({0.0000001}, tenth), "");
  EXPECT_EQ(to_string(Credits{3'000'000}), "3.0");
  EXPECT_EQ(to_string(Credits{2'500'001}), "2.500001");
}

TEST(Listen, splits_host_and_port) {
  EXPECT_EQ(split_listen("127.0.0.1:8080").port, 8080);
  EXPECT_EQ(split_listen("[::1]:0").host, "::1");
  for (auto wrong : {"", "8080", ":8080", "host", "host:", "host:65536", "host:-1", "::1:80", "a b:1", "[]:1"})
    EXPECT_NE(is_listen(wrong), "") << wrong;
}

TEST(Checks, tell_good_urls_origins_and_addresses_from_bad_ones) {
  EXPECT_EQ(is_base_url("https://a.example/stems"), "");
  for (auto wrong : {"a.example", "ftp://a", "https://", "https://a/", "https://a?x", "https://u@a"})
    EXPECT_NE(is_base_url(wrong), "") << wrong;
  EXPECT_EQ(is_database_url("postgresql://u@h:1/n"), "");
  EXPECT_NE(is_database_url("mysql://h/n"), "");
  EXPECT_NE(are_origins({"https://a.example/path"}), "");
  EXPECT_NE(are_origins({"*"}), "");
  EXPECT_EQ(are_emails({"a@b"}), "");
  EXPECT_EQ(are_exceptions({"10.0.0.0/8", "[::1]:9000", "llm.internal:8000"}), "");
  EXPECT_NE(are_exceptions({"http://llm.internal"}), "");
  EXPECT_EQ(are_gateways({"https://api.example/v1=http://127.0.0.1:8000/v1"}), "");
  EXPECT_NE(are_gateways({"https://api.example/v1"}), "");
  EXPECT_EQ(are_roots({"inbox=/srv/in:ro", "out=/srv/out"}), "");
  for (auto wrong : {"inbox", "inbox=", "inbox=srv", "=/srv", "In box=/srv"})
    EXPECT_NE(are_roots({wrong}), "") << wrong;
  EXPECT_NE(are_roots({"a=/x", "a=/y"}), "");
  EXPECT_NE(are_emails({"nobody"}), "");
  EXPECT_NE(are_packages({{"a", "A", {1}, 1, "USD"}, {"a", "B", {1}, 1, "USD"}}), "");
  EXPECT_NE(are_packages({{"a", "A", {1}, 1, "dollars"}}), "");
}

TEST(Load, takes_a_price_for_each_model_and_says_which_one_is_wrong) {
  const auto loaded = load_text("[[inference.prices]]\nrepo = \"acme/large\"\ncredits = 0.05\n");
  ASSERT_THAT(messages(loaded), testing::IsEmpty());
  EXPECT_EQ(loaded.settings.inference.prices, (std::vector<ModelPrice>{{"acme/large", {50'000}}}));
  EXPECT_THAT(messages(load_text("[[inference.prices]]\nrepo = \"a\"\ncredits = 1\n[[inference.prices]]\nprice = 2\n")),
              testing::ElementsAre(
                  testing::HasSubstr("is wrong in its price 2: needs repo; needs credits; has the unknown key price")));
  EXPECT_NE(are_prices({{"a", {1}}, {"a", {2}}}), "");
  EXPECT_NE(are_prices({{"", {1}}}), "");
}

}  // namespace
}  // namespace toll::config
