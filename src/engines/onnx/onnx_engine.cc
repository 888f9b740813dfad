#include "engines/onnx/onnx_engine.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "base/digest.h"
#include "engines/onnx/mapped_file.h"
#include "engines/onnx/refuse.h"
#include "engines/onnx/runtime.h"

namespace toll::engines::onnx {
namespace json = boost::json;
namespace {

struct Loaded {
  MappedFile file;
  Session session;
  std::string digest;
  Request request;
};

bool same_session(const Request& a, const Request& b) {
  return a.threads == b.threads && a.memory_mib == b.memory_mib && a.spin == b.spin;
}

Result<Loaded> load(int fd, const Request& request) {
  auto file = TOLL_TRY(MappedFile::open(fd));
  const auto digest = file_digest(file.bytes());
  if (!request.sha256.empty() && digest != request.sha256)
    return refuse("the file is not the one that was announced (its SHA-256 differs)");
  auto session = TOLL_TRY(Session::open(
      file.bytes(), {.threads = request.threads, .memory_limit = request.memory_mib << 20, .spin = request.spin}));
  return Loaded{std::move(file), std::move(session), digest, request};
}

Fault misfit(const std::string& why) {
  return Fault(Reason::invalid_request).because("onnx: " + why);
}

// An input file as one tensor.
struct InputFile {
  std::optional<MappedFile> file;  // none: a tensor without elements, which no memory stands for
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes() const { return file ? file->bytes() : std::span<const std::byte>(); }
};

bool is_empty(int fd) {
  struct stat facts {};
  return ::fstat(fd, &facts) == 0 && facts.st_size == 0;
}

Result<std::vector<std::int64_t>> shape_of(const TensorInfo& info, const Request& request) {
  const auto given = request.shapes.find(info.name);
  if (given != request.shapes.end()) return given->second;
  if (std::any_of(info.shape.begin(), info.shape.end(), [](auto extent) { return extent < 0; }))
    return misfit("no shape is given for input " + info.name);
  return info.shape;
}

class Run {
 public:
  Run(Session& session, const Request& request, const engine::Input& files, engine::Progress& progress,
      std::stop_token stop)
      : session_(session), request_(request), files_(files), progress_(progress), stop_(std::move(stop)) {}

  Result<std::vector<TensorInfo>> run() {
    if (auto opened = open_inputs(); !opened) return std::move(opened).error();
    for (const auto& [name, fd] : files_.outputs)
      if (name.starts_with("output.")) wanted_.push_back(name.substr(7));
    if (wanted_.empty()) return misfit("no output is wanted");
    for (const auto& name : wanted_) {
      const auto& outputs = session_.schema().outputs;
      auto info = std::find_if(outputs.begin(), outputs.end(), [&](const auto& output) { return output.name == name; });
      if (info == outputs.end()) return misfit("the model has no output " + name);
      written_.push_back({info->name, info->type, {}});
    }
    const std::int64_t step = request_.batch > 0 && rows_ > 0 ? std::min(request_.batch, rows_) : 0;
    if (step == 0) {
      if (auto done = one(0, 0); !done) return std::move(done).error();
      return written_;
    }
    for (std::int64_t row = 0; row < rows_; row += step) {
      if (auto done = one(row, std::min(step, rows_ - row)); !done) return std::move(done).error();
      progress_.report(static_cast<double>(row) / static_cast<double>(rows_));
    }
    return written_;
  }

 private:
  Result<void> open_inputs() {
    for (const auto& info : session_.schema().inputs) {
      const auto fd = files_.inputs.find("input." + info.name);
      if (fd == files_.inputs.end()) return misfit("there is no file for input " + info.name);
      auto& input = inputs_.emplace_back();
      if (!is_empty(fd->second)) input.file = TOLL_TRY(MappedFile::open(fd->second));
      input.shape = TOLL_TRY(shape_of(info, request_));
      if (request_.batch <= 0) continue;
      const auto& shape = inputs_.back().shape;
      if (shape.empty() || shape.front() < 1 || (rows_ && rows_ != shape.front()))
        return misfit("inputs that go through in batches have one number of rows");
      rows_ = shape.front();
      if (inputs_.back().bytes().size() % static_cast<std::size_t>(rows_))
        return misfit("the file of input " + info.name + " has no whole rows");
    }
    return {};
  }

  // Rows [first, first + count) of every input; all of them when count is 0.
  Result<void> one(std::int64_t first, std::int64_t count) {
    std::vector<TensorView> views;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      TensorView view{session_.schema().inputs[i].name, inputs_[i].shape, inputs_[i].bytes()};
      if (count) {
        const auto row = view.bytes.size() / static_cast<std::size_t>(rows_);
        view.bytes = view.bytes.subspan(static_cast<std::size_t>(first) * row, static_cast<std::size_t>(count) * row);
        view.shape.front() = count;
      }
      views.push_back(std::move(view));
    }
    const auto made = TOLL_TRY(session_.run(views, wanted_, stop_));
    for (std::size_t i = 0; i < made.size(); ++i) {
      auto shape = made[i].shape();
      if (count) {
        if (shape.empty() || shape.front() != count)
          return misfit("output " + wanted_[i] + " has no rows to put together");
        shape.front() += first;
      }
      if (auto put = append(files_.outputs.at("output." + wanted_[i]), made[i].bytes(), offsets_[wanted_[i]]); !put)
        return put;
      written_[i].shape = std::move(shape);
    }
    return {};
  }

  static Result<void> append(int fd, std::span<const std::byte> bytes, std::int64_t& offset) {
    while (!bytes.empty()) {
      const auto written = ::pwrite(fd, bytes.data(), bytes.size(), offset);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) return Reason::storage_full;
      if (written < 0) throw std::system_error(errno, std::generic_category(), "pwrite");
      bytes = bytes.subspan(static_cast<std::size_t>(written));
      offset += written;
    }
    return {};
  }

  Session& session_;
  const Request& request_;
  const engine::Input& files_;
  engine::Progress& progress_;
  std::stop_token stop_;
  std::vector<InputFile> inputs_;
  std::int64_t rows_ = 0;
  std::vector<std::string> wanted_;
  std::vector<TensorInfo> written_;
  std::map<std::string, std::int64_t> offsets_;
};

class OnnxEngine final : public engine::Engine {
 public:
  engine::Description describe() const override { return {"onnx", "Runs an ONNX model on tensors."}; }
  // A runtime that is not there is reported by the run.
  void before_sandbox() override { (void)load_runtime().has_value(); }

  Result<engine::Output> run(const engine::Input& input, engine::Progress& progress, std::stop_token stop) override {
    const Request request = TOLL_TRY(parse_request(input.params));
    const auto model = input.inputs.find("model");
    if (model == input.inputs.end()) throw std::invalid_argument("onnx: no descriptor for model");
    if (!kept_ || request.sha256.empty() || kept_->digest != request.sha256 || !same_session(kept_->request, request)) {
      kept_.reset();
      trim_model_memory();
      kept_.emplace(TOLL_TRY(load(model->second, request)));
    }
    if (request.action == Request::Action::describe) return engine::Output{write_schema(kept_->session.schema())};
    const auto written = TOLL_TRY(Run(kept_->session, request, input, progress, std::move(stop)).run());
    if (request.batch > 0) progress.report(1);
    auto answer = json::parse(write_schema({.outputs = written})).as_object();
    return engine::Output{json::serialize(json::object{
        {"outputs", answer.at("outputs")}, {"sha256", kept_->digest}, {"peak_mib", peak_model_memory() >> 20}})};
  }

 private:
  std::optional<Loaded> kept_;
};

}  // namespace

std::unique_ptr<engine::Engine> make_onnx_engine() {
  return std::make_unique<OnnxEngine>();
}

}  // namespace toll::engines::onnx
