#include "tollhouse/console.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "base/text.h"

namespace toll::app {

int Console::show(std::string_view for_people, const boost::json::value& for_programs) const {
  if (format == Format::json)
    out << boost::json::serialize(for_programs) << '\n';
  else
    out << for_people << (for_people.ends_with('\n') ? "" : "\n");
  out.flush();
  return succeeded;
}

int Console::fail(std::string_view what, std::string_view hint) const {
  if (format == Format::json) {
    boost::json::object error{{"error", what}};
    if (!hint.empty()) error["hint"] = hint;
    err << boost::json::serialize(error) << '\n';
  } else {
    err << "error: " << what << '\n';
    if (!hint.empty()) err << hint << '\n';
  }
  err.flush();
  return failed;
}

int Console::fail(const Fault& fault, std::string_view hint) const {
  return fail(explain(fault), hint);
}

std::string explain(const Fault& fault) {
  std::string text = fault.detail();
  for (const auto& problem : fault.problems()) {
    std::string name;
    for (const auto& step : problem.path)
      if (auto* word = std::get_if<std::string>(&step)) name += (name.empty() ? "" : ".") + *word;
    text += fmt::format(": {} {}", name, problem.message);
  }
  if (!fault.cause().empty()) text += fmt::format(" ({})", fault.cause());
  return text;
}

std::string as_columns(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], utf8_length(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] + 2 - utf8_length(row[i]), ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

ProgressBar::ProgressBar(const Console& console, std::string label) : console_(console), label_(std::move(label)) {}

ProgressBar::~ProgressBar() {
  if (drawn_ >= 0) console_.err << "\r\033[K" << std::flush;
}

void ProgressBar::show(double fraction) {
  constexpr int width = 30;
  int percent = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * 100);
  if (!console_.terminal || console_.format == Format::json || percent == drawn_) return;
  drawn_ = percent;
  int filled = percent * width / 100;
  console_.err << fmt::format("\r\033[K{} [{}{}] {:3}%", label_, std::string(filled, '#'),
                              std::string(width - filled, '.'), percent)
               << std::flush;
}

std::string human_bytes(std::size_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1000;
  const char* unit = "kB";
  for (const char* next : {"MB", "GB", "TB"}) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  return fmt::format("{:.1f} {}", value, unit);
}

}  // namespace toll::app
