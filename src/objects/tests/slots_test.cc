#include "objects/slots.h"

#include <thread>

#include "objects/sweeper.h"
#include "objects/tests/fixture.h"

namespace toll::objects {
namespace {

using namespace std::chrono_literals;

class SlotsTest : public ObjectsTest {
 protected:
  NewSlot wanted(int parts = 0) {
    return {.account = account,
            .space = "hf/",
            .reference = "file-1",
            .key = "hf/acme/bert/versions/v1/model.bin",
            .parts = parts,
            .max_bytes = 1000,
            .expires_at = clock.now() + 1h,
            .expected_size = {},
            .expected_digest = {}};
  }
  Slot open(const NewSlot& slot) {
    return db().write([&](sql::Tx& tx) { return slots.open(tx, slot); });
  }
  Result<Object> keep(const Slot& slot, std::string_view text) {
    auto staged = stage(text);
    return db().write([&](sql::Tx& tx) { return slots.keep(tx, slot.id, *staged); });
  }
  Result<Object> keep_part(const Slot& slot, int number, std::string_view text) {
    auto staged = stage(text);
    return db().write([&](sql::Tx& tx) { return slots.keep_part(tx, slot.id, number, *staged); });
  }
  std::optional<Object> received(const Slot& slot) {
    return db().read([&](sql::Tx& tx) { return slots.received(tx, slot.id); });
  }
  std::vector<Part> parts(const Slot& slot) {
    return db().read([&](sql::Tx& tx) { return slots.parts(tx, slot.id); });
  }
  void finish(const Slot& slot) {
    db().write([&](sql::Tx& tx) { return slots.finish(tx, slot.id), true; });
  }
  Slots slots{objects, clock, random};
};
TOLL_ON_EVERY_ENGINE(SlotsTest);

TEST_P(SlotsTest, what_was_asked_for_comes_back) {
  auto asked = wanted(3);
  asked.expected_size = 5;
  asked.expected_digest = sha256("hello");
  const auto made = open(asked);
  const auto slot = db().read([&](sql::Tx& tx) { return slots.get(tx, made.id); }).value();
  EXPECT_EQ(slot.account, account);
  EXPECT_EQ(slot.space, "hf/");
  EXPECT_EQ(slot.reference, "file-1");
  EXPECT_EQ(slot.key, asked.key);
  EXPECT_EQ(slot.parts, 3);
  EXPECT_EQ(slot.max_bytes, 1000u);
  EXPECT_EQ(slot.expected_size, 5u);
  EXPECT_EQ(slot.expected_digest, sha256("hello"));
  EXPECT_EQ(slot.expires_at, clock.now() + 1h);
  EXPECT_FALSE(slot.finished);
  const auto all = db().read([&](sql::Tx& tx) { return slots.of(tx, "hf/", "file-1"); });
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].id, made.id);
}

TEST_P(SlotsTest, names_that_no_row_has_are_not_found) {
  for (auto id : {std::string("nonsense"), std::string("a\0b", 3), std::string("\xff"), std::string()}) {
    EXPECT_FALSE(db().read([&](sql::Tx& tx) { return slots.get(tx, SlotId(id)); }));
    auto staged = stage("x");
    const auto kept = db().write([&](sql::Tx& tx) { return slots.keep(tx, SlotId(id), *staged); });
    EXPECT_EQ(kept.error().reason(), Reason::upload_not_found);
  }
}

TEST_P(SlotsTest, a_second_put_replaces_the_first) {
  const auto slot = open(wanted());
  keep(slot, "first").value();
  keep(slot, "second").value();
  EXPECT_EQ(received(slot)->digest, sha256("second"));
  EXPECT_EQ(refs(sha256("first")), 0);
  EXPECT_EQ(refs(sha256("second")), 1);
}

TEST_P(SlotsTest, the_same_bytes_again_are_welcome) {
  const auto slot = open(wanted());
  keep(slot, "same").value();
  keep(slot, "same").value();
  EXPECT_EQ(refs(sha256("same")), 1);
  Sweeper(db(), store(), clock, {}).sweep();
  EXPECT_EQ(content(received(slot)->digest), "same");
}

TEST_P(SlotsTest, bytes_that_are_not_the_expected_ones_are_dropped) {
  const auto slot = open(wanted());
  keep(slot, "earlier").value();
  db().write([&](sql::Tx& tx) { return slots.expect(tx, slot.id, 5, sha256("hello")), true; });
  EXPECT_EQ(keep(slot, "HELLO").error().reason(), Reason::bad_digest);
  EXPECT_EQ(keep(slot, "hello!").error().reason(), Reason::bad_digest);
  EXPECT_EQ(received(slot)->digest, sha256("earlier")) << "a refused PUT changes nothing";
  EXPECT_TRUE(keep(slot, "hello"));
}

TEST_P(SlotsTest, the_owner_takes_the_bytes_and_the_slot_takes_no_more) {
  const auto slot = open(wanted());
  keep(slot, "model").value();
  db().write([&](sql::Tx& tx) {
    const auto got = slots.received(tx, slot.id).value();
    objects.attach_copy(tx, got, {account, "model-file", "file-1", "model.bin"}).value();
    return slots.finish(tx, slot.id), true;
  });
  EXPECT_EQ(refs(sha256("model")), 1);
  EXPECT_EQ(keep(slot, "late").error().reason(), Reason::upload_not_found);
  EXPECT_FALSE(received(slot));
  EXPECT_TRUE(db().read([&](sql::Tx& tx) { return slots.get(tx, slot.id); })->finished);
  Sweeper(db(), store(), clock, {}).sweep();
  EXPECT_EQ(content(sha256("model")), "model");
}

TEST_P(SlotsTest, parts_come_in_any_order_and_the_last_of_a_number_counts) {
  const auto slot = open(wanted(3));
  keep_part(slot, 3, "!").value();
  keep_part(slot, 1, "wrong").value();
  keep_part(slot, 1, "hello ").value();
  EXPECT_EQ(db().read([&](sql::Tx& tx) { return slots.missing_parts(tx, slot); }), std::vector<int>{2});
  keep_part(slot, 2, "world").value();
  const auto all = parts(slot);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].number, 1);
  EXPECT_EQ(refs(sha256("wrong")), 0);
  auto whole = Slots::join(store(), all).value();
  EXPECT_EQ(whole->stored().digest, sha256("hello world!"));
  db().write([&](sql::Tx& tx) { return slots.keep(tx, slot.id, *whole); }).value();
  EXPECT_EQ(received(slot)->size, 12u);
}

TEST_P(SlotsTest, a_part_beyond_the_number_of_parts_is_refused) {
  const auto slot = open(wanted(2));
  for (int number : {-1, 0, 3, most_parts + 1})
    EXPECT_EQ(keep_part(slot, number, "x").error().reason(), Reason::invalid_part) << number;
  EXPECT_EQ(keep_part(open(wanted(0)), 1, "x").error().reason(), Reason::invalid_part);
}

TEST_P(SlotsTest, a_part_that_is_gone_when_it_is_joined_is_said) {
  const auto slot = open(wanted(1));
  keep_part(slot, 1, "short-lived").value();
  const auto seen = parts(slot);
  keep_part(slot, 1, "another").value();
  Sweeper(db(), store(), clock, {}).sweep();
  EXPECT_EQ(Slots::join(store(), seen).error().reason(), Reason::invalid_part);
}

TEST_P(SlotsTest, parts_of_one_slot_arrive_together) {
  const auto slot = open(wanted(8));
  std::vector<std::thread> threads;
  for (int number = 1; number <= 8; ++number)
    threads.emplace_back([&, number] {
      for (int round = 0; round < 3; ++round) keep_part(slot, number, "part " + std::to_string(number % 3)).value();
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(parts(slot).size(), 8u);
  EXPECT_EQ(refs(sha256("part 0")) + refs(sha256("part 1")) + refs(sha256("part 2")), 8);
}

TEST_P(SlotsTest, the_sweep_takes_slots_whose_last_url_ended_long_ago) {
  const auto old = open(wanted());
  keep(old, "forgotten").value();
  const auto renewed = open(wanted());
  db().write([&](sql::Tx& tx) { return slots.extend(tx, renewed.id, clock.now() + 10h), true; });
  db().write([&](sql::Tx& tx) { return slots.extend(tx, renewed.id, clock.now() + 5h), true; });
  clock.advance(2h);
  EXPECT_EQ(db().write([&](sql::Tx& tx) { return slots.sweep(tx, clock.now(), 100); }), 1u);
  EXPECT_FALSE(db().read([&](sql::Tx& tx) { return slots.get(tx, old.id); }));
  EXPECT_EQ(db().read([&](sql::Tx& tx) { return slots.get(tx, renewed.id); })->expires_at, clock.now() + 8h);
  EXPECT_EQ(refs(sha256("forgotten")), 0);
}

TEST_P(SlotsTest, an_aborted_slot_leaves_nothing) {
  const auto slot = open(wanted(2));
  keep_part(slot, 1, "one").value();
  EXPECT_TRUE(db().write([&](sql::Tx& tx) { return slots.abort(tx, slot.id); }));
  EXPECT_FALSE(db().write([&](sql::Tx& tx) { return slots.abort(tx, slot.id); }));
  EXPECT_EQ(refs(sha256("one")), 0);
  EXPECT_EQ(keep_part(slot, 1, "late").error().reason(), Reason::upload_not_found);
}

}  // namespace
}  // namespace toll::objects
