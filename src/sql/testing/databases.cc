#include "sql/testing/databases.h"

#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "sql/testing/postgres_cluster.h"

namespace toll::sql::testing {

namespace fs = std::filesystem;

std::optional<std::string> unavailable(Engine engine) {
  return engine == Engine::postgres ? PostgresCluster::unavailable() : std::nullopt;
}

std::string engine_name(const ::testing::TestParamInfo<Engine>& info) {
  return info.param == Engine::sqlite ? "sqlite" : "postgres";
}

Place::Place(Engine engine) {
  if (engine == Engine::postgres) {
    database_ = PostgresCluster::shared().create_database();
    url_ = PostgresCluster::shared().url(database_);
    return;
  }
  const fs::path memory = "/dev/shm";
  std::string name =
      ((::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path()) / "toll-test-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make a folder for a test database");
  folder_ = name;
  url_ = "sqlite://" + (folder_ / "test.db").string();
}

Place::Place(Place&& other) noexcept
    : url_(std::move(other.url_)),
      folder_(std::exchange(other.folder_, {})),
      database_(std::exchange(other.database_, {})) {}

Place::~Place() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
  if (!database_.empty()) PostgresCluster::shared().drop_database(database_);
}

std::unique_ptr<Database> Place::open(Options options) const {
  options.url = url_;
  return sql::open(options);
}

Fresh fresh_database(Engine engine, Options options) {
  return fresh_database(engine, migrations(engine), std::move(options));
}

Fresh fresh_database(Engine engine, std::span<const Migration> known, Options options) {
  Place place(engine);
  auto db = place.open(std::move(options));
  migrate(*db, known, Time{});
  return Fresh(std::move(place), std::move(db));
}

}  // namespace toll::sql::testing
