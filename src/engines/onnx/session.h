// A loaded ONNX model: what goes in, what comes out, and runs of it. No type of ONNX Runtime's shows here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engines/onnx/operator.h"

namespace toll::engines::onnx {

enum class ElementType {
  float32,
  float64,
  float16,
  bfloat16,
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  boolean
};
std::size_t size_of(ElementType type);
std::string_view name_of(ElementType type);  // "float32", ...

struct TensorInfo {
  std::string name;
  ElementType type = ElementType::float32;
  std::vector<std::int64_t> shape;  // -1 where the model leaves an extent open
};

struct Schema {
  std::vector<TensorInfo> inputs, outputs;
  std::map<std::string, std::string> metadata;
};

// A tensor that somebody else owns.
struct TensorView {
  std::string name;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

// A tensor that a run made.
class Tensor {
 public:
  struct State;
  explicit Tensor(std::unique_ptr<State> state);
  ~Tensor();
  Tensor(Tensor&&) noexcept;
  Tensor& operator=(Tensor&&) noexcept;

  const std::string& name() const;
  ElementType type() const;
  const std::vector<std::int64_t>& shape() const;
  std::span<const std::byte> bytes() const;
  std::span<const float> floats() const;  // of a float32 tensor; std::logic_error of another

 private:
  std::unique_ptr<State> state_;
};

struct SessionOptions {
  unsigned threads = 0;                     // 0: the cores of this machine, at most 8
  std::uint64_t memory_limit = 3ull << 30;  // of all models of the process together, bytes
  bool spin = true;                         // threads wait for the next operator actively: faster, and busy while idle
  bool optimise = true;                     // rewrites of the graph
  std::vector<Operator> operators;          // that the graph may use besides ONNX's
  std::string profile;                      // a file name prefix: where to write a profile; empty: none
};

// Runs of one session may not overlap.
class Session {
 public:
  // Checks `model` (an ONNX file in memory, which must live as long as the session), then prepares it. Needs
  // load_runtime(). Reason::model_unusable with the argument why: no runtime, not an ONNX file, weights that the file
  // does not hold, operators or types that are unknown, more memory than the limit.
  static Result<Session> open(std::span<const std::byte> model, const SessionOptions& options);
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  const Schema& schema() const;

  // Every input of the schema once; the outputs named, in that order (all of them when none is named). Bytes are little
  // endian. A stop request ends the run within an operator's time: Reason::cancelled. Reason::invalid_request when
  // inputs do not fit the schema; model_unusable when the run fails, e.g. for lack of memory.
  Result<std::vector<Tensor>> run(const std::vector<TensorView>& inputs, const std::vector<std::string>& outputs,
                                  const std::stop_token& stop);

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Most memory that models of this process have held so far, bytes.
std::uint64_t peak_model_memory();
// Gives memory that is kept for the next run back to the system.
void trim_model_memory();

}  // namespace toll::engines::onnx
