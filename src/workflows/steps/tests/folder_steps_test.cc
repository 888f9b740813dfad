#include <fstream>

#include "workflows/steps/tests/calls.h"

namespace toll::workflows::steps {
namespace {

namespace fs = std::filesystem;

class FolderSteps : public StepTest {
 protected:
  FolderSteps() {
    fs::create_directories(folder / "in/deep");
    fs::create_directories(folder / "out");
    write(folder / "secret.txt", "secret");
  }
  static void write(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }
  static std::string read(const fs::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<std::string> listed(std::string_view with) {
    const auto step = make_source_fs(roots(), detect_plainly);
    auto found = step->list(call(*step, with), {});
    std::vector<std::string> out;
    if (auto* list = std::get_if<Listed>(&found))
      for (const auto& item : list->items) out.push_back(*item.url);
    else
      out.push_back(std::get<StepFault>(found).code);
    return out;
  }
  const Roots& roots() {
    if (!roots_)
      roots_.emplace(
          std::vector<std::string>{"in=" + (folder / "in").string() + ":ro", "out=" + (folder / "out").string()});
    return *roots_;
  }

 private:
  std::optional<Roots> roots_;
};

using Names = std::vector<std::string>;

TEST_F(FolderSteps, list_files_in_their_order) {
  write(folder / "in/b.txt", "b");
  write(folder / "in/a.PDF", "a");
  write(folder / "in/deep/c.txt", "c");
  write(folder / "in/.hidden", "h");
  fs::last_write_time(folder / "in/b.txt", fs::file_time_type::clock::now() - std::chrono::hours(2));
  EXPECT_EQ(listed(R"({"root":"in"})"), (Names{"a.PDF", "b.txt"}));
  EXPECT_EQ(listed(R"({"root":"in","recursive":true})"), (Names{"a.PDF", "b.txt", "deep/c.txt"}));
  EXPECT_EQ(listed(R"({"root":"in","order":"oldest","max_files":1})"), (Names{"b.txt"}));
  EXPECT_EQ(listed(R"({"root":"in","extensions":["pdf"]})"), (Names{"a.PDF"}));
  EXPECT_EQ(listed(R"({"root":"in","path":"deep"})"), (Names{"deep/c.txt"}));
}

TEST_F(FolderSteps, never_leave_their_root) {
  fs::create_symlink(folder / "secret.txt", folder / "in/link.txt");
  fs::create_directory_symlink(folder, folder / "in/up");
  EXPECT_EQ(listed(R"({"root":"in","recursive":true})"), Names{});
  for (auto path : {"..", "deep/../..", "/etc", "up"})
    EXPECT_EQ(listed(R"({"root":"in","path":")" + std::string(path) + "\"}"), Names{"fetch_failed"}) << path;
  EXPECT_EQ(listed(R"({"root":"none"})"), Names{"fetch_failed"});
  const auto step = make_source_fs(roots(), detect_plainly);
  for (auto path : {"link.txt", "up/secret.txt", "../secret.txt", "deep"}) {
    auto call = this->call(*step, R"({"root":"in"})");
    call.item.url = path;
    EXPECT_EQ(failed_run(step->run(call, {})).code, "file_unreadable") << path;
  }
}

TEST_F(FolderSteps, bring_a_file_with_what_it_is) {
  write(folder / "in/b.json", R"({"a":1})");
  const auto step = make_source_fs(roots(), detect_plainly);
  auto call = this->call(*step, R"({"root":"in"})");
  call.item.name = "b.json";
  call.item.url = "b.json";
  const auto output = succeeded(step->run(call, {}));
  EXPECT_EQ(value_text(output), R"({"name":"b.json","mime":"application/json","size":7,"sha256":")" +
                                    hex(sha256(R"({"a":1})")) + R"(","data":{"a":1},"text":"{\"a\":1}"})");
  EXPECT_EQ(content_of(output.files.at(0)), R"({"a":1})");
  call.max_file_bytes = 6;
  EXPECT_EQ(failed_run(step->run(call, {})).code, "file_too_large");
}

TEST_F(FolderSteps, write_whole_files_under_their_names) {
  const auto step = make_sink_fs(roots());
  EXPECT_EQ(value_text(succeeded(step->run(call(*step, R"({"root":"out","path":"a/b.json","value":{"x":1}})"), {}))),
            R"({"path":"a/b.json"})");
  EXPECT_EQ(read(folder / "out/a/b.json"), R"({"x":1})");
  succeeded(step->run(call(*step, R"({"root":"out","path":"a/b.json","value":"text"})"), {}));
  EXPECT_EQ(read(folder / "out/a/b.json"), "text");
  auto call = this->call(*step, "{\"root\":\"out\",\"path\":\"f.bin\",\"file\":\"" + hex(sha256("bytes")) + "\"}");
  call.files.push_back(stored("f", "text/plain", "bytes"));
  succeeded(step->run(call, {}));
  EXPECT_EQ(read(folder / "out/f.bin"), "bytes");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "out/a"), {}), 1);  // nothing is left aside
}

TEST_F(FolderSteps, write_nowhere_else) {
  fs::create_directory_symlink(folder, folder / "out/up");
  const auto step = make_sink_fs(roots());
  for (auto path : {"../x", "up/x", "/x", "a/../../x", "a/"})
    EXPECT_EQ(
        failed_run(step->run(call(*step, R"({"root":"out","value":"v","path":")" + std::string(path) + "\"}"), {}))
            .code,
        "sink_failed")
        << path;
  EXPECT_EQ(failed_run(step->run(call(*step, R"({"root":"in","value":"v","path":"x"})"), {})).code, "sink_failed");
  EXPECT_FALSE(fs::exists(folder / "x"));
  // A link at the place itself is replaced, not followed.
  fs::create_symlink(folder / "secret.txt", folder / "out/link");
  succeeded(step->run(call(*step, R"({"root":"out","value":"v","path":"link"})"), {}));
  EXPECT_EQ(read(folder / "secret.txt"), "secret");
}

}  // namespace
}  // namespace toll::workflows::steps
