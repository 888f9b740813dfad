#include "surfaces/deployments/waiting.h"

namespace toll::deployed {

void Waiting::State::end() {
  std::function<void()> told;
  {
    std::lock_guard lock(mutex);
    over = true;
    told = wake;
  }
  if (told) told();
}

void Waiting::arm(std::function<void()> wake) {
  bool over = false;
  {
    std::lock_guard lock(state_->mutex);
    state_->wake = wake;
    over = state_->over;
  }
  if (over) wake();
}

Waiting::~Waiting() {
  handle_.reset();
  std::lock_guard lock(room_->mutex_);
  room_->inside_.erase(state_);
}

std::shared_ptr<Waiting> WaitingRoom::enter(workflows::Executions& executions, const workflows::ExecutionId& id) {
  auto waiting = std::make_shared<Waiting>();
  waiting->room_ = this;
  {
    std::lock_guard lock(mutex_);
    if (closed_ || inside_.size() >= most_) return nullptr;
    inside_.insert(waiting->state_);
  }
  waiting->handle_ = executions.on_end(id, [state = waiting->state_] { state->end(); });
  return waiting;
}

void WaitingRoom::close() {
  std::set<std::shared_ptr<Waiting::State>> all;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    all = inside_;
  }
  for (const auto& one : all) one->end();
}

}  // namespace toll::deployed
