#include "tollhouse/janitor.h"

#include <condition_variable>
#include <mutex>

#include "base/log.h"

namespace toll::app {

Janitor::Janitor(sql::Database& db, std::vector<Chore> chores, std::chrono::milliseconds interval)
    : db_(db), chores_(std::move(chores)), interval_(interval), thread_([this](std::stop_token stop) { run(stop); }) {}

Janitor::~Janitor() = default;

bool Janitor::round() {
  bool all = true;
  for (const auto& chore : chores_) {
    try {
      db_.write([&](sql::Tx& tx) { return chore(tx), true; });
    } catch (const std::exception& error) {
      log::error("janitor.failed", {{"cause", error.what()}});
      all = false;
    }
  }
  return all;
}

void Janitor::run(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    healthy_ = round();
    wake.wait_for(lock, stop, interval_, [] { return false; });
  }
}

}  // namespace toll::app
