// What reader.cc is made of. Private to documents/.
#pragma once

#include "documents/reader.h"
#include "engine/fd.h"

namespace toll::documents {

using Deadline = std::chrono::steady_clock::time_point;

// An unnamed file in memory. Throws std::system_error.
engine::Fd memory_file();
// The whole file, at most `most` bytes; nullopt: it is larger.
std::optional<std::string> content_of(int fd, std::size_t most);
// The same file with an offset of its own: descriptors of the store are shared. Throws std::system_error.
engine::Fd reopened(int fd);

// The answer of the engine, which has read a stranger's file: anything unexpected is worker_lost.
Result<Text> parse_answer(std::string_view text);

// pdftotext. Faults as of Reader::read.
Result<Text> text_of_pdf(const Options& options, int fd, const Asked& asked, Deadline end, std::stop_token stop);
// One page as a picture (PGM).
Result<engine::Fd> draw_pdf_page(const Options& options, int fd, std::int64_t page, int dpi, Deadline end,
                                 std::stop_token stop);

}  // namespace toll::documents
