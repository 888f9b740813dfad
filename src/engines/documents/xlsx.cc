// SpreadsheetML: ECMA-376, part 1, 18. Each sheet is a page, its rows are lines, cells are parted by tabs. Numbers
// whose format is a date's are written as dates (18.8.30: the built-in formats).
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>

#include "base/text.h"
#include "engines/documents/archive.h"
#include "engines/documents/reading.h"
#include "engines/documents/xml.h"

namespace toll::engines::documents {

namespace {

constexpr std::int64_t most_columns = 16'384, most_gap = 100'000;

// Calls `visit` with every event of a part.
template <class Visit>
Result<void> each_event(std::string_view text, const std::stop_token& stop, Visit visit) {
  Xml xml(text);
  for (;;) {
    const auto event = TOLL_TRY(xml.next(stop));
    if (event == Xml::Event::over) return {};
    if (!visit(event, xml)) return {};
  }
}

// Workbook-wide tables that cells point into.
struct Book {
  std::vector<std::pair<std::string, std::string>> sheets;  // name, relationship
  std::map<std::string, std::string> targets;               // of relationships
  std::vector<std::string> strings;
  std::vector<bool> is_date;  // by cell format
  bool from_1904 = false;
};

Result<void> read_workbook(Archive& archive, Book& book, const std::stop_token& stop) {
  const auto workbook = TOLL_TRY(archive.read("xl/workbook.xml"));
  TOLL_TRY(each_event(workbook, stop, [&](Xml::Event event, const Xml& xml) {
    if (event != Xml::Event::start) return true;
    if (xml.name() == "workbookPr") {
      const auto flag = xml.attribute("date1904");
      book.from_1904 = flag == "1" || flag == "true";
    }
    if (xml.name() == "sheet")
      book.sheets.emplace_back(xml.attribute("name").value_or(""), xml.attribute("id").value_or(""));
    return true;
  }));
  const auto relations = TOLL_TRY(archive.read("xl/_rels/workbook.xml.rels"));
  return each_event(relations, stop, [&](Xml::Event event, const Xml& xml) {
    if (event == Xml::Event::start && xml.name() == "Relationship")
      book.targets[xml.attribute("Id").value_or("")] = xml.attribute("Target").value_or("");
    return true;
  });
}

Result<void> read_strings(Archive& archive, Book& book, const std::stop_token& stop) {
  if (!archive.has("xl/sharedStrings.xml")) return {};
  const auto strings = TOLL_TRY(archive.read("xl/sharedStrings.xml"));
  bool in_text = false;
  int phonetic = 0;
  return each_event(strings, stop, [&](Xml::Event event, const Xml& xml) {
    const bool starts = event == Xml::Event::start;
    if (event == Xml::Event::text) {
      if (in_text && phonetic == 0 && !book.strings.empty()) book.strings.back() += xml.text();
      return true;
    }
    if (xml.name() == "si" && starts) book.strings.emplace_back();
    if (xml.name() == "rPh") phonetic += starts ? 1 : -1;
    if (xml.name() == "t") in_text = starts;
    return true;
  });
}

// Of a format code: letters of dates outside quotes, brackets and escapes.
bool is_date_code(std::string_view code) {
  char until = 0;
  for (std::size_t i = 0; i < code.size(); ++i) {
    const char c = code[i];
    if (until) {
      if (c == until) until = 0;
    } else if (c == '"' || c == '[') {
      until = c == '"' ? '"' : ']';
    } else if (c == '\\' || c == '_' || c == '*') {
      ++i;
    } else if (std::string_view("dDmMyYhHsS").find(c) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

Result<void> read_styles(Archive& archive, Book& book, const std::stop_token& stop) {
  if (!archive.has("xl/styles.xml")) return {};
  const auto styles = TOLL_TRY(archive.read("xl/styles.xml"));
  std::map<std::int64_t, bool> own;
  bool in_formats = false;
  return each_event(styles, stop, [&](Xml::Event event, const Xml& xml) {
    const bool starts = event == Xml::Event::start;
    if (event == Xml::Event::text) return true;
    if (xml.name() == "cellXfs") in_formats = starts;
    if (!starts) return true;
    const auto id = parse_int(xml.attribute("numFmtId").value_or("")).value_or(0);
    if (xml.name() == "numFmt") own[id] = is_date_code(xml.attribute("formatCode").value_or(""));
    if (xml.name() == "xf" && in_formats) {
      const auto found = own.find(id);
      book.is_date.push_back(found != own.end() ? found->second : (id >= 14 && id <= 22) || (id >= 45 && id <= 47));
    }
    return true;
  });
}

// Days since the last day of 1899, with the 29th of February that 1900 did not have (18.17.4.1).
std::optional<std::string> date_of(double serial, bool from_1904) {
  if (!(serial >= 0) || serial >= 2'958'466) return std::nullopt;
  auto days = static_cast<std::int64_t>(std::floor(serial));
  auto seconds = std::llround((serial - std::floor(serial)) * 86'400);
  if (seconds == 86'400) ++days, seconds = 0;
  if (from_1904)
    days += 1462;
  else if (days < 60)
    ++days;
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::year(1899) / 12 / 30) +
                                         std::chrono::days(days)};
  char text[32];
  const int length = std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  if (seconds == 0) return std::string(text, static_cast<std::size_t>(length));
  std::snprintf(text + length, sizeof text - static_cast<std::size_t>(length), "T%02d:%02d:%02d",
                static_cast<int>(seconds / 3600), static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  return std::string(text);
}

// "AB12" is column 27, counted from 0; nullopt: no reference.
std::optional<std::int64_t> column_of(std::string_view reference) {
  std::int64_t column = 0;
  std::size_t letters = 0;
  for (; letters < reference.size() && reference[letters] >= 'A' && reference[letters] <= 'Z' && letters < 4; ++letters)
    column = column * 26 + (reference[letters] - 'A' + 1);
  if (letters == 0 || column > most_columns) return std::nullopt;
  return column - 1;
}

class Sheet {
 public:
  Sheet(const Book& book, Pages& pages) : book_(book), pages_(pages) {}

  bool visit(Xml::Event event, const Xml& xml) {
    if (event == Xml::Event::text) {
      if (in_value_) value_ += xml.text();
      return true;
    }
    const bool starts = event == Xml::Event::start;
    const auto name = xml.name();
    if (name == "c") starts ? start_cell(xml) : end_cell();
    if (name == "v" || name == "t") in_value_ = starts;
    if (name == "row" && starts) column_ = 0;
    if (name == "row" && !starts) pages_.end_line();
    return !pages_.done();
  }

 private:
  void start_cell(const Xml& xml) {
    value_.clear();
    type_ = xml.attribute("t").value_or("n");
    const auto style = parse_int(xml.attribute("s").value_or("0")).value_or(0);
    date_ = style >= 0 && static_cast<std::size_t>(style) < book_.is_date.size() &&
            book_.is_date[static_cast<std::size_t>(style)];
    const auto at = column_of(xml.attribute("r").value_or("")).value_or(column_);
    // A cell at the far end of a row costs no more than cells would; all gaps together have a bound.
    for (; column_ < at && gap_ < most_gap; ++column_, ++gap_) pages_.add('\t');
    column_ = at;
  }

  void end_cell() {
    auto text = shown();
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t' || c == '\r'; }, ' ');
    pages_.add(text);
    pages_.add('\t');
    ++column_;
  }

  std::string shown() const {
    if (type_ == "s") {
      const auto index = parse_int(value_).value_or(-1);
      return index >= 0 && static_cast<std::size_t>(index) < book_.strings.size()
                 ? book_.strings[static_cast<std::size_t>(index)]
                 : "";
    }
    if (type_ == "b") return value_ == "1" ? "TRUE" : "FALSE";
    if (type_ == "n" && date_ && !value_.empty()) {
      char* end = nullptr;
      const double serial = std::strtod(value_.c_str(), &end);
      if (end && *end == '\0')
        if (auto date = date_of(serial, book_.from_1904)) return *date;
    }
    return value_;
  }

  const Book& book_;
  Pages& pages_;
  std::string value_, type_;
  bool in_value_ = false, date_ = false;
  std::int64_t column_ = 0, gap_ = 0;
};

std::string part_of(const std::string& target) {
  return target.starts_with('/') ? target.substr(1) : "xl/" + target;
}

}  // namespace

Result<Read> read_xlsx(std::string_view bytes, const Asked& asked) {
  auto archive = TOLL_TRY(Archive::open(bytes));
  Book book;
  TOLL_TRY(read_workbook(archive, book, asked.stop));
  TOLL_TRY(read_strings(archive, book, asked.stop));
  TOLL_TRY(read_styles(archive, book, asked.stop));
  Pages pages(asked.max_pages);
  bool first = true;
  for (const auto& [name, relation] : book.sheets) {
    const auto target = book.targets.find(relation);
    // Sheets of charts have no cells.
    if (target == book.targets.end() || target->second.find("worksheets/") == std::string::npos) continue;
    if (!std::exchange(first, false)) pages.next_page();
    if (pages.done()) break;
    const auto text = TOLL_TRY(archive.read(part_of(target->second)));
    Sheet sheet(book, pages);
    TOLL_TRY(each_event(text, asked.stop, [&](Xml::Event event, const Xml& xml) { return sheet.visit(event, xml); }));
  }
  return std::move(pages).take();
}

}  // namespace toll::engines::documents
