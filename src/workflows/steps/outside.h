// The steps that reach beyond this process: files and documents, folders, URLs, databases, language models. Each
// factory's arguments outlive what it makes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "documents/reader.h"
#include "egress/client.h"
#include "workflows/steps/basic.h"
#include "workflows/steps/llm.h"
#include "workflows/steps/roots.h"

namespace toll::workflows::steps {

std::unique_ptr<StepKind> make_detect_type(DetectType detect);
std::unique_ptr<StepKind> make_text_extract(const documents::Reader& reader, DetectType detect);
std::unique_ptr<StepKind> make_text_ocr(const documents::Reader& reader, DetectType detect);

std::unique_ptr<StepKind> make_extract_rules();
std::unique_ptr<StepKind> make_classify(const Llm& llm);
std::unique_ptr<StepKind> make_extract_llm(const Llm& llm);

std::unique_ptr<StepKind> make_source_http(const egress::Client& client, DetectType detect);
std::unique_ptr<StepKind> make_sink_http(const egress::Client& client);

std::unique_ptr<StepKind> make_source_fs(const Roots& roots, DetectType detect);
std::unique_ptr<StepKind> make_sink_fs(const Roots& roots);

std::unique_ptr<StepKind> make_source_s3(const egress::Client& client, const Clock& clock, DetectType detect);
std::unique_ptr<StepKind> make_sink_s3(const egress::Client& client, const Clock& clock);

std::unique_ptr<StepKind> make_sink_sql(const egress::Guard& guard, const Roots& roots, const Clock& clock);

}  // namespace toll::workflows::steps
