// How this surface writes a time, an amount, a job.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "identity/accounts.h"
#include "json/schema.h"
#include "metering/credits.h"
#include "separations/separations.h"

namespace toll::stems {

// UTC, no zone, whole seconds: "2025-01-01T12:00:00".
struct Stamp {
  Time time{};
};
inline std::optional<Stamp> stamp(const std::optional<Time>& time) {
  return time ? std::optional<Stamp>(Stamp{*time}) : std::nullopt;
}

// A JSON number with one to six decimals: 1.0, 2.5.
struct Amount {
  metering::Credits credits{};
};

// 0 or 1.
struct Bit {
  bool set = false;
};

struct JobView {
  std::string id, filename, model, status;
  std::optional<std::string> error_message;
  Amount cost;
  Stamp created_at;
  std::optional<Stamp> started_at, completed_at;
  std::optional<std::string> download_url, demucs_command;
  std::optional<int> stem_count;
  std::optional<std::string> two_stem_type;
  int progress = 0;
  std::vector<std::string> stems;
  std::optional<std::string> served_by;
};
JobView view(const separations::Separation& separation);

struct JobList {
  std::vector<JobView> jobs;
};

struct Message {
  std::string message;
};

}  // namespace toll::stems

namespace toll::json {

template <>
struct Codec<stems::Stamp> {
  static void write(std::string& out, const stems::Stamp& v, bool) { out += '"' + iso_seconds(v.time) + '"'; }
  static Object schema(const Rules&, Definitions&) {
    return {{"type", "string"}, {"examples", Array{"2025-01-01T12:00:00"}}};
  }
};

template <>
struct Codec<stems::Amount> {
  // A number, or its decimal text; at most six places.
  static void read(const Value& v, stems::Amount& out, const Rules& rules, Reading& reading) {
    const auto text = v.is_string() ? std::string(v.get_string()) : boost::json::serialize(v);
    auto amount = v.is_number() || v.is_string() ? metering::parse_credits(text) : std::nullopt;
    if (!amount)
      return reading.refuse(Problem::rejected,
                            "must be a decimal number with at most 6 places, at most 1000000000 either way", v);
    out.credits = *amount;
    (void)rules;
  }
  static void write(std::string& out, const stems::Amount& v, bool) { out += metering::to_text(v.credits); }
  static Object schema(const Rules&, Definitions&) { return {{"type", "number"}}; }
};

template <>
struct Codec<stems::Bit> {
  static void write(std::string& out, const stems::Bit& v, bool) { out += v.set ? '1' : '0'; }
  static Object schema(const Rules&, Definitions&) { return {{"type", "integer"}, {"enum", Array{0, 1}}}; }
};

template <>
struct Schema<stems::JobView> {
  using V = stems::JobView;
  static constexpr std::string_view name = "Job";
  static constexpr auto fields = std::tuple{
      field(&V::id, "id", "The job's id, a UUID.", {.example = "3f2b8c1e-6a54-4c1f-9d1e-2a7b5f0c9e11"}),
      field(&V::filename, "filename", "The name of the file that was sent."),
      field(&V::model, "model", "The model that was asked for.", {.example = "htdemucs"}),
      field(&V::status, "status", "pending, processing, completed, failed or cancelled.", {.example = "pending"}),
      field(&V::error_message, "error_message", "Why it failed; set only in failed."),
      field(&V::cost, "cost", "Price of the job in credits."),
      field(&V::created_at, "created_at", "When it was uploaded, UTC."),
      field(&V::started_at, "started_at", "When the latest run began."),
      field(&V::completed_at, "completed_at", "When it completed, failed or was cancelled."),
      field(&V::download_url, "download_url", "Where all stems are, as a ZIP; while completed and files exist."),
      field(&V::demucs_command, "demucs_command", "An equivalent command line, once started."),
      field(&V::stem_count, "stem_count", "2, 4 or 6."),
      field(&V::two_stem_type, "two_stem_type", "The stem that was singled out, when stem_count is 2."),
      field(&V::progress, "progress", "0 to 100; 100 exactly when completed."),
      field(&V::stems, "stems", "File names that can be downloaded now."),
      field(&V::served_by, "served_by",
            "What really does the work: builtin-spectral is signal processing, not a trained model.")};
};

template <>
struct Schema<stems::JobList> {
  static constexpr std::string_view name = "JobList";
  static constexpr auto fields = std::tuple{field(&stems::JobList::jobs, "jobs", "Newest first.")};
};

template <>
struct Schema<stems::Message> {
  static constexpr std::string_view name = "Message";
  static constexpr auto fields = std::tuple{field(&stems::Message::message, "message", "What happened.")};
};

}  // namespace toll::json
