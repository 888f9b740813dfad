#include "documents/reader.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>

#include "base/text.h"
#include "documents/parts.h"
#include "json/parse.h"

namespace toll::documents {

namespace {

constexpr std::size_t most_answer = 64 << 20;
constexpr std::size_t most_text = 6 << 20;
constexpr int most_tiff_pages = 1000;

struct NoProgress final : engine::Progress {
  void report(double) override {}
};

bool is_picture(std::string_view mime) {
  static constexpr std::array<std::string_view, 7> known{
      "image/png", "image/jpeg", "image/tiff", "image/x-portable-anymap", "image/bmp", "image/gif", "image/webp"};
  return std::find(known.begin(), known.end(), mime) != known.end();
}

bool is_blank(const Page& page) {
  return page.text.find_first_not_of(" \t\r\n") == std::string::npos;
}

// What a file does to a worker is the file's doing.
Fault blamed(Fault fault) {
  if (fault.reason() != Reason::worker_lost) return fault;
  return Fault(Reason::unreadable_document).with("why", "it could not be read").because(fault.describe());
}

bool plain_name(const std::string& language) {
  return !language.empty() && language.size() <= 40 &&
         std::all_of(language.begin(), language.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

}  // namespace

// The runners that are free, one a file that is being read.
class Reader::Slots {
 public:
  Slots(const MakeRunner& make_runner, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) free_.push_back(make_runner());
  }
  // null: stop was requested first.
  std::unique_ptr<engine::Runner> take(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [this] { return !free_.empty(); })) return nullptr;
    auto runner = std::move(free_.back());
    free_.pop_back();
    return runner;
  }
  void give_back(std::unique_ptr<engine::Runner> runner) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(runner));
    changed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::unique_ptr<engine::Runner>> free_;
};

namespace {

// One document on its way.
class Work {
 public:
  Work(const Options& options, engine::Runner& runner, int fd, const Asked& asked, std::stop_token stop)
      : options_(options),
        runner_(runner),
        fd_(fd),
        asked_(asked),
        stop_(std::move(stop)),
        end_(std::chrono::steady_clock::now() + options.wall_time) {}

  Result<Text> pdf() {
    auto text = TOLL_TRY(text_of_pdf(options_, fd_, asked_, end_, stop_));
    for (auto& page : text.pages)
      if (asked_.ocr == Ocr::force || (asked_.ocr == Ocr::automatic && is_blank(page) && has_language()))
        TOLL_TRY(read_drawn(text, page));
    return finished(std::move(text));
  }

  Result<Text> picture(std::string_view mime) {
    if (asked_.ocr == Ocr::off) return Fault(Reason::unsupported_document).with("mime", std::string(mime));
    Text out;
    const int pages =
        mime == "image/tiff" ? static_cast<int>(std::min<std::int64_t>(asked_.max_pages, most_tiff_pages)) : 1;
    for (int number = 0; number < pages; ++number) {
      auto read = ocr(fd_, number + 1, number);
      if (!read && number > 0 && read.error().argument("why") == "it has no such page") break;
      if (!read) return std::move(read).error();
      append(out, std::move(*read));
    }
    return finished(std::move(out));
  }

  Result<Text> other(std::string_view mime) {
    engine::Task task{"documents", {}};
    task.input.params =
        boost::json::serialize(json::Object{{"task", "extract"}, {"mime", mime}, {"max_pages", asked_.max_pages}});
    task.input.inputs["file"] = fd_;
    return run(task);
  }

 private:
  bool has_language() const { return std::filesystem::exists(data_path()); }
  std::filesystem::path data_path() const { return options_.languages / (asked_.language + ".traineddata"); }

  Result<void> read_drawn(Text& text, Page& page) {
    const auto picture = TOLL_TRY(draw_pdf_page(options_, fd_, page.number, asked_.dpi, end_, stop_));
    auto read = TOLL_TRY(ocr(picture.get(), page.number, 0));
    if (!read.pages.empty()) page.text = std::move(read.pages.front().text);
    read.pages.clear();
    append(text, std::move(read));
    return {};
  }

  static void append(Text& text, Text more) {
    std::move(more.pages.begin(), more.pages.end(), std::back_inserter(text.pages));
    std::move(more.words.begin(), more.words.end(), std::back_inserter(text.words));
  }

  Result<Text> ocr(int fd, std::int64_t page, int tiff_page) {
    const engine::Fd language(::open(data_path().c_str(), O_RDONLY | O_CLOEXEC));
    if (!language)
      return Fault(Reason::unreadable_document)
          .with("why", "there is no language data \"" + asked_.language + "\" to read pictures with");
    engine::Task task{"documents", {}};
    task.input.params = boost::json::serialize(json::Object{
        {"task", "ocr"}, {"page", page}, {"tiff_page", tiff_page}, {"dpi", asked_.dpi}, {"layout", asked_.layout}});
    task.input.inputs["file"] = fd;
    task.input.inputs["language"] = language.get();
    return run(task);
  }

  Result<Text> run(engine::Task& task) {
    if (std::chrono::steady_clock::now() >= end_)
      return Fault(Reason::job_timed_out).because("a document took too long");
    const auto out = memory_file();
    task.input.outputs["text"] = out.get();
    NoProgress progress;
    auto ended = runner_.run(task, progress, stop_);
    if (!ended) return blamed(std::move(ended).error());
    const auto answer = content_of(out.get(), most_answer);
    if (!answer) return Fault(Reason::unreadable_document).with("why", "it holds too much text");
    auto text = parse_answer(*answer);
    if (!text) return blamed(std::move(text).error());
    return text;
  }

  static Result<Text> finished(Text text) {
    std::size_t bytes = 0;
    for (const auto& page : text.pages) bytes += page.text.size();
    if (bytes > most_text) return Fault(Reason::unreadable_document).with("why", "it holds more than 6 MiB of text");
    double sum = 0;
    for (const auto& word : text.words) sum += word.confidence;
    text.mean_confidence =
        text.words.empty() ? std::nullopt : std::optional(sum / static_cast<double>(text.words.size()));
    return text;
  }

  const Options& options_;
  engine::Runner& runner_;
  const int fd_;
  const Asked& asked_;
  const std::stop_token stop_;
  const Deadline end_;
};

}  // namespace

Reader::Reader(MakeRunner make_runner, Options options)
    : options_(std::move(options)), slots_(std::make_unique<Slots>(make_runner, options_.workers)) {}
Reader::~Reader() = default;

Result<Text> Reader::read(int fd, std::string_view mime, const Asked& asked, std::stop_token stop) const {
  const auto name = lower(trim(mime.substr(0, mime.find(';'))));
  if (!reads(name)) return Fault(Reason::unsupported_document).with("mime", name);
  if (!plain_name(asked.language)) return Fault(Reason::unreadable_document).with("why", "there is no such language");
  auto runner = slots_->take(stop);
  if (!runner) return Fault(Reason::cancelled);
  Work work(options_, *runner, fd, asked, stop);
  Result<Text> out = Fault(Reason::internal);
  try {
    out = name == "application/pdf" ? work.pdf() : is_picture(name) ? work.picture(name) : work.other(name);
  } catch (...) {
    slots_->give_back(std::move(runner));
    throw;
  }
  slots_->give_back(std::move(runner));
  return out;
}

bool Reader::reads_pdf() const {
  return std::filesystem::exists(options_.pdftotext) && std::filesystem::exists(options_.pdftoppm);
}

bool Reader::reads_pictures(const std::string& language) const {
  return plain_name(language) && std::filesystem::exists(options_.languages / (language + ".traineddata"));
}

bool Reader::reads(std::string_view mime) {
  constexpr std::string_view office = "application/vnd.openxmlformats-officedocument.";
  return mime == "application/pdf" || is_picture(mime) || mime.starts_with("text/") || mime == "application/json" ||
         mime == "application/xml" || mime == "application/xhtml+xml" ||
         mime == "application/vnd.oasis.opendocument.text" ||
         (mime.starts_with(office) &&
          (mime.ends_with("wordprocessingml.document") || mime.ends_with("spreadsheetml.sheet")));
}

}  // namespace toll::documents
