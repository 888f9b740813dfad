#include "workflows/rules/table.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace toll::workflows::rules {

namespace {

// Of a line no more is looked at.
constexpr std::size_t longest_line = 64 << 10;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of("\n\f"), text.size());
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    out.push_back(utf8_prefix(line, longest_line));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// Where the headings stand in a line, in bytes; nullopt: not all of them, in this order.
std::optional<std::vector<Phrase::Place>> headings_in(const std::vector<Phrase>& headings, std::string_view line) {
  std::vector<Phrase::Place> out;
  std::size_t from = 0;
  for (const auto& heading : headings) {
    const auto place = heading.find(line, from);
    if (!place) return std::nullopt;
    out.push_back(*place);
    from = place->end;
  }
  return out;
}

// The delimiter that stands between all headings; 0: none, blanks do.
char delimiter_of(std::string_view line, const std::vector<Phrase::Place>& places) {
  for (const char mark : {'\t', ';', '|', ','}) {
    bool everywhere = places.size() > 1;
    for (std::size_t i = 1; i < places.size(); ++i)
      everywhere =
          everywhere && line.substr(places[i - 1].end, places[i].begin - places[i - 1].end).find(mark) != line.npos;
    if (everywhere) return mark;
  }
  return 0;
}

// RFC 4180: a field in quotes may hold the delimiter, and a quote twice.
std::vector<std::string> split(std::string_view line, char delimiter) {
  std::vector<std::string> out(1);
  bool quoted = false, blank = true;  // nothing but blanks in this cell so far
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      out.back() += line[++i];
    } else if (c == '"' && (quoted || blank)) {
      quoted = !quoted;
    } else if (c == delimiter && !quoted) {
      out.emplace_back();
      blank = true;
      continue;
    } else {
      out.back() += c;
    }
    blank = blank && (c == ' ' || c == '\t');
  }
  for (auto& cell : out) cell = std::string(trim(cell));
  return out;
}

// nullopt: a heading has no cell of its own.
std::optional<Rows> delimited_rows(const std::vector<Phrase>& headings, const std::vector<std::string_view>& lines,
                                   std::size_t at, char delimiter, std::size_t most) {
  const auto titles = split(lines[at], delimiter);
  std::vector<std::size_t> columns;
  std::size_t from = 0;
  for (const auto& heading : headings)
    for (; from < titles.size(); ++from)
      if (heading.find(titles[from])) {
        columns.push_back(from++);
        break;
      }
  if (columns.size() != headings.size()) return std::nullopt;
  Rows rows;
  while (++at < lines.size() && rows.size() < most && !trim(lines[at]).empty()) {
    const auto cells = split(lines[at], delimiter);
    auto& row = rows.emplace_back();
    for (const auto column : columns) row.push_back(column < cells.size() ? cells[column] : "");
  }
  return rows;
}

struct Column {
  std::size_t begin, end;  // of its heading, in characters
};

// The column whose heading a segment overlaps, or else is nearest to.
std::size_t column_of(const Segment& segment, const std::vector<Column>& columns) {
  const auto distance = [&](const Column& column) -> double {
    if (segment.begin < column.end && column.begin < segment.end) return 0;
    return segment.begin >= column.end ? static_cast<double>(segment.begin - column.end) + 1
                                       : static_cast<double>(column.begin - segment.end) + 1;
  };
  const auto middle = [](std::size_t begin, std::size_t end) { return static_cast<double>(begin + end) / 2; };
  std::size_t best = 0;
  for (std::size_t i = 1; i < columns.size(); ++i) {
    const double here = distance(columns[i]), there = distance(columns[best]);
    const double own = middle(segment.begin, segment.end);
    if (here < there || (here == there && std::abs(middle(columns[i].begin, columns[i].end) - own) <
                                              std::abs(middle(columns[best].begin, columns[best].end) - own)))
      best = i;
  }
  return best;
}

std::vector<std::string> cells_of(std::string_view line, const std::vector<Column>& columns) {
  std::vector<std::string> out(columns.size());
  for (const auto& segment : segments_of(line)) {
    auto& cell = out[column_of(segment, columns)];
    cell += (cell.empty() ? "" : " ") + segment.text;
  }
  return out;
}

std::size_t filled(const std::vector<std::string>& cells) {
  return static_cast<std::size_t>(
      std::count_if(cells.begin(), cells.end(), [](const auto& cell) { return !cell.empty(); }));
}

Rows laid_out_rows(const std::vector<Column>& columns, const std::vector<std::string_view>& lines, std::size_t at,
                   std::size_t most) {
  // One cell of four or more may be empty.
  const auto enough = columns.size() >= 4 ? columns.size() - 1 : columns.size();
  Rows rows;
  while (++at < lines.size() && rows.size() < most) {
    const auto line = trim(lines[at]);
    const bool ruler = !line.empty() && line.find_first_not_of("-=_ |+") == line.npos;
    if (ruler || (line.empty() && rows.empty())) continue;
    const auto cells = cells_of(lines[at], columns);
    if (filled(cells) >= enough) {
      rows.push_back(cells);
    } else if (filled(cells) == 1 && !rows.empty() && columns.size() > 1) {
      for (std::size_t i = 0; i < cells.size(); ++i)
        if (!cells[i].empty()) rows.back()[i] += " " + cells[i];
    } else {
      break;
    }
  }
  return rows;
}

}  // namespace

std::vector<Segment> segments_of(std::string_view line) {
  std::vector<Segment> out;
  std::size_t at = 0, counted = 0, position = 0;  // `position` characters stand before byte `counted`
  const auto characters_before = [&](std::size_t byte) {
    position += characters(line.substr(counted, byte - counted));
    counted = byte;
    return position;
  };
  while (at < line.size()) {
    const auto begin = line.find_first_not_of(" \t", at);
    if (begin == line.npos) break;
    auto end = begin;
    while (end < line.size() && line[end] != '\t' && line.compare(end, 2, "  ") != 0) ++end;
    const auto first = characters_before(begin);
    out.push_back({first, characters_before(end), std::string(line.substr(begin, end - begin))});
    at = end;
  }
  return out;
}

std::optional<Rows> rows_under(const std::vector<Phrase>& headings, std::string_view text, std::size_t most_rows) {
  const auto lines = lines_of(text);
  for (std::size_t at = 0; at < lines.size(); ++at) {
    const auto places = headings_in(headings, lines[at]);
    if (!places) continue;
    if (const char delimiter = delimiter_of(lines[at], *places)) {
      if (auto rows = delimited_rows(headings, lines, at, delimiter, most_rows)) return rows;
      continue;
    }
    std::vector<Column> columns;
    for (const auto& place : *places)
      columns.push_back({characters(lines[at].substr(0, place.begin)), characters(lines[at].substr(0, place.end))});
    return laid_out_rows(columns, lines, at, most_rows);
  }
  return std::nullopt;
}

}  // namespace toll::workflows::rules
