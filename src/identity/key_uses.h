// last_used_at, last_used_ip and total_requests without a write a request: the usage flusher tells what keys were used
// for, in groups.
#pragma once

#include <span>

#include "metering/usage.h"
#include "sql/database.h"

namespace toll::identity {

// For UsageRecorder::Options::note_uses. Keys that are gone by now are passed over.
void write_key_uses(sql::Tx& tx, std::span<const metering::KeyUse> uses);

}  // namespace toll::identity
