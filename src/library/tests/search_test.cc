#include <algorithm>
#include <set>

#include "library/tests/fixture.h"

namespace toll::library {
namespace {

class SearchTest : public LibraryTest {
 protected:
  void add(const std::string& name, const std::string& artist, const std::string& album = "",
           const std::string& genre = "", const std::string& year = "") {
    auto fields = named(name);
    fields.artists = {artist};
    if (!album.empty()) fields.album.name = album;
    if (!genre.empty()) fields.genres = {genre};
    if (!year.empty()) fields.album.release_date = year;
    LibraryTest::add(fields);
  }
  Hits<Track> hits(const std::string& query, std::size_t limit = 50, std::optional<AfterHit> after = {}) {
    return read([&](sql::Tx& tx) { return search_tracks(tx, account, parse_query(query).value(), limit, after); });
  }
  std::string names(const std::string& query) {
    std::string out;
    auto found = hits(query);
    for (const auto& track : found.items) out += (out.empty() ? "" : ";") + track.name;
    EXPECT_EQ(found.total, static_cast<std::int64_t>(found.items.size())) << query;
    return out;
  }
};
TOLL_ON_EVERY_ENGINE(SearchTest);

TEST_P(SearchTest, finds_beginnings_of_words_whatever_case_and_accents) {
  add("Jóga", "Björk", "Homogenic");
  add("Around the World", "Daft Punk", "Homework");
  EXPECT_EQ(names("joga"), "Jóga");
  EXPECT_EQ(names("JÓG"), "Jóga");
  EXPECT_EQ(names("bjork jo"), "Jóga");
  EXPECT_EQ(names("björk"), "Jóga");
  EXPECT_EQ(names("hom"), "Around the World;Jóga");
  EXPECT_EQ(names("oga"), "") << "not the middle of a word";
  EXPECT_EQ(names("joga punk"), "") << "every word must be there";
  EXPECT_EQ(names("!!!"), "");
  EXPECT_EQ(names("account7"), "") << "the word for the account is no word of the user's";
}

TEST_P(SearchTest, filters_hold_in_their_field_alone) {
  add("Homework", "Alice", "Schoolbook", "rock", "1998");
  add("Da Funk", "Daft Punk", "Homework", "french house", "1997-01-20");
  add("One More Time", "Daft Punk", "Discovery", "house", "2001");
  EXPECT_EQ(names("album:homework"), "Da Funk");
  EXPECT_EQ(names("artist:\"daft punk\" one"), "One More Time");
  EXPECT_EQ(names("ARTIST:daf year:1997"), "Da Funk");
  EXPECT_EQ(names("year:1997-1998"), "Da Funk;Homework");
  EXPECT_EQ(names("genre:house"), "One More Time;Da Funk");
  EXPECT_EQ(names("genre:french artist:alice"), "");
  EXPECT_EQ(names("home year:1998-2005"), "Homework");
  EXPECT_EQ(names("foo:bar"), "") << "an unknown filter is two words";
  auto fields = named("Coded");
  fields.external_ids.isrc = "GBDUW0000059";
  LibraryTest::add(fields);
  EXPECT_EQ(names("isrc:gb-duw-00-00059"), "Coded");
}

TEST_P(SearchTest, refuses_filters_that_make_no_sense) {
  for (const auto* bad : {"year:soon", "year:2003-1999", "year:", "artist:", "album: x", "isrc:\"\""})
    EXPECT_EQ(parse_query(bad).error().reason(), Reason::invalid_request) << bad;
  std::string many;
  for (int i = 0; i < 100; ++i) many += "w ";
  EXPECT_FALSE(parse_query(many));
  EXPECT_TRUE(parse_query("\"no closing quote")->words.size() == 3);
}

TEST_P(SearchTest, the_best_comes_first) {
  add("Something", "Love Unlimited");
  add("Lovely Day", "Bill Withers");
  add("Endless Love", "Diana Ross");
  add("Love", "Lana");
  add("Love Story", "Taylor");
  add("Quiet", "X", "Love");
  EXPECT_EQ(names("love"), "Love;Love Story;Lovely Day;Endless Love;Something;Quiet");
}

TEST_P(SearchTest, pages_go_on_where_they_ended_whatever_comes_and_goes) {
  for (int i = 0; i < 30; ++i) add("Song " + std::to_string(i), "A");
  std::set<std::string> met;
  std::optional<AfterHit> after;
  do {
    const auto page = hits("song", 7, after);
    for (const auto& track : page.items) EXPECT_TRUE(met.insert(track.id.value()).second);
    after = page.next;
    add("Song", "newcomer");
    write([&](sql::Tx& tx) { return tracks().remove(tx, account, page.items.back().id); }).value();
  } while (after);
  EXPECT_EQ(met.size(), 30u);
}

TEST_P(SearchTest, follows_changes_and_removals) {
  add("Old", "A");
  const auto id = hits("old").items.front().id;
  write([&](sql::Tx& tx) { return tracks().update(tx, account, id, [](auto& f) { f.name = "New"; }); }).value();
  EXPECT_EQ(names("old"), "");
  EXPECT_EQ(names("new"), "New");
  write([&](sql::Tx& tx) { return tracks().remove(tx, account, id); }).value();
  EXPECT_EQ(names("new"), "");
}

TEST_P(SearchTest, finds_nothing_of_strangers) {
  LibraryTest::add(stranger, named("Secret"));
  write([&](sql::Tx& tx) { return playlists.create(tx, stranger, {.name = "Secret", .is_public = true}, {}); }).value();
  EXPECT_EQ(names("secret"), "");
  EXPECT_EQ(
      read([&](sql::Tx& tx) { return search_playlists(tx, account, parse_query("secret").value(), 9, {}); }).total, 0);
}

TEST_P(SearchTest, finds_playlists_by_name_and_description) {
  write([&](sql::Tx& tx) {
    return playlists.create(tx, account, {.name = "Été", .description = "for the beach"}, {});
  }).value();
  auto count = [&](const std::string& query) {
    return read([&](sql::Tx& tx) { return search_playlists(tx, account, parse_query(query).value(), 9, {}); }).total;
  };
  EXPECT_EQ(count("ete"), 1);
  EXPECT_EQ(count("bea"), 1);
  EXPECT_EQ(count("ete artist:x"), 0);
  EXPECT_EQ(count("winter"), 0);
}

TEST_P(SearchTest, a_page_costs_two_statements_however_long_it_is) {
  for (int i = 0; i < 30; ++i) add("Song " + std::to_string(i), "A");
  const auto query = parse_query("song").value();
  for (const std::size_t limit : {1u, 30u})
    EXPECT_EQ(statements([&](sql::Tx& tx) { search_tracks(tx, account, query, limit, {}); }), 2);
}

TEST_P(SearchTest, takes_whatever_stands_in_a_query) {
  add("AND or NOT near", "x");
  for (const auto* odd : {"\"", "'", "a\" OR \"b", "* - ^ ( ) { } : :", "near(a b)", "name:x", "%_!", "\\", "a:* & !b",
                          "<-> | &", "\xE6\x9D\xB1\xE4\xBA\xAC", "rowid:1", "{account}:x", "AND", "NOT or"})
    EXPECT_NO_THROW(hits(odd)) << odd;
  EXPECT_EQ(names("and NOT"), "AND or NOT near");
}

}  // namespace
}  // namespace toll::library
