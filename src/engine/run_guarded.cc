#include "engine/run_guarded.h"

#include <algorithm>
#include <exception>
#include <new>

namespace toll::engine {

namespace {
constexpr std::chrono::milliseconds shortest_interval{100};
}

void CalmProgress::report(double fraction) {
  if (!(fraction > last_)) return;  // NaN too
  fraction = std::clamp(fraction, 0.0, 1.0);
  auto now = std::chrono::steady_clock::now();
  if (fraction <= last_ || (fraction < 1 && now - when_ < shortest_interval)) return;
  last_ = fraction;
  when_ = now;
  next_.report(fraction);
}

Result<Output> run_guarded(Engine& engine, const Input& input, Progress& progress, std::stop_token stop) {
  CalmProgress calm(progress);
  try {
    return engine.run(input, calm, std::move(stop));
  } catch (const std::bad_alloc&) {
    return Fault(Reason::internal).because("out of memory");
  } catch (const std::exception& e) {
    return Fault(Reason::internal).because(e.what());
  } catch (...) {
    return Fault(Reason::internal).because("an exception of unknown type");
  }
}

}  // namespace toll::engine
