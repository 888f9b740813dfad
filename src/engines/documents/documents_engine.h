// The engine "documents": text out of files.
#pragma once

#include <memory>

#include "engine/engine.h"

namespace toll::engines::documents {

inline constexpr std::string_view engine_name = "documents";

// Input "file", output "text"; both tasks write there
//   {"pages": [{"number": 1, "text": "..."}], "words": [{"text", "confidence", "page", "box": [left, top, width,
//   height]}],
//    "mean_confidence": 0..100 or null}
// Params:
//   {"task": "extract", "mime": "text/html", "max_pages": 1000}     words is empty
//   {"task": "ocr", "page": 1, "dpi": 300, "layout": true}          input "language": Tesseract's data; "file": PNM,
//   PNG, JPEG, TIFF ...
//                                                                   of a TIFF the page `tiff_page` (0..)
// Boxes are pixels. Faults: unsupported_document {mime}, unreadable_document {why}, cancelled.
std::unique_ptr<engine::Engine> make_documents_engine();

}  // namespace toll::engines::documents
