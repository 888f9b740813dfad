// What only SQLite has to prove: files shared with other processes, power cuts, full disks.
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "sql/tests/suite.h"

namespace toll::sql {
namespace {

namespace fs = std::filesystem;
using testing::Place;

const char* path_of(const Place& place) {
  return place.url().c_str() + std::string_view("sqlite://").size();
}

void make_table(Database& db) {
  db.write([](Tx& tx) {
    tx.script("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, bytes BLOB)");
    return true;
  });
}
std::int64_t rows(Database& db) {
  return db.read([](Tx& tx) { return tx.one("SELECT count(*) FROM t")->integer(0); });
}
bool insert(Database& db, std::int64_t id, std::string_view bytes = "") {
  return db.write([&](Tx& tx) { return tx.exec("INSERT INTO t VALUES ($1, $2)", id, Blob{bytes}) == 1; });
}

// Another program that has the file open: a bare connection.
class Stranger {
 public:
  explicit Stranger(const Place& place) { sqlite3_open(path_of(place), &db_); }
  ~Stranger() { sqlite3_close(db_); }
  void run(const char* sql) {
    ASSERT_EQ(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db_);
  }

 private:
  sqlite3* db_ = nullptr;
};

TEST(Sqlite, waits_for_the_lock_of_another_process) {
  Place place(Engine::sqlite);
  auto db = place.open();
  make_table(*db);
  Stranger stranger(place);
  stranger.run("BEGIN IMMEDIATE; INSERT INTO t (id) VALUES (1)");
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stranger.run("COMMIT");
  });
  EXPECT_TRUE(insert(*db, 2));
  later.join();
  EXPECT_EQ(rows(*db), 2);
}

TEST(Sqlite, gives_up_on_a_lock_after_the_timeout_and_goes_on_afterwards) {
  Place place(Engine::sqlite);
  auto db = place.open({.statement_timeout = std::chrono::milliseconds(50)});
  make_table(*db);
  Stranger stranger(place);
  stranger.run("BEGIN IMMEDIATE");
  EXPECT_THROW(insert(*db, 1), Error);
  EXPECT_EQ(rows(*db), 0) << "readers do not wait for writers";
  stranger.run("COMMIT");
  EXPECT_TRUE(insert(*db, 1));
}

TEST(Sqlite, opens_a_new_file_from_many_places_at_once) {
  for (int round = 0; round < 5; ++round) {
    Place place(Engine::sqlite);
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; ++i)
      threads.emplace_back([&, i] {
        auto db = place.open({.readers = 1});
        make_table(*db);
        insert(*db, i);
      });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(rows(*place.open()), 6);
  }
}

TEST(Sqlite, lets_a_second_process_in_while_the_first_writes_without_pause) {
  Place place(Engine::sqlite);
  auto db = place.open();
  make_table(*db);
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      for (std::int64_t id = 1; !stop; ++id) insert(*db, id * 8 + i);
    });
  auto other = place.open();
  for (std::int64_t id = 1; id <= 20; ++id) EXPECT_TRUE(insert(*other, -id));
  stop = true;
  for (auto& thread : threads) thread.join();
}

TEST(Sqlite, keeps_what_it_has_answered_when_it_is_killed) {
  // On a real disk, because that is where the file is in earnest.
  std::string folder = (fs::temp_directory_path() / "toll-kill-XXXXXX").string();
  ASSERT_TRUE(::mkdtemp(folder.data()));
  const Options options{.url = "sqlite://" + folder + "/test.db"};
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto db = open(options);
    make_table(*db);
    for (std::int64_t id = 1;; ++id)
      if (insert(*db, id) && ::write(pipe[1], &id, sizeof id) != sizeof id) ::_exit(1);
  }
  ::close(pipe[1]);
  std::int64_t answered = 0;
  while (answered < 20 && ::read(pipe[0], &answered, sizeof answered) == sizeof answered) {
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  while (::read(pipe[0], &answered, sizeof answered) == sizeof answered) {
  }
  ::close(pipe[0]);
  EXPECT_GE(rows(*open(options)), answered);
  fs::remove_all(folder);
}

TEST(Sqlite, says_that_the_disk_is_full_and_works_again_when_it_is_not) {
  std::string folder = (fs::temp_directory_path() / "toll-full-XXXXXX").string();
  ASSERT_TRUE(::mkdtemp(folder.data()));
  if (::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=2m") != 0) {
    fs::remove_all(folder);
    GTEST_SKIP() << "a disk can be filled by root only: mount needs privileges";
  }
  {
    auto db = open({.url = "sqlite://" + folder + "/test.db"});
    make_table(*db);
    const std::string bytes(100'000, 'x');
    std::int64_t id = 0;
    const auto store = [&](Tx& tx) -> Result<void> {
      tx.exec("INSERT INTO t VALUES ($1, $2)", id, Blob{bytes});
      return {};
    };
    Result<void> stored;
    while (stored && id < 100) {
      ++id;
      stored = db->write(store);
    }
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().reason(), Reason::storage_full);
    EXPECT_EQ(rows(*db), id - 1) << "nothing of the refused one, everything of the others";
    ASSERT_EQ(::mount("tmpfs", folder.c_str(), "tmpfs", MS_REMOUNT, "size=8m"), 0);
    EXPECT_TRUE(db->write(store));
  }
  ::umount2(folder.c_str(), MNT_DETACH);
  fs::remove_all(folder);
}

TEST(Sqlite, removes_an_in_memory_database_with_its_object) {
  const auto folders = [] {
    int count = 0;
    for (const char* base : {"/dev/shm", "/tmp"})
      for (const auto& entry : fs::directory_iterator(base))
        count += entry.path().filename().string().starts_with("tollhouse-memory-");
    return count;
  };
  const int before = folders();
  auto db = open({.url = "sqlite::memory:"});
  make_table(*db);
  EXPECT_EQ(folders(), before + 1);
  db.reset();
  EXPECT_EQ(folders(), before);
}

}  // namespace
}  // namespace toll::sql
