#include "tollhouse/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tollhouse/tests/house.h"
#include "tollhouse/wiring.h"

namespace toll::app {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;

struct Outcome {
  int status = 0;
  std::string out, err;
  json::value json() const { return json::parse(out); }
};

class CommandLine : public testing::Test {
 protected:
  CommandLine() {
    char name[] = "/tmp/cli_test_XXXXXX";
    data_ = mkdtemp(name);
  }
  ~CommandLine() override { std::filesystem::remove_all(data_); }

  Outcome run(std::vector<std::string> arguments, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out, err;
    int status = app::run(arguments, {in, out, err});
    return {status, out.str(), err.str()};
  }
  // On this test's data folder.
  Outcome beside(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.end(), {"--data", data_.string()});
    return run(std::move(arguments), input);
  }
  Outcome in_json(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--format", "json"});
    return beside(std::move(arguments));
  }

  std::filesystem::path data_;
};

const std::vector<std::vector<std::string>> commands{{"serve"},
                                                     {"worker"},
                                                     {"migrate"},
                                                     {"demo"},
                                                     {"openapi"},
                                                     {"version"},
                                                     {"config", "check"},
                                                     {"config", "print"},
                                                     {"keys", "create"},
                                                     {"keys", "list"},
                                                     {"keys", "revoke"},
                                                     {"accounts", "create"},
                                                     {"accounts", "list"},
                                                     {"accounts", "grant-credits"},
                                                     {"accounts", "set-plan"},
                                                     {"accounts", "make-admin"},
                                                     {"accounts", "disable"},
                                                     {"accounts", "enable"}};

TEST_F(CommandLine, explains_every_command_with_an_example) {
  for (auto command : commands) {
    command.push_back("--help");
    auto outcome = run(command);
    EXPECT_EQ(outcome.status, 0) << command.front();
    if (command.front() != "version") {
      EXPECT_THAT(outcome.out, HasSubstr("Examples:\n  tollhouse " + command.front()));
    }
    EXPECT_EQ(outcome.err, "");
  }
  EXPECT_THAT(run({"--help"}).out, Not(HasSubstr("engine ")));
}

TEST_F(CommandLine, answers_misuse_with_status_2_and_what_was_meant) {
  EXPECT_EQ(run({}).status, 2);
  auto command = run({"serv"});
  EXPECT_EQ(command.status, 2);
  EXPECT_THAT(command.err, HasSubstr("Did you mean tollhouse serve?"));
  auto sub = run({"accounts", "grant-credit", "a@b.c"});
  EXPECT_EQ(sub.status, 2);
  EXPECT_THAT(sub.err, HasSubstr("Did you mean tollhouse accounts grant-credits?"));
  auto option = run({"serve", "--lisen", "127.0.0.1:1"});
  EXPECT_EQ(option.status, 2);
  EXPECT_THAT(option.err, HasSubstr("Did you mean --listen? Help: tollhouse serve --help"));
  for (const auto& amount : {"0", "ten", "0.0000001", "-1"})
    EXPECT_EQ(run({"accounts", "grant-credits", "a@b.c", amount}).status, 2) << amount;
  EXPECT_EQ(run({"keys", "create"}).status, 2);
  EXPECT_EQ(run({"version", "--format", "xml"}).status, 2);
}

TEST_F(CommandLine, serves_with_flags_over_environment_over_file) {
  auto file = data_ / "tollhouse.toml";
  std::ofstream(file) << "[server]\nlisten = \"127.0.0.1:1\"\nlog_level = \"error\"\nthreads = 3\n";
  setenv("TOLLHOUSE_SERVER_LOG_LEVEL", "warn", 1);
  auto outcome = beside({"serve", "--config", file.string(), "--listen", "127.0.0.1:2"});
  unsetenv("TOLLHOUSE_SERVER_LOG_LEVEL");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(served_with()->server.listen, "127.0.0.1:2");
  EXPECT_EQ(served_with()->server.log_level, "warn");
  EXPECT_EQ(served_with()->server.threads, 3);
  EXPECT_EQ(served_with()->server.data, data_.string());
}

TEST_F(CommandLine, tells_all_problems_of_the_settings_and_does_not_start) {
  served_with().reset();
  auto outcome = run({"serve", "--listen", "nowhere", "--threads", "-1"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("--listen: server.listen must be HOST:PORT"));
  EXPECT_THAT(outcome.err, HasSubstr("--threads: server.threads must be 0 to 1024"));
  EXPECT_FALSE(served_with());
  EXPECT_EQ(run({"config", "check", "--threads", "x"}).status, 1);
  EXPECT_EQ(run({"config", "check"}).status, 0);
}

TEST_F(CommandLine, prints_settings_with_their_source_and_without_secrets) {
  setenv("TOLLHOUSE_SECRETS_SESSION_KEY", "k3Jx9QvT2mZr7LwB5nYc8HdF1gPs4AeU6oXi", 1);
  auto human = run({"config", "print", "--listen", "127.0.0.1:9"});
  auto printed = in_json({"config", "print"});
  unsetenv("TOLLHOUSE_SECRETS_SESSION_KEY");
  EXPECT_THAT(human.out, HasSubstr("server.listen = 127.0.0.1:9\n"));
  EXPECT_THAT(human.out, HasSubstr("secrets.session_key = ******\n"));
  EXPECT_THAT(human.out, Not(HasSubstr("k3Jx9QvT2mZr7LwB5nYc8HdF1gPs4AeU6oXi")));
  EXPECT_THAT(printed.out, Not(HasSubstr("k3Jx9QvT2mZr7LwB5nYc8HdF1gPs4AeU6oXi")));
  EXPECT_GT(printed.json().as_array().size(), 30u);
}

TEST_F(CommandLine, migrates_and_finds_nothing_to_do_the_second_time) {
  auto first = beside({"migrate"});
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("Applied "));
  auto second = in_json({"migrate"});
  ASSERT_EQ(second.status, 0) << second.err;
  EXPECT_TRUE(second.json().at("applied").as_array().empty());
}

TEST_F(CommandLine, creates_an_account_with_a_password_that_is_shown_once_or_read) {
  auto made = in_json({"accounts", "create", "ada@example.org"});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_EQ(made.json().at("username").as_string(), "ada");
  EXPECT_EQ(made.json().at("password").as_string().size(), 20u);
  auto read = beside({"accounts", "create", "bob@example.org", "--password-stdin", "--admin"}, "open sesame\n");
  ASSERT_EQ(read.status, 0) << read.err;
  EXPECT_THAT(read.out, Not(HasSubstr("assword")));
  EXPECT_THAT(read.out, HasSubstr("an administrator"));
  EXPECT_EQ(beside({"accounts", "create", "eve@example.org", "--password-stdin"}).status, 1);
  auto again = beside({"accounts", "create", "ada@example.org"});
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.err, HasSubstr("registered already"));
}

TEST_F(CommandLine, grants_credits_and_lists_accounts) {
  beside({"accounts", "create", "ada@example.org"});
  auto granted = in_json({"accounts", "grant-credits", "ada@example.org", "2.5"});
  ASSERT_EQ(granted.status, 0) << granted.err;
  EXPECT_EQ(granted.json().at("credits").to_number<double>(), 5.5);
  auto listed = in_json({"accounts", "list"});
  ASSERT_EQ(listed.json().as_array().size(), 1u);
  EXPECT_EQ(listed.json().at(0).at("credits").to_number<double>(), 5.5);
  EXPECT_THAT(beside({"accounts", "list"}).out, HasSubstr("ada@example.org"));
  auto unknown = in_json({"accounts", "grant-credits", "nobody@example.org", "1"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_EQ(unknown.out, "");
  EXPECT_THAT(std::string(json::parse(unknown.err).at("error").as_string()), HasSubstr("nobody@example.org"));
}

TEST_F(CommandLine, changes_all_named_accounts_or_none) {
  beside({"accounts", "create", "first@example.org"});
  beside({"accounts", "create", "ada@example.org"});
  beside({"accounts", "create", "bob@example.org"});
  EXPECT_EQ(beside({"accounts", "disable", "ada@example.org", "nobody@example.org"}).status, 1);
  auto active = [&](int at) { return in_json({"accounts", "list"}).json().at(at).at("active").as_bool(); };
  EXPECT_TRUE(active(1));
  EXPECT_EQ(beside({"accounts", "disable", "ada@example.org", "bob@example.org"}).status, 0);
  EXPECT_FALSE(active(0));
  EXPECT_FALSE(active(1));
  EXPECT_EQ(beside({"accounts", "enable", "ada@example.org"}).status, 0);
  EXPECT_TRUE(active(1));
  EXPECT_EQ(beside({"accounts", "make-admin", "ada@example.org"}).status, 0);
  EXPECT_EQ(beside({"accounts", "disable", "ada@example.org"}).status, 1) << "administrators cannot be disabled";
  EXPECT_EQ(beside({"accounts", "set-plan", "bob@example.org", "free"}).status, 0);
  EXPECT_THAT(beside({"accounts", "set-plan", "bob@example.org", "gold"}).err, HasSubstr("no plan gold"));
  EXPECT_EQ(beside({"accounts", "set-plan", "bob@example.org", "pro", "--per-minute", "5"}).status, 1)
      << "only enterprise accounts have limits of their own";
  EXPECT_EQ(beside({"accounts", "set-plan", "bob@example.org", "enterprise", "--per-minute", "5"}).status, 0);
}

TEST_F(CommandLine, lists_and_revokes_keys_of_the_tunes_surface) {
  beside({"accounts", "create", "ada@example.org"});
  config::Settings settings;
  settings.server.data = data_.string();
  auto house = open_house(settings);
  const auto made = house->db.write([&](sql::Tx& tx) {
    return house->tunes_keys.create(tx, AccountId(1), {.settings = {.name = "ci", .scopes = {"read:tracks"}}},
                                    identity::operator_actor());
  });
  const auto id = made.value().key.id.value();
  house.reset();
  const auto listed = in_json({"keys", "list", "ada@example.org"}).json();
  EXPECT_EQ(listed.at(0).at("kind").as_string(), "tunes");
  EXPECT_EQ(listed.at(0).at("status").as_string(), "active");
  EXPECT_EQ(beside({"keys", "revoke", "ada@example.org", "ci"}).status, 1) << "its name need not be one key's";
  EXPECT_EQ(beside({"keys", "revoke", "ada@example.org", id}).status, 0);
  EXPECT_EQ(in_json({"keys", "list", "ada@example.org"}).json().at(0).at("status").as_string(), "revoked");
}

TEST_F(CommandLine, makes_lists_and_revokes_keys) {
  beside({"accounts", "create", "ada@example.org"});
  auto made = in_json({"keys", "create", "ada@example.org", "--name", "ci", "--expires-in-days", "90"});
  ASSERT_EQ(made.status, 0) << made.err;
  std::string secret(made.json().at("key").as_string());
  EXPECT_EQ(secret.size(), 46u);
  EXPECT_FALSE(made.json().at("expires_at").is_null());
  auto listed = in_json({"keys", "list", "ada@example.org"});
  ASSERT_EQ(listed.json().as_array().size(), 1u);
  EXPECT_THAT(listed.out, Not(HasSubstr(secret)));
  EXPECT_EQ(beside({"keys", "revoke", "ada@example.org", "cd"}).status, 1);
  EXPECT_EQ(beside({"keys", "revoke", "ada@example.org", "ci"}).status, 0);
  EXPECT_THAT(beside({"keys", "list", "ada@example.org"}).out, HasSubstr("has no keys"));
}

TEST_F(CommandLine, demo_says_that_no_server_answers) {
  auto song = data_ / "song.wav";
  std::ofstream(song) << "RIFF";
  auto outcome = beside({"demo", "--url", "http://127.0.0.1:1", "--file", song.string()});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("no server answers on http://127.0.0.1:1"));
  EXPECT_THAT(beside({"demo", "--file", "/nowhere.mp3"}).err, HasSubstr("/nowhere.mp3 cannot be read"));
}

TEST_F(CommandLine, prints_the_api_and_the_version) {
  EXPECT_EQ(run({"openapi", "--public-url", "https://a.example"}).out, "{\"server\":\"https://a.example\"}\n");
  EXPECT_THAT(run({"version"}).out, testing::StartsWith("tollhouse "));
  EXPECT_EQ(run({"--version"}).out, run({"version"}).out);
  EXPECT_EQ(run({"engine"}).status, 7);
  EXPECT_EQ(run({"engine", "--no-sandbox"}).status, 8);
}

}  // namespace
}  // namespace toll::app
