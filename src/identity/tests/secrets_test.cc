#include "identity/secrets.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>
#include <vector>

#include "base/random.h"

namespace toll::identity {
namespace {

namespace fs = std::filesystem;

class SecretsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    data = fs::temp_directory_path() / ("toll-secrets-" + random.uuid4());
    fs::create_directories(data);
  }
  void TearDown() override { fs::remove_all(data); }
  static unsigned mode(const fs::path& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777;
  }
  std::string failure(const SecretSettings& settings = {}) {
    try {
      load_secrets(data, settings, random);
    } catch (const std::runtime_error& failed) {
      return failed.what();
    }
    return "";
  }

  SystemRandom random;
  fs::path data;
  const std::string good = "wq2Jk1mZ8xY4tR7vB3nL9sD5fG6hC0aE";
};

TEST_F(SecretsTest, are_made_at_first_start_and_kept) {
  const auto first = load_secrets(data, {}, random);
  const auto second = load_secrets(data, {}, random);
  EXPECT_EQ(first.keys, second.keys);
  EXPECT_EQ(first.sessions, second.sessions);
  EXPECT_NE(first.keys, first.sessions);
  EXPECT_GE(first.keys.size(), min_secret_bytes);
}

TEST_F(SecretsTest, are_closed_to_others) {
  load_secrets(data, {}, random);
  EXPECT_EQ(mode(data / "secrets"), 0700u);
  EXPECT_EQ(mode(data / "secrets" / "keys"), 0600u);
  EXPECT_EQ(mode(data / "secrets" / "sessions"), 0600u);
  fs::permissions(data / "secrets" / "keys", fs::perms::group_read, fs::perm_options::add);
  EXPECT_NE(failure().find("can be read by others"), std::string::npos);
}

TEST_F(SecretsTest, leave_no_temporaries) {
  load_secrets(data, {}, random);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(data / "secrets")) ++files;
  EXPECT_EQ(files, 2u);
}

TEST_F(SecretsTest, two_servers_that_start_at_once_agree) {
  std::vector<Secrets> made(8);
  {
    std::vector<std::jthread> servers;
    for (auto& secrets : made) servers.emplace_back([&] { secrets = load_secrets(data, {}, random); });
  }
  for (const auto& secrets : made) EXPECT_EQ(secrets.keys, made[0].keys);
}

TEST_F(SecretsTest, the_operators_own_come_first) {
  const auto secrets = load_secrets(data, {.keys = good, .sessions = good + "x"}, random);
  EXPECT_EQ(secrets.keys, good);
  EXPECT_FALSE(fs::exists(data / "secrets"));
}

TEST_F(SecretsTest, published_short_and_empty_ones_stop_the_start) {
  EXPECT_NE(failure({.keys = "short"}).find("shorter than 32 bytes"), std::string::npos);
  EXPECT_NE(failure({.keys = std::string(40, ' ')}).find("is empty"), std::string::npos);
  EXPECT_NE(failure({.keys = "dev-secret-key-change-in-production"}).find("published example"), std::string::npos);
  EXPECT_NE(failure({.sessions = "your-secret-key-change-this-in-production-please"}).find("published example"),
            std::string::npos);
  EXPECT_NE(failure({.sessions = std::string(64, 'a')}).find("again and again"), std::string::npos);
  for (auto text : {"", "secret", "change-me", "your-secret-key", "CHANGEME"})
    EXPECT_NE(secret_problem(text), "") << text;
  EXPECT_EQ(secret_problem(good), "");
}

TEST_F(SecretsTest, one_secret_does_not_serve_two_purposes) {
  EXPECT_NE(failure({.keys = good, .sessions = good}).find("are the same"), std::string::npos);
}

TEST_F(SecretsTest, an_emptied_file_stops_the_start) {
  load_secrets(data, {}, random);
  std::ofstream(data / "secrets" / "keys", std::ios::trunc);
  EXPECT_NE(failure().find("is empty"), std::string::npos);
}

}  // namespace
}  // namespace toll::identity
