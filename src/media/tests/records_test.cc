#include "media/records.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/digest.h"
#include "base/random.h"
#include "blob/folder_store.h"
#include "identity/accounts.h"
#include "identity/credential_cache.h"
#include "media/space.h"
#include "sql/testing/databases.h"

namespace toll::media {
namespace {

using namespace std::chrono_literals;
using forensics::Failure;

constexpr metering::Credits price{1'000'000};

// Records over a real database, queue and store; a test plays the worker.
class RecordsTest : public ::testing::TestWithParam<sql::Engine> {
 protected:
  template <class F>
  auto write(F f) {
    return database->write(f);
  }
  void SetUp() override {
    TOLL_SKIP_WITHOUT(GetParam());
    database = sql::testing::fresh_database(GetParam());
    // In memory where the machine allows it: each blob is synced.
    const std::filesystem::path memory = "/dev/shm";
    folder = (::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path()) /
             ("toll-media-" + SystemRandom().uuid4());
    house = std::make_unique<House>(*database, folder, clock, random);
    account = write([&](sql::Tx& tx) {
                return house->accounts.create(tx, {"ada@example.org", "Ada", "hash"}, identity::operator_actor());
              })
                  .value()
                  .id;
    write([&](sql::Tx& tx) { return house->ledger.grant(tx, account, {3'000'000}, "welcome", "test"), true; });
  }

  void TearDown() override {
    house.reset();
    if (!folder.empty()) std::filesystem::remove_all(folder);
  }

  struct House {
    House(sql::Database& db, const std::filesystem::path& path, TestClock& clock, TestRandom& random)
        : store(blob::open_folder_store(path)),
          cache(clock),
          accounts(clock, cache, {}),
          quotas(db, clock, {}),
          keys(clock, random, cache, quotas, "the key secret of these tests, long enough", {}),
          ledger(clock),
          queue(ledger, clock),
          objects(clock, random),
          slots(objects, clock, random),
          sweeper(db, *store, clock, {}),
          models(clock, *store),
          records(clock, random, ledger, queue, objects, slots, sweeper, keys, models, bells,
                  {.price = [](ModelType) { return price; },
                   .upload_time = 1h,
                   .max_image_bytes = 100,
                   .abandoned = 24h * 7,
                   .grace = 0s}),
          space(records) {
      queue.when_failed(std::string(kind_name), [this](sql::Tx& tx, const jobs::Job& job, const Fault& fault) {
        records.run_failed(tx, job, fault);
      });
    }
    std::unique_ptr<blob::Store> store;
    identity::CredentialCache cache;
    identity::Accounts accounts;
    metering::Quotas quotas;
    identity::ClientKeys keys;
    metering::Ledger ledger;
    jobs::Queue queue;
    objects::Objects objects;
    objects::Slots slots;
    objects::Sweeper sweeper;
    async::Bells bells;
    Models models;
    Records records;
    MediaSpace space;
  };

  std::unique_ptr<blob::Staged> stage(std::string_view text) {
    auto writer = house->store->create().value();
    writer->write(as_span(text)).value();
    return writer->finish().value();
  }
  Created make(ModelType model = ModelType::ac1, forensics::Checks checks = {}) {
    return write([&](sql::Tx& tx) {
             return house->records.create(tx, {.account = account,
                                               .name = "sample",
                                               .model = model,
                                               .kind = MediaKind::image,
                                               .content_type = "image/png",
                                               .size = 5,
                                               .checks = checks});
           })
        .value();
  }
  // What a PUT does, in one transaction.
  Result<void> send(const objects::Slot& slot, std::string_view text = "hello") {
    auto staged = stage(text);
    return write([&](sql::Tx& tx) -> Result<void> {
      const auto received = TOLL_TRY(house->slots.keep(tx, slot.id, *staged));
      return house->space.landed(tx, slot, received);
    });
  }
  Record record(const Created& made) {
    return write([&](sql::Tx& tx) { return house->records.get(tx, account, made.record.mid); }).value();
  }
  // Takes the next job as a dispatcher does.
  jobs::Claim claim() {
    auto claims = write([&](sql::Tx& tx) {
      auto found = house->queue.claim(tx, {.worker = "test", .kinds = {std::string(kind_name)}});
      for (const auto& one : found) house->records.started(tx, one.job.id);
      return found;
    });
    EXPECT_EQ(claims.size(), 1u);
    return claims.at(0);
  }
  bool idle() {
    return write([&](sql::Tx& tx) { return !house->queue.has_pending(tx); });
  }
  void end(const jobs::Claim& claim, const forensics::Answer& answer, const std::vector<ResultFile>& files = {}) {
    EXPECT_TRUE(write([&](sql::Tx& tx) -> Result<void> {
      EXPECT_TRUE(house->queue.complete(tx, claim));
      return house->records.ended(tx, claim.job.id, answer, files);
    }));
  }
  void fail(const jobs::Claim& claim, Reason why) {
    EXPECT_TRUE(write([&](sql::Tx& tx) { return house->queue.fail(tx, claim, Fault(why)); }));
  }
  static forensics::Answer failure(Failure why) {
    forensics::Answer answer;
    answer.failure = why;
    answer.failure_message = "It is broken.";
    return answer;
  }
  struct Balance {
    std::int64_t available, held;
    bool operator==(const Balance&) const = default;
  };
  Balance balance() {
    return write([&](sql::Tx& tx) {
      return Balance{house->ledger.balance(tx, account).micros, house->ledger.held(tx, account).micros};
    });
  }
  std::size_t expire() {
    return write([&](sql::Tx& tx) { return house->records.release_expired(tx); });
  }
  // A record whose check is behind it.
  Created checked() {
    auto made = make();
    EXPECT_TRUE(send(made.original));
    end(claim(), {});
    return made;
  }

  TestClock clock;
  TestRandom random;
  sql::testing::Fresh database;
  std::filesystem::path folder;
  std::unique_ptr<House> house;
  AccountId account;
  const Balance untouched{3'000'000, 0}, held{2'000'000, 1'000'000}, spent{2'000'000, 0};
};

TEST_P(RecordsTest, a_record_holds_its_price_and_spends_it_once_when_processing_starts) {
  const auto made = make();
  EXPECT_EQ(made.record.mid.value().size(), 24u);
  EXPECT_EQ(balance(), held);
  EXPECT_TRUE(idle());
  ASSERT_TRUE(send(made.original));
  EXPECT_EQ(record(made).status, Status::uploaded);
  const auto check = claim();
  EXPECT_EQ(balance(), held) << "the check is free";
  end(check, {});
  EXPECT_EQ(record(made).status, Status::uploaded);
  const auto lost = claim();
  EXPECT_EQ(balance(), spent);
  EXPECT_TRUE(write([&](sql::Tx& tx) { return house->queue.lost(tx, lost); }));
  const auto again = claim();
  EXPECT_EQ(balance(), spent) << "once over all retries";
  auto staged = stage("{}");
  forensics::Answer answer;
  answer.fake = true;
  answer.confidence = 0.75;
  answer.files = {"result.json"};
  end(again, answer, {{"result.json", staged.get()}});
  const auto done = record(made);
  EXPECT_EQ(done.status, Status::processed);
  EXPECT_EQ(done.answer.value().confidence, 0.75);
  EXPECT_EQ(balance(), spent);
  EXPECT_TRUE(idle());
}

TEST_P(RecordsTest, what_the_check_finds_wrong_costs_nothing) {
  for (auto why : {Failure::media_type_mismatch, Failure::undecodable_media, Failure::media_limit_exceeded,
                   Failure::decode_error, Failure::no_face}) {
    const auto made = make();
    ASSERT_TRUE(send(made.original));
    end(claim(), failure(why));
    const auto failed = record(made);
    EXPECT_EQ(failed.status, Status::failed);
    EXPECT_EQ(failed.failure, name_of(why));
    EXPECT_EQ(failed.money, Money::released);
    EXPECT_EQ(balance(), untouched);
    EXPECT_TRUE(idle());
  }
}

TEST_P(RecordsTest, what_processing_finds_wrong_with_the_file_stays_charged) {
  for (auto why : {Failure::decode_error, Failure::no_face, Failure::media_limit_exceeded}) {
    const auto before = balance();
    const auto made = checked();
    end(claim(), failure(why));
    EXPECT_EQ(record(made).failure, name_of(why));
    EXPECT_EQ(record(made).money, Money::captured);
    EXPECT_EQ(balance(), (Balance{before.available - price.micros, 0}));
  }
}

TEST_P(RecordsTest, those_on_their_way_do_not_keep_others_from_being_released) {
  const auto first = make(), second = make();
  const auto arriving = house->records.arriving(first.original);
  clock.advance(2h);
  EXPECT_EQ(write([&](sql::Tx& tx) { return house->records.release_expired(tx, 1); }), 1u);
  EXPECT_EQ(record(second).money, Money::released);
  EXPECT_EQ(record(first).money, Money::held);
}

TEST_P(RecordsTest, what_is_our_fault_is_tried_three_times_and_paid_back) {
  for (auto [fault, code] : {std::pair{Reason::model_unusable, "ENGINE_UNAVAILABLE"},
                             std::pair{Reason::job_timed_out, "TIMEOUT"}, std::pair{Reason::internal, "INTERNAL"}}) {
    const auto made = checked();
    for (int attempt = 1; attempt <= most_attempts; ++attempt) {
      EXPECT_EQ(record(made).status, Status::uploaded) << attempt;
      fail(claim(), fault);
    }
    EXPECT_EQ(record(made).failure, code);
    EXPECT_EQ(record(made).money, Money::refunded);
    EXPECT_EQ(balance(), untouched);
    EXPECT_TRUE(idle());
  }
}

TEST_P(RecordsTest, a_worker_that_dies_three_times_over_a_file_ends_it) {
  const auto made = checked();
  for (int run = 0; run < jobs::Queue::max_lost_runs; ++run) {
    const auto lost = claim();
    EXPECT_TRUE(write([&](sql::Tx& tx) { return house->queue.lost(tx, lost); }));
  }
  EXPECT_EQ(record(made).failure, "INTERNAL");
  EXPECT_EQ(balance(), untouched);
}

TEST_P(RecordsTest, a_hold_ends_with_its_link_and_a_late_upload_is_refused) {
  const auto made = make();
  clock.advance(1h - 1us);
  EXPECT_EQ(expire(), 0u);
  clock.advance(1s);
  EXPECT_EQ(expire(), 1u);
  EXPECT_EQ(balance(), untouched);
  EXPECT_EQ(send(made.original).error().reason(), Reason::url_not_valid);
  EXPECT_EQ(record(made).status, Status::inited);
  EXPECT_EQ(expire(), 0u) << "once";
}

TEST_P(RecordsTest, bytes_on_their_way_keep_their_hold) {
  const auto made = make();
  auto arriving = house->records.arriving(made.original);
  clock.advance(2h);
  EXPECT_EQ(expire(), 0u);
  ASSERT_TRUE(send(made.original));
  arriving.reset();
  EXPECT_EQ(expire(), 0u) << "it is uploaded now";
  EXPECT_EQ(balance(), held);
}

TEST_P(RecordsTest, abandoned_records_go) {
  const auto made = make(), kept = make();
  ASSERT_TRUE(send(kept.original));
  clock.advance(24h * 7 + 2h);
  expire();
  EXPECT_EQ(write([&](sql::Tx& tx) { return house->records.remove_abandoned(tx); }), 1u);
  EXPECT_FALSE(write([&](sql::Tx& tx) { return house->records.get(tx, account, made.record.mid); }));
  EXPECT_EQ(record(kept).status, Status::uploaded);
}

TEST_P(RecordsTest, deleting_before_processing_gives_the_credits_back_and_after_it_does_not) {
  const auto remove = [&](const Created& made) {
    return write([&](sql::Tx& tx) { return house->records.remove(tx, account, made.record.mid); });
  };
  const auto waiting = make(), sent = make();
  ASSERT_TRUE(send(sent.original));
  ASSERT_TRUE(remove(waiting));
  ASSERT_TRUE(remove(sent));
  EXPECT_EQ(balance(), untouched);
  EXPECT_TRUE(idle());
  EXPECT_FALSE(send(waiting.original)) << "its link is dead";
  const auto made = checked();
  const auto running = claim();
  ASSERT_TRUE(remove(made));
  EXPECT_EQ(balance(), spent);
  EXPECT_FALSE(write([&](sql::Tx& tx) { return house->queue.complete(tx, running); })) << "the run is void";
  EXPECT_EQ(remove(made).error().reason(), Reason::media_not_found);
}

TEST_P(RecordsTest, a_reference_is_waited_for_in_any_order) {
  for (bool reference_first : {true, false}) {
    const auto made = make(ModelType::fi1, {.similarity = true});
    const auto& first = reference_first ? *made.reference : made.original;
    const auto& second = reference_first ? made.original : *made.reference;
    ASSERT_TRUE(send(first));
    EXPECT_EQ(record(made).status, Status::inited);
    EXPECT_TRUE(idle());
    ASSERT_TRUE(send(second));
    EXPECT_EQ(record(made).status, Status::uploaded);
    write([&](sql::Tx& tx) { return house->records.remove(tx, account, made.record.mid); }).value();
  }
}

TEST_P(RecordsTest, an_object_arrives_once) {
  const auto made = make();
  ASSERT_TRUE(send(made.original));
  EXPECT_FALSE(send(made.original));
}

TEST_P(RecordsTest, parallel_records_cannot_spend_what_is_not_there) {
  for (int i = 0; i < 3; ++i) make();
  const auto one_more = write([&](sql::Tx& tx) {
    return house->records.create(tx, {.account = account, .name = "x", .content_type = "image/png", .size = 1});
  });
  EXPECT_EQ(one_more.error().reason(), Reason::insufficient_credits);
  EXPECT_EQ(write([&](sql::Tx& tx) { return house->records.count(tx, {.account = account}); }), 3);
}

TEST_P(RecordsTest, links_die_with_their_record_and_are_its_accounts_alone) {
  const auto made = make();
  ASSERT_TRUE(send(made.original));
  const auto key = key_of(made.record, original_name);
  const auto read = [&](objects::Bearer bearer) {
    return write([&](sql::Tx& tx) { return house->space.find(tx, key, bearer); });
  };
  EXPECT_EQ(read(account).value().content_type, "image/png");
  EXPECT_FALSE(read(AccountId(account.value() + 1)));
  const auto altered = "users/" + std::string(24, '0') + key.substr(30);
  EXPECT_FALSE(write([&](sql::Tx& tx) { return house->space.find(tx, altered, account); }));
  for (auto bad : {"users/", "users/x", "users/0123/media/0123/original.media"})
    EXPECT_FALSE(write([&](sql::Tx& tx) { return house->space.find(tx, bad, account); })) << bad;
  write([&](sql::Tx& tx) { return house->records.remove(tx, account, made.record.mid); }).value();
  EXPECT_EQ(read(account).error().reason(), Reason::object_not_found);
}

TEST_P(RecordsTest, every_change_rings_the_records_bell) {
  const auto made = make();
  int rung = 0;
  const auto listening = house->bells.listen(made.record.mid.value(), house->bells.count(), [&] { ++rung; });
  ASSERT_TRUE(send(made.original));
  EXPECT_GT(rung, 0);
  const auto before = std::exchange(rung, 0);
  EXPECT_GT(before, 0);
  end(claim(), failure(Failure::undecodable_media));
  EXPECT_GT(rung, 0);
}

TEST(Record, what_rows_hold_is_read_back) {
  const std::vector<Recorded> models{{forensics::Role::df1, "acme/df", "v1", "abc"},
                                     {forensics::Role::fi1_liveness, "acme/live", "", ""}};
  EXPECT_EQ(models_from(models_text(models)), models);
  EXPECT_TRUE(models_from("").empty());
  const auto checks = checks_from(checks_text({.faceswap = true, .similarity = true, .single_face = false}));
  EXPECT_TRUE(checks.faceswap && checks.similarity && !checks.liveness && !checks.single_face);
}

INSTANTIATE_TEST_SUITE_P(Engines, RecordsTest, ::testing::ValuesIn(::toll::sql::testing::engines),
                         ::toll::sql::testing::engine_name);

}  // namespace
}  // namespace toll::media
