#include "tollhouse/outside.h"

#include "workflows/steps/outside.h"
#include "workflows/steps/types.h"

namespace toll::app {

namespace {

namespace steps = workflows::steps;

engine::Limits worker_limits(const config::Settings& settings) {
  engine::Limits limits;
  limits.memory_bytes = static_cast<std::uint64_t>(settings.documents.memory_bytes);
  limits.cpu_time = limits.wall_time = settings.documents.timeout;
  limits.output_bytes = 256ull << 20;
  limits.sandbox = settings.engine.sandbox;
  return limits;
}

documents::Options reader_options(const config::Settings& settings) {
  documents::Options out{.workers = static_cast<std::size_t>(settings.documents.workers),
                         .languages = settings.documents.languages};
  out.tool.memory_bytes = static_cast<std::uint64_t>(settings.documents.memory_bytes);
  out.tool.cpu_time = out.tool.wall_time = out.wall_time = settings.documents.timeout;
  out.tool.sandbox = settings.engine.sandbox;
  return out;
}

}  // namespace

Outside::Outside(const config::Settings& settings)
    : client(egress::Guard(settings.egress.allow)),
      roots(settings.folders.roots),
      llm(client, settings.egress.gateways),
      reader([limits = worker_limits(settings)] { return engine::make_process_runner("/proc/self/exe", limits); },
             reader_options(settings)) {}

void Outside::add_to(workflows::Catalogue& catalogue, const Clock& clock) const {
  catalogue.add(steps::make_source_http(client, steps::type_of));
  catalogue.add(steps::make_source_fs(roots, steps::type_of));
  catalogue.add(steps::make_source_s3(client, clock, steps::type_of));
  catalogue.add(steps::make_detect_type(steps::type_of));
  catalogue.add(steps::make_text_extract(reader, steps::type_of));
  catalogue.add(steps::make_text_ocr(reader, steps::type_of));
  catalogue.add(steps::make_extract_rules());
  catalogue.add(steps::make_extract_llm(llm));
  catalogue.add(steps::make_classify(llm));
  catalogue.add(steps::make_sink_http(client));
  catalogue.add(steps::make_sink_fs(roots));
  catalogue.add(steps::make_sink_s3(client, clock));
  catalogue.add(steps::make_sink_sql(client.guard(), roots, clock));
}

}  // namespace toll::app
