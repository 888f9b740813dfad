// Text out of documents and pictures of text.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/host.h"
#include "engine/tool.h"

namespace toll::documents {

struct Page {
  std::int64_t number = 0;  // from 1
  std::string text;         // UTF-8
};

struct Word {
  std::string text;
  double confidence = 0;  // 0..100
  std::int64_t page = 1;
  int left = 0, top = 0, width = 0, height = 0;  // pixels of the page at the asked resolution, or of the picture
};

struct Text {
  std::vector<Page> pages;
  std::vector<Word> words;                // of pages that were read by OCR
  std::optional<double> mean_confidence;  // of these words
  std::string all() const;                // the pages, with form feeds between them
};

enum class Ocr : std::uint8_t { automatic, off, force };

struct Asked {
  bool layout = true;  // keep columns apart by blanks, as they stand on the page
  std::int64_t max_pages = 1000;
  Ocr ocr = Ocr::automatic;  // automatic: pages without a text layer, and pictures
  std::string language = "eng";
  int dpi = 300;
};

struct Options {
  std::size_t workers = 2;                        // files at a time
  std::filesystem::path self = "/proc/self/exe";  // the tollhouse binary
  std::filesystem::path languages;                // folder of LANGUAGE.traineddata
  std::filesystem::path pdftotext = "/usr/bin/pdftotext", pdftoppm = "/usr/bin/pdftoppm";
  engine::ToolLimits tool{};
  std::chrono::seconds wall_time{300};  // of one document, its pages together
};

// Thread-safe; blocking. Who asks while `workers` files are being read waits.
class Reader {
 public:
  using MakeRunner = std::function<std::unique_ptr<engine::Runner>()>;
  // make_runner is called at once; its runners know the engine "documents".
  Reader(MakeRunner make_runner, Options options);
  ~Reader();

  // Of a readable, seekable file. Faults: unsupported_document {mime}; unreadable_document {why}: damaged, locked, too
  // large, more than 6 MiB of text, or no OCR for what has no text layer; job_timed_out, cancelled, worker_lost,
  // internal.
  Result<Text> read(int fd, std::string_view mime, const Asked& asked, std::stop_token stop) const;

  bool reads_pdf() const;  // poppler's tools are there
  bool reads_pictures(const std::string& language = "eng") const;
  static bool reads(std::string_view mime);  // whether any of this is for such a file

 private:
  class Slots;
  Options options_;
  std::unique_ptr<Slots> slots_;
};

}  // namespace toll::documents
