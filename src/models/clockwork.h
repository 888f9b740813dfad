// What happens because time passes: grants begin and end, uploads run out.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "models/grants.h"
#include "models/uploads.h"
#include "sql/database.h"

namespace toll::models {

// Looks once a second, on its own thread, until the destructor. With several servers on one database each may do the
// same work; the rows' own conditions make it happen once.
class Clockwork {
 public:
  Clockwork(sql::Database& db, const Clock& clock, const Grants& grants, const Uploads& uploads);
  ~Clockwork();
  // What is due now; blocking.
  void tick();

 private:
  void run(std::stop_token stop);

  sql::Database& db_;
  const Clock& clock_;
  const Grants& grants_;
  const Uploads& uploads_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace toll::models
