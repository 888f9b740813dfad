// Files in memory and small graphs, for the tests of this folder.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <span>
#include <stdexcept>
#include <string>

#include "engines/onnx/graph_writer.h"
#include "engines/onnx/mapped_file.h"

namespace toll::engines::onnx::testing {

class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content = {}) : fd_(::memfd_create("test", MFD_CLOEXEC)) {
    if (::pwrite(fd_, content.data(), content.size(), 0) != static_cast<ssize_t>(content.size()))
      throw std::runtime_error("memfd");
  }
  MemoryFile(MemoryFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~MemoryFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }
  std::string content() const {
    auto file = MappedFile::open(fd_);
    if (!file) return {};
    return {reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size()};
  }

 private:
  int fd_;
};

inline std::span<const std::byte> bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}
inline std::string raw(std::vector<float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}
inline std::vector<float> floats(const std::string& text) {
  std::vector<float> values(text.size() / sizeof(float));
  std::memcpy(values.data(), text.data(), values.size() * sizeof(float));
  return values;
}
inline std::string written(const GraphWriter& graph) {
  MemoryFile file;
  graph.write(file.fd()).value();
  return file.content();
}

// y = 2 x + 1, of `shape`; -1 leaves an extent open.
inline std::string affine_model(const Shape& shape = {3}) {
  GraphWriter graph;
  graph.input("x", shape);
  graph.output("y", shape);
  graph.metadata("kind", "affine");
  const auto doubled = graph.node("Mul", {"x", graph.weights("two", {2}, {1})});
  graph.node("Add", {doubled, graph.number(1)}, {}, "y");
  return written(graph);
}

// Wants `elements` floats while it runs.
inline std::string greedy_model(std::int64_t elements) {
  GraphWriter graph;
  graph.input("x", {1});
  graph.output("y", {1});
  const auto large = graph.node("Expand", {"x", graph.numbers({elements / 1000, 1000})});
  const auto active = graph.node("Exp", {large});
  graph.node("Reshape", {graph.node("ReduceSum", {active}, Attributes().integer("keepdims", 0)), graph.numbers({1})},
             {}, "y");
  return written(graph);
}

}  // namespace toll::engines::onnx::testing
