// Calls of steps as the runner makes them, for tests.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "blob/folder_store.h"
#include "schema/schema.h"
#include "workflows/step.h"
#include "workflows/steps/outside.h"

namespace toll::workflows::steps {

// A folder of its own with a store, removed at the end.
class StepTest : public ::testing::Test {
 protected:
  StepTest();
  ~StepTest() override;

  // `with` as it comes filled in, checked against the step's schema like the runner does.
  Call call(StepKind& step, std::string_view with);
  // The same, for an item with this text.
  Call call(StepKind& step, std::string_view with, std::string text);
  // A file in the store.
  File stored(std::string name, std::string mime, std::string_view bytes);
  std::string content_of(const Made& made) const;
  static json::Value parsed(std::string_view text) { return json::parse(text).value(); }

  std::filesystem::path folder;
  blob::Store* store;
  TestClock clock;
};

std::string detect_plainly(std::string_view head, std::string_view name);
// The output of a run that must succeed; the value of its JSON as text.
Output succeeded(StepResult result);
std::string value_text(const Output& output);
StepFault failed_run(StepResult result);

}  // namespace toll::workflows::steps
