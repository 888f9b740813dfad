#include "api/upload.h"

#include <algorithm>
#include <chrono>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/checksum.h"
#include "http/multipart.h"

namespace toll::api {

namespace {

// Where the bytes of the file part go: to the store with their digest, or to a digest alone.
class Sink {
 public:
  static Result<Sink> open(blob::Store* store, bool md5) {
    Sink sink;
    if (md5) sink.md5_.emplace(ChecksumStream::Kind::md5);
    if (store) {
      auto writer = store->create();
      if (!writer) return std::move(writer).error();
      sink.writer_ = std::move(*writer);
    }
    return sink;
  }
  Result<bool> write(std::string_view bytes) {
    size_ += bytes.size();
    if (md5_) md5_->update(bytes);
    if (!writer_) {
      hash_.update(bytes);
      return true;
    }
    if (auto written = writer_->write(as_span(bytes)); !written) return std::move(written).error();
    return true;
  }
  Result<UploadedFile> finish(std::string filename) {
    UploadedFile file{std::move(filename), nullptr, {}, size_, md5_ ? md5_->finish() : std::string()};
    if (!writer_) {
      file.digest = hash_.finish();
      return file;
    }
    auto staged = writer_->finish();
    if (!staged) return std::move(staged).error();
    file.staged = std::move(*staged);
    file.digest = file.staged->stored().digest;
    return file;
  }
  std::uint64_t size() const { return size_; }

 private:
  std::unique_ptr<blob::Writer> writer_;
  Sha256Stream hash_;
  std::optional<ChecksumStream> md5_;
  std::uint64_t size_ = 0;
};

Fault second_file(const FormLimits& limits) {
  FieldProblem problem{
      Place::body, {std::string(limits.file_field)}, Problem::rejected, "only one file can be sent", "null"};
  return Fault(Reason::invalid_request).at({std::move(problem)});
}

// The state of one form while its parts come in.
class FormBuilder {
 public:
  FormBuilder(FormLimits limits, blob::Store* store) : limits_(limits), store_(store) {}

  // Blocking: runs on the disk pool.
  Result<bool> take(const std::vector<http::MultipartParser::Event>& events) {
    using Event = http::MultipartParser::Event;
    for (const auto& event : events) {
      auto done = event.kind == Event::part_begin  ? begin(event.head)
                  : event.kind == Event::part_data ? data(event.data)
                                                   : end();
      if (!done) return done;
    }
    return true;
  }
  Form form() { return std::move(form_); }

 private:
  Result<bool> begin(const http::PartHead& head) {
    head_ = head;
    text_.clear();
    dropped_ = false;
    if (!head.filename) return true;
    if (head.name != limits_.file_field &&
        std::ranges::find(limits_.more_fields, head.name) == limits_.more_fields.end()) {
      dropped_ = true;
      return true;
    }
    if (limits_.most_files == 0 && !form_.files.empty()) return second_file(limits_);
    if (limits_.most_files > 0 && form_.files.size() >= limits_.most_files) {
      ++form_.files_beyond;
      dropped_ = true;
      return true;
    }
    auto sink = Sink::open(store_, limits_.md5);
    if (!sink) return std::move(sink).error();
    sink_.emplace(std::move(*sink));
    return true;
  }
  Result<bool> data(std::string_view bytes) {
    if (dropped_) return true;
    if (sink_) {
      if (sink_->size() + bytes.size() > limits_.file_bytes)
        return Fault(Reason::upload_too_large).with("limit", std::to_string(limits_.file_bytes));
      return sink_->write(bytes);
    }
    all_text_ += bytes.size();
    if (text_.size() + bytes.size() > limits_.text_bytes || all_text_ > limits_.all_text_bytes)
      return Fault(Reason::part_too_large).with("limit", std::to_string(limits_.text_bytes / 1024));
    text_ += bytes;
    return true;
  }
  Result<bool> end() {
    if (dropped_) return true;
    if (!sink_) {
      form_.texts.emplace_back(head_.name, std::move(text_));
      return true;
    }
    auto file = sink_->finish(*head_.filename);
    sink_.reset();
    if (!file) return std::move(file).error();
    form_.files.emplace_back(head_.name, std::move(*file));
    return true;
  }

  FormLimits limits_;
  blob::Store* store_;
  Form form_;
  http::PartHead head_;
  std::string text_;
  std::uint64_t all_text_ = 0;
  bool dropped_ = false;
  std::optional<Sink> sink_;
};

}  // namespace

const std::string* Form::text(std::string_view name) const {
  for (const auto& [key, value] : texts)
    if (key == name) return &value;
  return nullptr;
}

std::string Form::fingerprint() const {
  auto sorted = texts;
  std::sort(sorted.begin(), sorted.end());
  Sha256Stream stream;
  auto put = [&](std::string_view text) {
    stream.update(std::to_string(text.size()) + ":");
    stream.update(text);
  };
  for (const auto& [name, value] : sorted) put(name), put(value);
  for (const auto& [name, file] : files) put(name), put(file.filename), put(as_text(file.digest));
  return hex(stream.finish());
}

namespace {

// One blocking call at a time on the pool while the coroutine goes on reading. The state is shared, so that a call that
// still runs when its coroutine is gone has what it needs.
class Behind {
 public:
  Behind(asio::any_io_executor home, asio::thread_pool& pool, FormLimits limits, blob::Store* store)
      : state_(std::make_shared<State>(home, limits, store)), pool_(pool) {}

  // The last call must be over. Takes what `events` show of `bytes`.
  void start(std::vector<char> bytes, std::vector<http::MultipartParser::Event> events, std::function<void()> before) {
    state_->busy = true;
    state_->bytes = std::move(bytes);
    asio::post(pool_, [state = state_, events = std::move(events), before = std::move(before)] {
      Result<bool> taken = true;
      std::exception_ptr failed;
      try {
        if (before) before();
        taken = state->builder.take(events);
      } catch (...) {
        failed = std::current_exception();
      }
      asio::post(state->changed.get_executor(), [state, taken = std::move(taken), failed]() mutable {
        state->busy = false;
        state->result = std::move(taken);
        state->failed = failed;
        state->changed.cancel();
      });
    });
  }
  asio::awaitable<Result<bool>> finished() {
    while (state_->busy) {
      boost::system::error_code ignored;
      co_await state_->changed.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    if (state_->failed) std::rethrow_exception(state_->failed);
    co_return state_->result;
  }
  // A buffer to fill next: the one that the last call is done with.
  std::vector<char> spare() { return std::move(state_->bytes); }
  Form form() { return state_->builder.form(); }

 private:
  struct State {
    State(asio::any_io_executor home, FormLimits limits, blob::Store* store)
        : builder(limits, store), changed(home, asio::steady_timer::time_point::max()) {}
    FormBuilder builder;
    std::vector<char> bytes;  // no string: moving a short one would move its characters
    asio::steady_timer changed;
    bool busy = false;
    Result<bool> result = true;
    std::exception_ptr failed;
  };
  std::shared_ptr<State> state_;
  asio::thread_pool& pool_;
};

using Events = std::vector<http::MultipartParser::Event>;

// What arrives as the parts of a form: those of a multipart body, or one file that is the whole body.
class Parts {
 public:
  Parts(std::optional<std::string> boundary, std::string_view file_field) {
    if (boundary) parser_.emplace(std::move(*boundary));
    head_.name = std::string(file_field);
    head_.filename = "";
  }
  Result<Events> feed(std::string_view bytes) {
    if (parser_) return parser_->feed(bytes);
    Events events = begin();
    events.push_back({http::MultipartParser::Event::part_data, {}, bytes});
    return events;
  }
  Result<Events> finish() {
    if (parser_) {
      if (auto done = parser_->finish(); !done) return std::move(done).error();
      return Events();
    }
    Events events = begin();
    events.push_back({http::MultipartParser::Event::part_end, {}, {}});
    return events;
  }

 private:
  Events begin() {
    Events events;
    if (!begun_) events.push_back({http::MultipartParser::Event::part_begin, head_, {}});
    begun_ = true;
    return events;
  }
  std::optional<http::MultipartParser> parser_;
  http::PartHead head_;
  bool begun_ = false;
};

}  // namespace

asio::awaitable<Result<Form>> read_form(http::BodyReader& body, std::optional<std::string> boundary, FormLimits limits,
                                        blob::Store* store, asio::thread_pool& disk, std::function<void()> beat) {
  // What is dropped is bounded too: parts that nobody asked for, what stands before and after the parts.
  constexpr std::uint64_t around = 1 << 20;
  const auto most = limits.file_bytes * std::max<std::size_t>(1, limits.most_files) + limits.all_text_bytes + around;
  if (most > limits.file_bytes) body.set_limit(most);
  Parts parts(std::move(boundary), limits.file_field);
  Behind behind(co_await asio::this_coro::executor, disk, limits, store);
  auto last_beat = std::chrono::steady_clock::now();
  for (;;) {
    auto piece = co_await body.read();
    // The piece before this one was hashed and written meanwhile.
    auto taken = co_await behind.finished();
    if (!taken) co_return std::move(taken).error();
    if (!piece && piece.error().reason() == Reason::body_too_large)
      co_return Fault(Reason::upload_too_large).with("limit", std::to_string(limits.file_bytes));
    if (!piece) co_return std::move(piece).error();
    const bool last = piece->empty();
    auto buffer = behind.spare();
    buffer.assign(piece->begin(), piece->end());
    auto events = last ? parts.finish() : parts.feed({buffer.data(), buffer.size()});
    if (!events) co_return std::move(events).error();
    const auto now = std::chrono::steady_clock::now();
    const bool due = beat && now - last_beat > std::chrono::seconds(20);
    if (due) last_beat = now;
    const std::function<void()> before = due ? beat : nullptr;
    behind.start(std::move(buffer), std::move(*events), before);
    if (last) break;
  }
  if (auto taken = co_await behind.finished(); !taken) co_return std::move(taken).error();
  co_return behind.form();
}

}  // namespace toll::api
