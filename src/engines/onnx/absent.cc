// The build without ONNX Runtime: everything is there and says so.
#include <stdexcept>

#include "engines/onnx/refuse.h"
#include "engines/onnx/runtime.h"
#include "engines/onnx/session.h"

namespace toll::engines::onnx {

struct Tensor::State {};
struct Session::State {};

namespace {
[[noreturn]] void nothing_to_ask() {
  throw std::logic_error("this build has no ONNX Runtime, so nobody holds a session or a tensor");
}
}  // namespace

Result<void> load_runtime() {
  return refuse("this program was built without ONNX Runtime");
}
Result<void> find_runtime() {
  return load_runtime();
}

Tensor::Tensor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tensor::~Tensor() = default;
Tensor::Tensor(Tensor&&) noexcept = default;
Tensor& Tensor::operator=(Tensor&&) noexcept = default;
const std::string& Tensor::name() const {
  nothing_to_ask();
}
ElementType Tensor::type() const {
  nothing_to_ask();
}
const std::vector<std::int64_t>& Tensor::shape() const {
  nothing_to_ask();
}
std::span<const std::byte> Tensor::bytes() const {
  nothing_to_ask();
}
std::span<const float> Tensor::floats() const {
  nothing_to_ask();
}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Result<Session> Session::open(std::span<const std::byte>, const SessionOptions&) {
  return load_runtime().error();
}
const Schema& Session::schema() const {
  nothing_to_ask();
}
Result<std::vector<Tensor>> Session::run(const std::vector<TensorView>&, const std::vector<std::string>&,
                                         const std::stop_token&) {
  nothing_to_ask();
}

std::uint64_t peak_model_memory() {
  return 0;
}
void trim_model_memory() {}

}  // namespace toll::engines::onnx
