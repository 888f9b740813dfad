#include "objects/objects.h"

#include "objects/digest_text.h"
#include "objects/tests/fixture.h"

namespace toll::objects {
namespace {

TEST(DigestText, survives_the_way_to_the_table_and_back) {
  const auto digest = sha256("abc");
  EXPECT_EQ(digest_text(digest), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest_from_text(digest_text(digest)), digest);
  EXPECT_THROW(digest_from_text("ba78"), std::logic_error);
  EXPECT_THROW(digest_from_text(std::string(64, 'g')), std::logic_error);
}

TEST_P(ObjectsTest, attached_bytes_can_be_found_and_read) {
  const auto made = put("la la la", "vocals.wav");
  EXPECT_EQ(made.digest, sha256("la la la"));
  EXPECT_EQ(made.size, 8u);
  EXPECT_EQ(made.crc32, crc32("la la la"));
  EXPECT_EQ(content(made.digest), "la la la");
  const auto found = db().read([&](sql::Tx& tx) { return objects.find(tx, "job-1", "stem", "vocals.wav"); }).value();
  EXPECT_EQ(found.id, made.id);
  EXPECT_EQ(found.account, account);
  EXPECT_EQ(found.digest, made.digest);
  EXPECT_EQ(found.size, 8u);
  EXPECT_EQ(found.crc32, made.crc32);
  EXPECT_EQ(db().read([&](sql::Tx& tx) { return objects.get(tx, made.id); })->name, "vocals.wav");
  EXPECT_EQ(db().read([&](sql::Tx& tx) { return objects.find(tx, "job-1", "stem"); })->id, made.id);
}

TEST_P(ObjectsTest, what_is_not_there_is_not_found) {
  put("x", "a");
  db().read([&](sql::Tx& tx) {
    EXPECT_FALSE(objects.find(tx, "job-1", "stem", "b"));
    EXPECT_FALSE(objects.find(tx, "job-2", "stem", "a"));
    EXPECT_FALSE(objects.find(tx, "job-1", "upload"));
    EXPECT_FALSE(objects.find(tx, "job-1", "stem", std::string_view("a\0", 2)));
    EXPECT_FALSE(objects.find(tx, "job-1", "stem", "\xff"));
    EXPECT_FALSE(objects.get(tx, ObjectId("nonsense")));
    EXPECT_TRUE(objects.list(tx, "job-2").empty());
    return true;
  });
}

TEST_P(ObjectsTest, equal_bytes_are_stored_once) {
  const auto one = put("same", "a"), two = put("same", "b", "job-2");
  EXPECT_EQ(one.digest, two.digest);
  EXPECT_EQ(files(), 1u);
  EXPECT_EQ(refs(one.digest), 2);
  EXPECT_EQ(db().read([&](sql::Tx& tx) { return objects.bytes_of(tx, account); }), 8u);
}

TEST_P(ObjectsTest, a_second_object_of_the_same_name_is_refused_and_leaves_no_reference) {
  const auto made = put("one", "a");
  const auto refused = attach("two", {account, "stem", "job-1", "a"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason(), Reason::conflict);
  EXPECT_EQ(refs(sha256("two")), -1);
  EXPECT_EQ(refs(made.digest), 1);
  EXPECT_EQ(files(), 1u);
}

TEST_P(ObjectsTest, an_undone_attach_can_be_done_again_with_the_same_bytes) {
  auto staged = stage("text");
  const NewObject object{account, "upload", "job-1", "song.mp3"};
  const auto undone = db().write([&](sql::Tx& tx) -> Result<void> {
    TOLL_TRY(objects.attach(tx, *staged, object));
    return Reason::insufficient_credits;
  });
  EXPECT_FALSE(undone);
  EXPECT_TRUE(db().write([&](sql::Tx& tx) { return objects.attach(tx, *staged, object); }));
  EXPECT_EQ(refs(sha256("text")), 1);
  EXPECT_EQ(content(sha256("text")), "text");
}

TEST_P(ObjectsTest, a_copy_is_another_reference) {
  const auto made = put("text", "a");
  const auto copy = db().write([&](sql::Tx& tx) {
                          return objects.attach_copy(tx, made, {AccountId(8), "stem", "job-2", "a"});
                        })
                        .value();
  EXPECT_NE(copy.id, made.id);
  EXPECT_EQ(copy.size, made.size);
  EXPECT_EQ(refs(made.digest), 2);
  detach(made);
  detach(copy);
  EXPECT_EQ(db().write([&](sql::Tx& tx) {
                  return objects.attach_copy(tx, made, {account, "stem", "job-3", "a"});
                })
                .error()
                .reason(),
            Reason::not_found);
}

TEST_P(ObjectsTest, detaching_takes_one_reference) {
  const auto one = put("same", "a"), two = put("same", "b");
  EXPECT_TRUE(detach(one));
  EXPECT_FALSE(detach(one));
  EXPECT_EQ(refs(one.digest), 1);
  EXPECT_TRUE(detach(two));
  EXPECT_EQ(refs(one.digest), 0);
}

TEST_P(ObjectsTest, an_owners_objects_go_together_or_by_role) {
  put("song", "song.mp3", "job-1", "upload");
  put("same", "a");
  put("same", "b");
  put("other", "a", "job-2");
  auto detach_owner = [&](std::optional<std::string_view> role) {
    return db().write([&](sql::Tx& tx) { return objects.detach_owner(tx, "job-1", role); });
  };
  EXPECT_EQ(detach_owner("upload"), 1u);
  EXPECT_EQ(db().read([&](sql::Tx& tx) { return objects.list(tx, "job-1"); }).size(), 2u);
  EXPECT_EQ(detach_owner({}), 2u);
  EXPECT_EQ(refs(sha256("same")), 0);
  EXPECT_EQ(refs(sha256("other")), 1);
}

TEST_P(ObjectsTest, are_listed_by_age_then_name) {
  put("2", "b");
  put("1", "a");
  clock.advance(std::chrono::seconds(1));
  put("0", "0");
  const auto listed = db().read([&](sql::Tx& tx) { return objects.list(tx, "job-1", "stem"); });
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_EQ(listed[0].name + listed[1].name + listed[2].name, "ab0");
}

TEST_P(ObjectsTest, the_oldest_of_a_role_can_be_asked_for) {
  const auto start = clock.now();
  put("1", "old", "job-1", "upload");
  clock.advance(std::chrono::hours(1));
  put("2", "new", "job-2", "upload");
  auto names = [&](Time before) {
    std::string out;
    for (const auto& object : db().read([&](sql::Tx& tx) { return objects.older_than(tx, "upload", before, 10); }))
      out += object.name + " ";
    return out;
  };
  EXPECT_EQ(names(start), "");
  EXPECT_EQ(names(start + Micros(1)), "old ");
  EXPECT_EQ(names(clock.now() + Micros(1)), "old new ");
}

TOLL_ON_EVERY_ENGINE(ObjectsTest);

}  // namespace
}  // namespace toll::objects
