// Those who wait for the end of an execution: coroutines of answers, which hold neither a thread nor a connection to
// the database. So many at a time; and none when the server stops, which lets all of them go.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <set>

#include "workflows/executions.h"

namespace toll::deployed {

class WaitingRoom;

// One who waits.
class Waiting {
 public:
  ~Waiting();
  // api::Linger::arm
  void arm(std::function<void()> wake);

 private:
  friend class WaitingRoom;
  struct State {
    std::mutex mutex;
    bool over = false;
    std::function<void()> wake;
    void end();
  };
  WaitingRoom* room_ = nullptr;
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::shared_ptr<void> handle_;
};

// Thread-safe; outlives everybody in it.
class WaitingRoom {
 public:
  explicit WaitingRoom(std::size_t most) : most_(most) {}

  // Null: the room is full or closed, and the answer goes out at once. `executions` outlives the room.
  std::shared_ptr<Waiting> enter(workflows::Executions& executions, const workflows::ExecutionId& id);
  // Everybody goes; nobody comes any more.
  void close();
  bool closed() const { return closed_; }

 private:
  friend class Waiting;
  const std::size_t most_;
  std::atomic<bool> closed_ = false;
  std::mutex mutex_;
  std::set<std::shared_ptr<Waiting::State>> inside_;
};

}  // namespace toll::deployed
