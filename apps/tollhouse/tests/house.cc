#include "tollhouse/tests/house.h"

#include "sql/migrations.h"
#include "tollhouse/wiring.h"

namespace toll::app {

std::optional<config::Settings>& served_with() {
  static std::optional<config::Settings> settings;
  return settings;
}

std::uint64_t next_seed() {
  static std::uint64_t seed = 0;
  return ++seed;
}

int serve(const config::Settings& settings) {
  served_with() = settings;
  return 0;
}

int work(const config::Settings& settings) {
  return serve(settings);
}

std::unique_ptr<sql::Database> open_database(const config::Settings& settings) {
  std::filesystem::create_directories(settings.server.data);
  sql::Options options;
  options.url = "sqlite://" + std::filesystem::absolute(settings.server.data).string() + "/test.db";
  return sql::open(options);
}

std::unique_ptr<House> open_house(const config::Settings& settings) {
  auto parts = std::make_unique<TestParts>(open_database(settings));
  sql::migrate(*parts->db, parts->clock.now());
  return std::make_unique<TestHouse>(std::move(parts));
}

std::string openapi_text(const config::Settings& settings) {
  return "{\"server\":\"" + settings.server.public_url + "\"}\n";
}

int run_engine_process(bool sandbox) {
  return sandbox ? 7 : 8;
}

}  // namespace toll::app
