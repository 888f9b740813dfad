#include <algorithm>
#include <set>

#include "library/tests/fixture.h"

namespace toll::library {
namespace {

using Library = LibraryTest;
TOLL_ON_EVERY_ENGINE(Library);

TrackFields everything() {
  return {"One More Time",
          {"Daft Punk", "Romanthony"},
          {"Discovery", "2001-03-12", {"https://x.test/1.png", "https://x.test/2.png"}},
          320'357,
          true,
          {"house", "french touch"},
          {"GBDUW0000053", "4006381333931", "036000291452"},
          1,
          2,
          R"({"mood":"up"})"};
}

TEST_P(Library, keeps_all_that_is_said_of_a_track) {
  const auto made = add(everything());
  const auto track = get(made.id).value();
  EXPECT_EQ(track.name, "One More Time");
  ASSERT_EQ(track.artists.size(), 2u);
  EXPECT_EQ(track.artists[1].name, "Romanthony");
  EXPECT_EQ(track.artists[0].id, artist_id(account, "DAFT punk")) << "an artist has one id, whatever the case";
  EXPECT_NE(track.artists[0].id, artist_id(stranger, "Daft Punk"));
  EXPECT_EQ(track.album.name, "Discovery");
  EXPECT_EQ(track.album.release_date, "2001-03-12");
  EXPECT_EQ(track.album.images, everything().album.images);
  EXPECT_EQ(track.duration_ms, 320'357);
  EXPECT_TRUE(track.explicit_lyrics);
  EXPECT_EQ(track.genres, everything().genres);
  EXPECT_EQ(track.external_ids.isrc, "GBDUW0000053");
  EXPECT_EQ(track.external_ids.ean, "4006381333931");
  EXPECT_EQ(track.external_ids.upc, "036000291452");
  EXPECT_EQ(track.track_number, 1);
  EXPECT_EQ(track.disc_number, 2);
  EXPECT_EQ(track.metadata, R"({"mood":"up"})");
  EXPECT_EQ(track.features_status, "none");
  EXPECT_FALSE(track.audio);
  EXPECT_EQ(track.created_at, clock.now());
}

TEST_P(Library, keeps_a_track_of_which_little_is_said) {
  const auto track = get(add("x").id).value();
  EXPECT_TRUE(track.album.empty());
  EXPECT_TRUE(track.artists.empty() && track.genres.empty());
  EXPECT_FALSE(track.duration_ms || track.track_number || track.external_ids.isrc);
  EXPECT_EQ(track.metadata, "{}");
}

TEST_P(Library, hides_every_track_from_strangers) {
  const auto id = add("mine").id;
  auto fault = [&](auto use_case) { return write(use_case).error().reason(); };
  EXPECT_EQ(fault([&](sql::Tx& tx) { return tracks().get(tx, stranger, id); }), Reason::track_not_found);
  EXPECT_EQ(fault([&](sql::Tx& tx) { return tracks().update(tx, stranger, id, [](TrackFields&) {}); }),
            Reason::track_not_found);
  EXPECT_EQ(fault([&](sql::Tx& tx) { return tracks().remove(tx, stranger, id); }), Reason::track_not_found);
  EXPECT_EQ(fault([&](sql::Tx& tx) { return tracks().set_audio(tx, stranger, id, audio("bytes")); }),
            Reason::track_not_found);
  EXPECT_FALSE(read([&](sql::Tx& tx) { return tracks().find(tx, stranger, std::span(&id, 1)); }).front());
  EXPECT_EQ(read([&](sql::Tx& tx) { return tracks().list(tx, stranger, {}, 10, {}); }).total, 0);
  EXPECT_TRUE(get(id));
}

TEST_P(Library, changes_what_it_is_told_to_and_no_more) {
  const auto made = add(everything());
  clock.advance(std::chrono::seconds(5));
  const auto after = write([&](sql::Tx& tx) {
                       return tracks().update(tx, account, made.id, [](TrackFields& f) {
                         f.name = "Aerodynamic";
                         f.genres = {"electro"};
                       });
                     }).value();
  EXPECT_EQ(after.name, "Aerodynamic");
  EXPECT_EQ(after.genres, std::vector<std::string>{"electro"});
  EXPECT_EQ(after.album.release_date, "2001-03-12");
  EXPECT_EQ(after.created_at, made.created_at);
  EXPECT_EQ(after.updated_at, clock.now());
  EXPECT_EQ(read([&](sql::Tx& tx) { return tracks().list(tx, account, {.genre = "house"}, 10, {}); }).total, 0);
  EXPECT_EQ(read([&](sql::Tx& tx) { return tracks().summary(tx, account); }).genres, 1);
}

TEST_P(Library, filters_by_artist_genre_isrc_and_audio) {
  auto fields = everything();
  add(fields);
  fields.name = "100%_sure";
  fields.artists = {"Sigur Rós"};
  fields.genres = {"House"};
  fields.external_ids.isrc = "ISA880000001";
  const auto other = add(fields);
  write([&](sql::Tx& tx) { return tracks().set_audio(tx, account, other.id, audio("bytes")); }).value();
  auto names = [&](TrackFilter filter) {
    std::string out;
    auto page = read([&](sql::Tx& tx) { return tracks().list(tx, account, filter, 10, {}); });
    for (const auto& track : page.tracks) out += track.name + ";";
    EXPECT_EQ(page.total, static_cast<std::int64_t>(page.tracks.size()));
    return out;
  };
  EXPECT_EQ(names({.artist = "AFT p"}), "One More Time;");
  EXPECT_EQ(names({.artist = "rÓs"}), "100%_sure;");
  EXPECT_EQ(names({.artist = "%"}), "") << "no pattern of SQL";
  EXPECT_EQ(names({.genre = "house"}), "One More Time;");
  EXPECT_EQ(names({.genre = "hous"}), "");
  EXPECT_EQ(names({.isrc = "is-a88-00-00001"}), "100%_sure;");
  EXPECT_EQ(names({.has_audio = true}), "100%_sure;");
  EXPECT_EQ(names({.has_audio = false}), "One More Time;");
  EXPECT_EQ(names({.artist = "daft", .genre = "house", .has_audio = false}), "One More Time;");
  EXPECT_EQ(names({}), "100%_sure;One More Time;");
}

TEST_P(Library, a_walk_meets_every_surviving_track_once_whatever_comes_and_goes) {
  const auto ids = add_many(250);
  std::vector<std::string> met;
  std::optional<After> after;
  std::size_t removed = 0;
  do {
    const auto page = read([&](sql::Tx& tx) { return tracks().list(tx, account, {}, 20, after); });
    for (const auto& track : page.tracks) met.push_back(track.id.value());
    after = page.next;
    add("newcomer");
    // The last one of the page and one still to come.
    write([&](sql::Tx& tx) { return tracks().remove(tx, account, page.tracks.back().id); }).value();
    if (removed < 10) write([&](sql::Tx& tx) { return tracks().remove(tx, account, ids[removed++]); }).value();
  } while (after);
  std::vector<std::string> expected;
  for (std::size_t i = ids.size(); i-- > removed;) expected.push_back(ids[i].value());
  EXPECT_EQ(met, expected);
}

TEST_P(Library, tracks_of_one_moment_are_walked_in_one_order) {
  std::vector<TrackId> ids;
  write([&](sql::Tx& tx) {
    for (int i = 0; i < 30; ++i) ids.push_back(tracks().create(tx, account, named("x")).value().id);
    return true;
  });
  std::set<std::string> met;
  std::optional<After> after;
  do {
    const auto page = read([&](sql::Tx& tx) { return tracks().list(tx, account, {}, 7, after); });
    for (const auto& track : page.tracks) EXPECT_TRUE(met.insert(track.id.value()).second);
    after = page.next;
  } while (after);
  EXPECT_EQ(met.size(), 30u);
}

TEST_P(Library, finds_many_in_the_order_asked_for) {
  const auto a = add("a").id, b = add("b").id;
  const auto foreign = add(stranger, named("c")).id;
  const std::vector<TrackId> ids{b, foreign, a, TrackId("none"), b};
  const auto found = read([&](sql::Tx& tx) { return tracks().find(tx, account, ids); });
  ASSERT_EQ(found.size(), 5u);
  EXPECT_EQ(found[0]->name + found[2]->name + found[4]->name, "bab");
  EXPECT_FALSE(found[1] || found[3]);
}

TEST_P(Library, a_page_costs_the_same_few_statements_however_long_it_is) {
  const auto ids = add_many(40);
  for (const std::size_t limit : {1u, 40u}) {
    EXPECT_EQ(statements([&](sql::Tx& tx) { tracks().list(tx, account, {}, limit, {}); }), 2);
    EXPECT_EQ(statements([&](sql::Tx& tx) { tracks().find(tx, account, std::span(ids).first(limit)); }), 1);
  }
  EXPECT_EQ(statements([&](sql::Tx& tx) { (void)tracks().get(tx, account, ids.front()); }), 1);
}

TEST_P(Library, audio_is_what_was_measured_until_it_is_replaced) {
  auto fields = everything();
  const auto id = add(fields).id;
  auto track = write([&](sql::Tx& tx) { return tracks().set_audio(tx, account, id, audio("first")); }).value();
  ASSERT_TRUE(track.audio);
  EXPECT_EQ(track.duration_ms, 1500);
  EXPECT_EQ(track.audio->size, 5u);
  EXPECT_EQ(track.audio->sha256, hex(sha256("first")));
  EXPECT_EQ(track.audio->content_type, "audio/flac");
  track = write([&](sql::Tx& tx) {
            return tracks().update(tx, account, id, [](TrackFields& f) { f.duration_ms = 9; });
          }).value();
  EXPECT_EQ(track.duration_ms, 1500) << "measured beats said";
  write([&](sql::Tx& tx) { return tracks().set_audio(tx, account, id, audio("second")); }).value();
  EXPECT_EQ(get(id)->audio->size, 6u);
  EXPECT_EQ(stored(), 1u) << "the first bytes went";
}

TEST_P(Library, a_removed_track_takes_its_audio_and_its_places_along) {
  const auto ids = add_many(4);
  write([&](sql::Tx& tx) { return tracks().set_audio(tx, account, ids[1], audio("bytes")); }).value();
  const auto list = write([&](sql::Tx& tx) { return playlists.create(tx, account, {.name = "p"}, ids); }).value();
  const auto other = write([&](sql::Tx& tx) {
                       return playlists.create(tx, account, {.name = "q"}, std::vector{ids[3], ids[1]});
                     }).value();
  write([&](sql::Tx& tx) { return tracks().remove(tx, account, ids[1]); }).value();
  EXPECT_EQ(get(ids[1]).error().reason(), Reason::track_not_found);
  EXPECT_EQ(stored(), 0u);
  const auto after = read([&](sql::Tx& tx) { return playlists.entries(tx, account, list.id, 10, {}); }).value();
  ASSERT_EQ(after.entries.size(), 3u);
  EXPECT_EQ(after.total, 3);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(after.entries[i].position, static_cast<std::int64_t>(i));
  EXPECT_EQ(after.entries[1].track.id, ids[2]);
  EXPECT_NE(read([&](sql::Tx& tx) { return playlists.get(tx, account, list.id); })->snapshot_id, list.snapshot_id);
  EXPECT_EQ(read([&](sql::Tx& tx) { return playlists.get(tx, account, other.id); })->total, 1);
}

TEST_P(Library, a_summary_counts_artists_and_genres_once) {
  add(everything());
  auto fields = everything();
  fields.artists = {"daft punk", "Someone"};
  add(fields);
  add(stranger, everything());
  const auto summary = read([&](sql::Tx& tx) { return tracks().summary(tx, account); });
  EXPECT_EQ(summary.tracks, 2);
  EXPECT_EQ(summary.artists, 3);
  EXPECT_EQ(summary.genres, 2);
}

TEST_P(Library, an_account_that_leaves_leaves_nothing) {
  const auto ids = add_many(3);
  const auto kept = add(stranger, named("kept"));
  write([&](sql::Tx& tx) { return tracks().set_audio(tx, account, ids[1], audio("bytes")); }).value();
  write([&](sql::Tx& tx) { return playlists.create(tx, account, {.name = "p"}, ids); }).value();
  write([&](sql::Tx& tx) { return tracks().remove_account(tx, account), true; });
  EXPECT_EQ(stored(), 0u);
  for (const auto* table : {"tracks", "track_artists", "track_genres", "playlists", "playlist_entries", "tracks_search",
                            "playlists_search"}) {
    const auto rows =
        read([&](sql::Tx& tx) { return tx.one(std::string("SELECT count(*) FROM ") + table)->integer(0); });
    EXPECT_EQ(rows, std::string_view(table).starts_with("tracks") ? 1 : 0) << table;
  }
}

}  // namespace
}  // namespace toll::library
