#include "workflows/steps/tests/calls.h"

#include <stdlib.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <stdexcept>

namespace toll::workflows::steps {

namespace {

// Of all tests of the program: making and removing one takes longer than most of them.
blob::Store* shared_store() {
  struct Shared {
    std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("tollhouse-steps-store-" + std::to_string(::getpid()));
    std::unique_ptr<blob::Store> store = blob::open_folder_store(folder);
    ~Shared() {
      store.reset();
      std::filesystem::remove_all(folder);
    }
  };
  static Shared shared;
  return shared.store.get();
}

}  // namespace

StepTest::StepTest() {
  std::string name = std::filesystem::temp_directory_path() / "tollhouse-steps-XXXXXX";
  if (!::mkdtemp(name.data())) throw std::runtime_error("no folder");
  folder = name;
  store = shared_store();
}

StepTest::~StepTest() {
  std::filesystem::remove_all(folder);
}

Call StepTest::call(StepKind& step, std::string_view with) {
  Call out;
  out.with = parsed(with).as_object();
  const auto compiled = schema::Schema::compile(step.about().with);
  EXPECT_TRUE(compiled.schema) << step.about().name;
  if (compiled.schema)
    for (const auto& problem : compiled.schema->check(out.with))
      ADD_FAILURE() << schema::dotted(problem.path) << " " << problem.message;
  out.execution = ExecutionId("00000000-0000-4000-8000-000000000001");
  out.step = "s";
  out.uses = step.about().name;
  out.item.name = "item.txt";
  out.item.sha256 = hex(sha256("item"));
  out.token = "00000000-0000-4000-8000-000000000001:1:s";
  out.max_file_bytes = 1 << 20;
  out.store = store;
  return out;
}

Call StepTest::call(StepKind& step, std::string_view with, std::string text) {
  auto out = call(step, with);
  out.item.text = std::move(text);
  return out;
}

File StepTest::stored(std::string name, std::string mime, std::string_view bytes) {
  auto writer = store->create().value();
  writer->write(std::as_bytes(std::span(bytes))).value();
  auto staged = writer->finish().value();
  staged->publish().value();
  return {std::move(name), std::move(mime), staged->stored().digest, staged->stored().size};
}

std::string StepTest::content_of(const Made& made) const {
  made.content->publish().value();
  const auto reader = store->open(made.content->stored().digest).value();
  std::string out(reader->size(), '\0');
  reader->read_at(0, std::as_writable_bytes(std::span(out)));
  return out;
}

std::string detect_plainly(std::string_view head, std::string_view name) {
  if (head.starts_with("%PDF-")) return "application/pdf";
  if (head.starts_with("PK")) return "application/zip";
  return name.ends_with(".json") ? "application/json" : "text/plain";
}

Output succeeded(StepResult result) {
  if (const auto* fault = std::get_if<StepFault>(&result))
    throw std::runtime_error(fault->code + ": " + fault->detail + " [" + fault->cause + "]");
  return std::get<Output>(std::move(result));
}

std::string value_text(const Output& output) {
  return boost::json::serialize(output.value);
}

StepFault failed_run(StepResult result) {
  if (const auto* output = std::get_if<Output>(&result))
    throw std::runtime_error("did not fail: " + value_text(*output));
  return std::get<StepFault>(std::move(result));
}

}  // namespace toll::workflows::steps
