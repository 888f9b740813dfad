#include <algorithm>
#include <set>
#include <thread>

#include "library/tests/fixture.h"

namespace toll::library {
namespace {

class PlaylistsTest : public LibraryTest {
 protected:
  Playlist make(std::span<const TrackId> ids = {}) {
    clock.advance(std::chrono::milliseconds(1));
    return write([&](sql::Tx& tx) { return playlists.create(tx, account, {.name = "List"}, ids); }).value();
  }
  // The positions of the tracks by their place in `ids`; "?" where a position is not the next one.
  std::string order(const PlaylistId& id, const std::vector<TrackId>& ids) {
    const auto page = read([&](sql::Tx& tx) { return playlists.entries(tx, account, id, 100, {}); }).value();
    std::string out;
    for (const auto& entry : page.entries) {
      const auto at = std::ranges::find(ids, entry.track.id) - ids.begin();
      out += entry.position == static_cast<std::int64_t>(out.size()) ? static_cast<char>('a' + at) : '?';
    }
    EXPECT_EQ(page.total, static_cast<std::int64_t>(out.size()));
    return out;
  }
  std::string snapshot(const PlaylistId& id) {
    return read([&](sql::Tx& tx) { return playlists.get(tx, account, id); })->snapshot_id;
  }
  Result<Added> add_to(const PlaylistId& id, const std::vector<TrackId>& ids, std::optional<std::int64_t> at = {}) {
    return write([&](sql::Tx& tx) { return playlists.add(tx, account, id, ids, at); });
  }
  Result<std::string> move(const PlaylistId& id, Move how, std::optional<std::string> snapshot = {}) {
    return write([&](sql::Tx& tx) { return playlists.move(tx, account, id, how, snapshot); });
  }
};
TOLL_ON_EVERY_ENGINE(PlaylistsTest);

TEST_P(PlaylistsTest, keeps_all_that_is_said_of_a_playlist) {
  const auto made =
      write([&](sql::Tx& tx) {
        return playlists.create(tx, account, {"Morning", "Slow.", true, {"https://x.test/a.png"}, R"({"a":1})"}, {});
      }).value();
  const auto list = read([&](sql::Tx& tx) { return playlists.get(tx, account, made.id); }).value();
  EXPECT_EQ(list.fields.name, "Morning");
  EXPECT_EQ(list.fields.description, "Slow.");
  EXPECT_TRUE(list.fields.is_public);
  EXPECT_EQ(list.fields.images.size(), 1u);
  EXPECT_EQ(list.fields.metadata, R"({"a":1})");
  EXPECT_EQ(list.total, 0);
  const auto after = write([&](sql::Tx& tx) {
                       return playlists.update(tx, account, made.id, [](auto& f) { f.description.reset(); });
                     }).value();
  EXPECT_FALSE(after.fields.description);
  EXPECT_EQ(after.fields.name, "Morning");
  EXPECT_EQ(after.snapshot_id, made.snapshot_id) << "its tracks are the same";
}

TEST_P(PlaylistsTest, adds_at_a_place_or_at_the_end_and_each_track_once) {
  const auto ids = add_many(6);
  const auto list = make(std::vector{ids[0], ids[1], ids[0]});
  EXPECT_EQ(order(list.id, ids), "ab");
  auto added = add_to(list.id, {ids[2], ids[1], ids[2], ids[3]}).value();
  EXPECT_EQ(added.added, 2);
  EXPECT_EQ(added.skipped, 2);
  EXPECT_EQ(order(list.id, ids), "abcd");
  EXPECT_EQ(added.snapshot_id, snapshot(list.id));
  EXPECT_NE(added.snapshot_id, list.snapshot_id);
  EXPECT_TRUE(add_to(list.id, {ids[4], ids[5]}, 1));
  EXPECT_EQ(order(list.id, ids), "aefbcd");
  const auto none = add_to(list.id, {ids[4]}, 0).value();
  EXPECT_EQ(none.added, 0);
  EXPECT_EQ(none.snapshot_id, snapshot(list.id)) << "nothing changed";
  EXPECT_EQ(order(list.id, ids), "aefbcd");
  EXPECT_EQ(add_to(list.id, {ids[0]}, 7).error().reason(), Reason::invalid_request);
}

TEST_P(PlaylistsTest, an_unknown_or_foreign_track_stops_everything) {
  const auto ids = add_many(2);
  const auto foreign = add(stranger, named("x")).id;
  const auto list = make(std::span(ids).first(1));
  EXPECT_EQ(add_to(list.id, {ids[1], foreign}).error().reason(), Reason::track_not_found);
  EXPECT_EQ(add_to(list.id, {ids[1], TrackId("none")}).error().reason(), Reason::track_not_found);
  EXPECT_EQ(order(list.id, ids), "a");
  EXPECT_EQ(snapshot(list.id), list.snapshot_id);
  EXPECT_EQ(write([&](sql::Tx& tx) { return playlists.create(tx, account, {.name = "x"}, std::vector{foreign}); })
                .error()
                .reason(),
            Reason::track_not_found);
  EXPECT_EQ(write([&](sql::Tx& tx) {
              return playlists.replace(tx, account, list.id, std::vector{ids[1], foreign}, {});
            })
                .error()
                .reason(),
            Reason::track_not_found);
  EXPECT_EQ(order(list.id, ids), "a");
}

// Against what a list does: erase and insert.
TEST_P(PlaylistsTest, moves_any_block_anywhere) {
  const auto ids = add_many(6);
  for (std::int64_t start = 0; start < 6; ++start)
    for (std::int64_t length = 1; length <= 6 - start; ++length)
      for (std::int64_t before = 0; before <= 6; ++before) {
        const auto list = make(ids);
        std::string expected = "abcdef";
        const auto block = expected.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(length));
        if (before < start || before > start + length) {
          expected.erase(static_cast<std::size_t>(start), block.size());
          expected.insert(static_cast<std::size_t>(before > start ? before - length : before), block);
        }
        ASSERT_TRUE(move(list.id, {start, before, length}));
        ASSERT_EQ(order(list.id, ids), expected) << start << " " << length << " " << before;
        EXPECT_EQ(snapshot(list.id) == list.snapshot_id, expected == "abcdef");
        write([&](sql::Tx& tx) { return playlists.remove(tx, account, list.id); }).value();
      }
}

TEST_P(PlaylistsTest, refuses_ranges_beyond_the_end_and_old_snapshots) {
  const auto ids = add_many(3);
  const auto list = make(ids);
  for (const auto bad : {Move{3, 0, 1}, Move{-1, 0, 1}, Move{0, 4, 1}, Move{2, 0, 2}, Move{0, 0, 0}})
    EXPECT_EQ(move(list.id, bad).error().reason(), Reason::invalid_request);
  EXPECT_EQ(move(list.id, {0, 3, 1}, "old").error().reason(), Reason::snapshot_outdated);
  EXPECT_EQ(order(list.id, ids), "abc");
  EXPECT_TRUE(move(list.id, {0, 3, 1}, list.snapshot_id));
  EXPECT_EQ(move(list.id, {0, 3, 1}, list.snapshot_id).error().reason(), Reason::snapshot_outdated);
  EXPECT_EQ(order(list.id, ids), "bca");
  auto take = [&](std::optional<std::string> snapshot) {
    return write([&](sql::Tx& tx) { return playlists.take_out(tx, account, list.id, ids, snapshot); });
  };
  EXPECT_EQ(take(list.snapshot_id).error().reason(), Reason::snapshot_outdated);
  EXPECT_TRUE(take(snapshot(list.id)));
}

TEST_P(PlaylistsTest, moves_one_track_to_where_it_shall_stand) {
  const auto ids = add_many(4);
  const auto list = make(ids);
  auto to = [&](const TrackId& track, std::int64_t at) {
    return write([&](sql::Tx& tx) { return playlists.move_track(tx, account, list.id, track, at); });
  };
  EXPECT_TRUE(to(ids[0], 2));
  EXPECT_EQ(order(list.id, ids), "bcad");
  EXPECT_TRUE(to(ids[3], 0));
  EXPECT_EQ(order(list.id, ids), "dbca");
  EXPECT_EQ(to(ids[0], 4).error().reason(), Reason::invalid_request);
  EXPECT_EQ(to(add("not in it").id, 0).error().reason(), Reason::track_not_found);
}

TEST_P(PlaylistsTest, takes_tracks_out_without_gaps) {
  const auto ids = add_many(6);
  const auto list = make(ids);
  write([&](sql::Tx& tx) {
    return playlists.take_out(tx, account, list.id, std::vector{ids[4], ids[1], TrackId("none")}, {});
  }).value();
  EXPECT_EQ(order(list.id, ids), "acdf");
  write([&](sql::Tx& tx) { return playlists.take_out_one(tx, account, list.id, ids[0]); }).value();
  EXPECT_EQ(order(list.id, ids), "cdf");
  EXPECT_EQ(write([&](sql::Tx& tx) { return playlists.take_out_one(tx, account, list.id, ids[0]); }).error().reason(),
            Reason::track_not_found);
}

TEST_P(PlaylistsTest, replaces_its_tracks_and_remembers_when_each_came) {
  const auto ids = add_many(4);
  const auto list = make(std::span(ids).first(3));
  const auto then = clock.now();
  clock.advance(std::chrono::hours(1));
  write([&](sql::Tx& tx) {
    return playlists.replace(tx, account, list.id, std::vector{ids[3], ids[1], ids[3]}, {});
  }).value();
  EXPECT_EQ(order(list.id, ids), "db");
  const auto page = read([&](sql::Tx& tx) { return playlists.entries(tx, account, list.id, 10, {}); }).value();
  EXPECT_EQ(page.entries[0].added_at, clock.now());
  EXPECT_EQ(page.entries[1].added_at, then);
  write([&](sql::Tx& tx) { return playlists.replace(tx, account, list.id, {}, {}); }).value();
  EXPECT_EQ(order(list.id, ids), "");
}

TEST_P(PlaylistsTest, holds_ten_thousand_tracks_and_no_more) {
  std::vector<TrackId> ids;
  write([&](sql::Tx& tx) {
    for (int i = 0; i < 10'001; ++i) ids.push_back(tracks().create(tx, account, named("x")).value().id);
    return true;
  });
  const auto list = make();
  const auto replace = [&](std::size_t count) {
    return write([&](sql::Tx& tx) { return playlists.replace(tx, account, list.id, std::span(ids).first(count), {}); });
  };
  EXPECT_EQ(replace(10'001).error().reason(), Reason::playlist_full);
  EXPECT_TRUE(replace(9'999));
  EXPECT_EQ(add_to(list.id, {ids[9'999], ids[10'000]}).error().reason(), Reason::playlist_full);
  EXPECT_EQ(add_to(list.id, {ids[9'999]}, 0)->added, 1);
  EXPECT_EQ(read([&](sql::Tx& tx) { return playlists.get(tx, account, list.id); })->total, 10'000);
}

TEST_P(PlaylistsTest, a_walk_meets_every_surviving_track_once_whatever_comes_and_goes) {
  const auto ids = add_many(60);
  const auto list = make(ids);
  std::vector<std::string> met;
  std::optional<AfterEntry> after;
  std::size_t round = 0;
  do {
    const auto page = read([&](sql::Tx& tx) { return playlists.entries(tx, account, list.id, 10, after); }).value();
    for (const auto& entry : page.entries) met.push_back(entry.track.name);
    after = page.next;
    if (++round > 4) continue;
    add_to(list.id, {add("newcomer").id}, 0).value();
    write([&](sql::Tx& tx) { return playlists.take_out_one(tx, account, list.id, ids[round]); }).value();
    write([&](sql::Tx& tx) { return playlists.take_out_one(tx, account, list.id, ids[40 + round]); }).value();
  } while (after);
  std::vector<std::string> expected;
  for (int i = 0; i < 60; ++i)
    if (i < 41 || i > 44) expected.push_back("T" + std::to_string(i));
  EXPECT_EQ(met, expected);
}

TEST_P(PlaylistsTest, lists_newest_first_and_filters_by_the_flag) {
  std::vector<std::string> made;
  for (int i = 0; i < 25; ++i) {
    clock.advance(std::chrono::milliseconds(1));
    made.push_back(write([&](sql::Tx& tx) {
                     return playlists.create(tx, account, {.name = "P", .is_public = i % 5 == 0}, {});
                   })->id.value());
  }
  std::vector<std::string> met;
  std::optional<After> after;
  do {
    const auto page = read([&](sql::Tx& tx) { return playlists.list(tx, account, {}, 10, after); });
    EXPECT_EQ(page.total, 25);
    for (const auto& list : page.playlists) met.insert(met.begin(), list.id.value());
    after = page.next;
  } while (after);
  EXPECT_EQ(met, made);
  EXPECT_EQ(read([&](sql::Tx& tx) { return playlists.list(tx, account, true, 10, {}); }).total, 5);
  EXPECT_EQ(read([&](sql::Tx& tx) { return playlists.list(tx, stranger, {}, 10, {}); }).total, 0);
}

TEST_P(PlaylistsTest, hides_every_playlist_from_strangers) {
  const auto ids = add_many(2);
  const auto list = make(ids);
  auto fault = [&](auto use_case) { return write(use_case).error().reason(); };
  const auto& id = list.id;
  EXPECT_EQ(fault([&](sql::Tx& tx) { return playlists.get(tx, stranger, id); }), Reason::playlist_not_found);
  EXPECT_EQ(fault([&](sql::Tx& tx) { return playlists.entries(tx, stranger, id, 10, {}); }),
            Reason::playlist_not_found);
  EXPECT_EQ(fault([&](sql::Tx& tx) { return playlists.update(tx, stranger, id, [](auto&) {}); }),
            Reason::playlist_not_found);
  EXPECT_EQ(fault([&](sql::Tx& tx) { return playlists.remove(tx, stranger, id); }), Reason::playlist_not_found);
  EXPECT_EQ(fault([&](sql::Tx& tx) { return playlists.add(tx, stranger, id, ids, {}); }), Reason::playlist_not_found);
  EXPECT_EQ(fault([&](sql::Tx& tx) { return playlists.replace(tx, stranger, id, {}, {}); }),
            Reason::playlist_not_found);
  EXPECT_EQ(fault([&](sql::Tx& tx) { return playlists.move(tx, stranger, id, {}, {}); }), Reason::playlist_not_found);
  EXPECT_EQ(fault([&](sql::Tx& tx) { return playlists.take_out(tx, stranger, id, ids, {}); }),
            Reason::playlist_not_found);
  EXPECT_EQ(order(id, ids), "ab");
}

// Writers side by side: whoever wins, the positions stay whole and the total is the number of tracks.
TEST_P(PlaylistsTest, stays_whole_while_many_change_it_at_once) {
  const auto ids = add_many(60);
  const auto list = make(std::span(ids).first(20));
  auto change = [&](std::uint64_t seed) {
    TestRandom chance(seed);
    for (int i = 0; i < 30; ++i) {
      const auto& track = ids[chance.below(ids.size())];
      const auto at = static_cast<std::int64_t>(chance.below(20)), to = static_cast<std::int64_t>(chance.below(20));
      switch (chance.below(5)) {
        case 0:
          (void)add_to(list.id, {track, ids[chance.below(ids.size())]}, at);
          break;
        case 1:
          (void)move(list.id, {at, to, 2});
          break;
        case 2:
          (void)write([&](sql::Tx& tx) { return playlists.take_out_one(tx, account, list.id, track); });
          break;
        case 3:
          (void)write([&](sql::Tx& tx) { return playlists.move_track(tx, account, list.id, track, to); });
          break;
        default:
          if (chance.below(4) == 0) (void)write([&](sql::Tx& tx) { return tracks().remove(tx, account, track); });
      }
    }
  };
  {
    std::vector<std::jthread> writers;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) writers.emplace_back(change, seed);
  }
  const auto page = read([&](sql::Tx& tx) { return playlists.entries(tx, account, list.id, 100, {}); }).value();
  EXPECT_EQ(page.total, static_cast<std::int64_t>(page.entries.size()));
  for (std::size_t i = 0; i < page.entries.size(); ++i)
    ASSERT_EQ(page.entries[i].position, static_cast<std::int64_t>(i));
}

TEST_P(PlaylistsTest, a_page_costs_the_same_few_statements_however_long_it_is) {
  const auto ids = add_many(40);
  const auto list = make(ids);
  for (const std::size_t limit : {1u, 40u}) {
    EXPECT_EQ(statements([&](sql::Tx& tx) { playlists.entries(tx, account, list.id, limit, {}).value(); }), 2);
    EXPECT_EQ(statements([&](sql::Tx& tx) { playlists.list(tx, account, {}, limit, {}); }), 2);
  }
}

}  // namespace
}  // namespace toll::library
