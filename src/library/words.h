// Text as search sees it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace toll::library {

// Case folded, the rest as it is (Unicode full case folding).
std::string caseless(std::string_view text);

// Runs of letters and digits, without case and accents, in order: "Björk – Jóga" -> {"bjork", "joga"}. Compatibility
// forms and letters with strokes become their plain ones (NFKD, "ø" -> "o"). A word has at most 200 bytes.
std::vector<std::string> words_of(std::string_view text);
// The same with one space between.
std::string folded(std::string_view text);

}  // namespace toll::library
