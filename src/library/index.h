// The search index follows the rows: whoever changes a track's or playlist's words calls these in the same transaction.
#pragma once

#include "library/playlists.h"
#include "library/track.h"
#include "sql/database.h"

namespace toll::library {

// Replace what the index holds of this row.
void index_track(sql::Tx& tx, AccountId account, std::int64_t sequence, const TrackFields& fields);
void index_playlist(sql::Tx& tx, AccountId account, std::int64_t sequence, const PlaylistFields& fields);
// Before the row goes.
void drop_track_from_index(sql::Tx& tx, std::int64_t sequence);
void drop_playlist_from_index(sql::Tx& tx, std::int64_t sequence);
void drop_account_from_index(sql::Tx& tx, AccountId account);

// The word that stands for an account: in a column of its own, or after an @, which no word of a user begins with.
std::string account_word(AccountId account);

}  // namespace toll::library
