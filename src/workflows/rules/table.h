// Tables in texts: under a row of headings, laid out with blanks as pdftotext does it, or delimited.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workflows/rules/phrase.h"

namespace toll::workflows::rules {

// A stretch of a line between gaps of at least two blanks; begin and end in characters, not bytes.
struct Segment {
  std::size_t begin = 0, end = 0;
  std::string text;
};
std::vector<Segment> segments_of(std::string_view line);

// The cells of each row under the first line that holds all headings in this order; a cell that is empty is an empty
// text. nullopt: there is no such line; in a delimited one each heading has a cell of its own. A table ends at an empty
// line, or at a row that has too few cells to be one; a line with a single cell below a row goes on with that cell.
using Rows = std::vector<std::vector<std::string>>;
std::optional<Rows> rows_under(const std::vector<Phrase>& headings, std::string_view text,
                               std::size_t most_rows = 10'000);

}  // namespace toll::workflows::rules
