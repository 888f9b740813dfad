// PDF by poppler's programs.
#include <algorithm>

#include "base/text.h"
#include "documents/parts.h"

namespace toll::documents {

namespace {

constexpr std::size_t most_text = 8 << 20;

Fault unreadable(std::string why, std::string cause) {
  return Fault(Reason::unreadable_document).with("why", std::move(why)).because(std::move(cause));
}

// What a file does to the program is the file's fault; what keeps the program from running is ours.
Result<engine::Fd> run(const Options& options, const std::filesystem::path& program, std::vector<std::string> arguments,
                       int fd, Deadline end, const std::stop_token& stop) {
  auto limits = options.tool;
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(end - std::chrono::steady_clock::now());
  if (left.count() <= 0) return Fault(Reason::job_timed_out).because("a document took too long");
  limits.wall_time = std::min(limits.wall_time, left);
  auto out = memory_file();
  const auto in = reopened(fd);
  auto ended = engine::run_tool(
      options.self, {.program = program, .arguments = std::move(arguments), .in = in.get(), .out = out.get()}, limits,
      stop);
  if (!ended && ended.error().reason() == Reason::worker_lost)
    return unreadable("it could not be read", ended.error().describe());
  if (!ended) return std::move(ended).error();
  if (ended->status == 0) return out;
  const bool locked = ended->errors.find("Incorrect password") != std::string::npos;
  return unreadable(locked ? "it is locked by a password" : "it is damaged", program.string() + ": " + ended->errors);
}

// A page ends with a form feed.
Text split_pages(std::string_view text) {
  Text out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\f'), text.size());
    out.pages.push_back({static_cast<std::int64_t>(out.pages.size()) + 1, std::string(text.substr(0, end))});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

Result<Text> text_of_pdf(const Options& options, int fd, const Asked& asked, Deadline end, std::stop_token stop) {
  std::vector<std::string> arguments{"-q", "-enc", "UTF-8", "-eol", "unix", "-l", std::to_string(asked.max_pages)};
  if (asked.layout) arguments.insert(arguments.begin(), "-layout");
  arguments.insert(arguments.end(), {"-", "-"});
  const auto out = TOLL_TRY(run(options, options.pdftotext, std::move(arguments), fd, end, stop));
  const auto text = content_of(out.get(), most_text);
  if (!text) return unreadable("it holds too much text", "");
  if (!valid_utf8(*text)) return unreadable("its text could not be decoded", "");
  return split_pages(*text);
}

Result<engine::Fd> draw_pdf_page(const Options& options, int fd, std::int64_t page, int dpi, Deadline end,
                                 std::stop_token stop) {
  const auto number = std::to_string(page);
  return run(options, options.pdftoppm,
             {"-q", "-gray", "-cropbox", "-singlefile", "-r", std::to_string(dpi), "-f", number, "-l", number, "-"}, fd,
             end, stop);
}

}  // namespace toll::documents
