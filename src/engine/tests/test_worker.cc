// A worker process with the test engines, called as the product's binary would be: `engine_test_worker engine
// [--no-sandbox]`, `engine_test_worker tool ...`.
#include <cstring>

#include "engine/host.h"
#include "engine/tests/test_engines.h"
#include "engine/tool.h"

int main(int count, char** arguments) {
  if (count > 1 && std::strcmp(arguments[1], "tool") == 0)
    return toll::engine::become_tool({arguments + 2, arguments + count});
  bool sandbox = !(count > 2 && std::strcmp(arguments[2], "--no-sandbox") == 0);
  toll::engine::testing::start_early_thread();
  auto catalogue = toll::engine::testing::test_engines();
  return toll::engine::serve_worker(catalogue, 3, sandbox);
}
