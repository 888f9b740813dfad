// A media record: a file that somebody sends, and what was found out about it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "engines/forensics/plan.h"
#include "metering/credits.h"
#include "objects/slots.h"

namespace toll::media {

namespace forensics = engines::forensics;
using forensics::MediaKind;
using forensics::ModelType;

using Mid = StrongId<struct MidTag, std::string>;  // 24 lower-case hexadecimal characters; the first 8: the second

// Never backwards; processed and failed are final.
enum class Status : std::uint8_t { inited, uploaded, processed, failed };
inline constexpr std::array all_statuses{Status::inited, Status::uploaded, Status::processed, Status::failed};
constexpr std::string_view to_string(Status status) {
  constexpr std::array<std::string_view, 4> names{"INITED", "UPLOADED", "PROCESSED", "FAILED"};
  return names[static_cast<std::size_t>(status)];
}
std::optional<Status> status_from(std::string_view name);
constexpr bool is_final(Status status) {
  return status == Status::processed || status == Status::failed;
}

inline constexpr std::array all_model_types{ModelType::df1, ModelType::ac1, ModelType::fd1, ModelType::fe1,
                                            ModelType::fi1};
bool takes(ModelType type, MediaKind kind);
// The only kind that it takes; nullopt: both.
std::optional<MediaKind> only_kind(ModelType type);

// How the hold of a record ended. free: its price was nothing.
enum class Money : std::uint8_t { free, held, captured, released, refunded };

// A model of the registry that was to serve a record when it was accepted.
struct Recorded {
  forensics::Role role = forensics::Role::df1;
  std::string repo_id, version, digest;  // an empty digest: there was none to run
  bool operator==(const Recorded&) const = default;
};

struct Record {
  Mid mid;
  AccountId account;
  std::string uid;  // of the account, in the keys of its objects
  Time created_at;  // whole milliseconds
  std::string name;
  MediaKind kind = MediaKind::image;
  Status status = Status::inited;
  ModelType model = ModelType::ac1;
  std::string content_type;  // as declared
  std::uint64_t size = 0;
  forensics::Checks checks;  // of FI-1
  metering::Credits price;
  Money money = Money::free;
  std::optional<HoldId> hold;
  objects::SlotId slot;
  std::optional<objects::SlotId> reference_slot;
  Time upload_expires_at;
  std::vector<Recorded> models;
  std::optional<JobId> job;  // the step that waits or runs, or the last one
  bool checked = false;      // the file check is behind it
  int attempts = 0;          // of this step that failed through no fault of the file
  std::int64_t revision = 0;
  std::optional<forensics::Answer> answer;  // processed
  std::optional<std::string> failure, failure_message;
};

inline constexpr std::string_view original_name = "original.media", reference_name = "reference.media";
inline constexpr std::string_view result_name = "result.json", heatmap_name = "heatmap.jpg";
inline constexpr std::string_view key_prefix = "users/";
// "users/<uid>/media/<mid>/<name>"
std::string key_of(const Record& record, std::string_view name);

bool is_mid(std::string_view text);

// How rows write them.
std::string checks_text(const forensics::Checks& checks);
forensics::Checks checks_from(std::string_view text);
std::string models_text(const std::vector<Recorded>& models);
std::vector<Recorded> models_from(std::string_view text);
std::string_view to_string(Money money);
Money money_from(std::string_view name);

}  // namespace toll::media
