// What has to be done every few seconds as long as the server runs: retention, purges, and a look whether the database
// answers.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "sql/database.h"

namespace toll::app {

// One thread. A chore that fails is logged and tried again at the next round.
class Janitor {
 public:
  using Chore = std::function<void(sql::Tx&)>;
  Janitor(sql::Database& db, std::vector<Chore> chores, std::chrono::milliseconds interval = std::chrono::seconds(5));
  ~Janitor();

  // Whether the last round reached the database.
  bool healthy() const { return healthy_; }

 private:
  void run(std::stop_token stop);
  bool round();

  sql::Database& db_;
  const std::vector<Chore> chores_;
  const std::chrono::milliseconds interval_;
  std::atomic<bool> healthy_{true};
  std::jthread thread_;
};

}  // namespace toll::app
