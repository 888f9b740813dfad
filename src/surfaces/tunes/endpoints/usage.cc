#include "surfaces/tunes/endpoints/usage.h"

namespace toll::tunes {

namespace {

constexpr std::int64_t usual_days = 7;

std::vector<std::pair<std::string, std::int64_t>> named(const std::vector<std::pair<int, std::int64_t>>& by_status) {
  std::vector<std::pair<std::string, std::int64_t>> out;
  for (const auto& [status, count] : by_status) out.emplace_back(std::to_string(status), count);
  return out;
}

}  // namespace

Result<UsageView> GetKeyUsage::handle(Call& call, const Request& in) {
  const KeyId key(in.key_id.value);
  if (!call.house.keys.find(call.tx(), call.account(), key)) return Reason::key_not_found;
  const Time end = call.now;
  const Time start = end - std::chrono::seconds(86'400) * in.days.value_or(usual_days);
  const auto report = metering::usage_of_key(call.tx(), key, start, end);
  return UsageView{key.value(),
                   report.total,
                   report.successful,
                   report.failed,
                   {report.average_ms},
                   {report.by_endpoint},
                   {named(report.by_status)},
                   {start},
                   {end},
                   {report.p50_ms},
                   {report.p95_ms},
                   {report.p99_ms}};
}

}  // namespace toll::tunes

namespace toll::json {

void Codec<tunes::Counts>::write(std::string& out, const tunes::Counts& v, bool) {
  char separator = '{';
  for (const auto& [name, count] : v.counts) {
    out += separator;
    separator = ',';
    append_string(out, name);
    out += ':' + std::to_string(count);
  }
  out += separator == '{' ? "{}" : "}";
}

}  // namespace toll::json
