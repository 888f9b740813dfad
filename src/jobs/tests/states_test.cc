// The state diagram of README.md, edge by edge, with every edge that is not there; and what each does to the money.
#include "jobs/tests/support.h"

namespace toll::jobs::testing {
namespace {

enum class Event { claim, complete, fail, lose, lose_third, give_back, expire, beat, cancel, retry, remove };
struct EventRow {
  Event event;
  const char* name;
};
constexpr EventRow events[]{{Event::claim, "claim"},
                            {Event::complete, "complete"},
                            {Event::fail, "fail"},
                            {Event::lose, "lose"},
                            {Event::lose_third, "lose_third"},
                            {Event::give_back, "give_back"},
                            {Event::expire, "expire"},
                            {Event::beat, "beat"},
                            {Event::cancel, "cancel"},
                            {Event::retry, "retry"},
                            {Event::remove, "remove"}};

struct Edge {
  State from;
  Event event;
  std::optional<State> to;  // none: gone
};
// Every pair that is not here is refused and changes nothing.
const Edge edges[]{
    {State::pending, Event::claim, State::processing},      {State::pending, Event::cancel, State::cancelled},
    {State::processing, Event::complete, State::completed}, {State::processing, Event::fail, State::failed},
    {State::processing, Event::lose, State::pending},       {State::processing, Event::lose_third, State::failed},
    {State::processing, Event::give_back, State::pending},  {State::processing, Event::expire, State::pending},
    {State::processing, Event::beat, State::processing},    {State::processing, Event::cancel, State::cancelled},
    {State::failed, Event::retry, State::pending},          {State::cancelled, Event::retry, State::pending},
    {State::pending, Event::remove, std::nullopt},          {State::processing, Event::remove, std::nullopt},
    {State::completed, Event::remove, std::nullopt},        {State::failed, Event::remove, std::nullopt},
    {State::cancelled, Event::remove, std::nullopt},
};

const Edge* edge_of(State from, Event event) {
  for (const Edge& edge : edges)
    if (edge.from == from && edge.event == event) return &edge;
  return nullptr;
}

// One job, brought into a state, with the claim that it had on the way.
class Walk {
 public:
  Walk(Fixture& fixture, State state, int lost_before = 0) : f_(fixture), job_(fixture.submit(account_)) {
    for (int i = 0; i < lost_before; ++i) {
      claim_ = f_.claim_one();
      EXPECT_TRUE(f_.write([&](sql::Tx& tx) { return f_.queue().lost(tx, claim_); }));
    }
    if (state == State::pending) return;
    claim_ = f_.claim_one();
    if (state == State::processing) return;
    EXPECT_TRUE(apply(state == State::completed ? Event::complete
                      : state == State::failed  ? Event::fail
                                                : Event::cancel));
  }

  // Whether the queue said yes.
  bool apply(Event event) {
    return f_.write([&](sql::Tx& tx) { return apply(tx, event); });
  }
  bool apply(sql::Tx& tx, Event event) {
    Queue& queue = f_.queue();
    switch (event) {
      case Event::claim:
        return !queue.claim(tx, {.worker = "w", .max_processing = 100}).empty();
      case Event::complete:
        return queue.complete(tx, claim_);
      case Event::fail:
        return queue.fail(tx, claim_, Fault(Reason::audio_too_long).with("limit", "6&0=x"));
      case Event::lose:
      case Event::lose_third:
        return queue.lost(tx, claim_);
      case Event::give_back:
        return queue.give_back(tx, claim_);
      case Event::expire:
        return f_.clock().advance(std::chrono::minutes(1)), queue.reclaim(tx) == 1;
      case Event::beat:
        return queue.beat(tx, claim_, 50, std::chrono::seconds(15));
      case Event::cancel:
        return queue.cancel(tx, account_, job_.id).has_value();
      case Event::retry:
        return queue.retry(tx, account_, job_.id).has_value();
      case Event::remove:
        return queue.remove(tx, account_, job_.id).has_value();
    }
    return false;
  }

  std::optional<Job> now() { return f_.find(job_.id); }
  const Claim& claim() const { return claim_; }

  static inline const AccountId account_{1};

 private:
  Fixture& f_;
  Job job_;
  Claim claim_;
};

class JobStates : public QueueTest {
 protected:
  void SetUp() override { fixture_.fund(alice_, 100); }

  void expect_money(std::optional<State> before, std::optional<State> now) {
    State state = now ? *now : (before == State::completed ? State::completed : State::cancelled);
    auto spent = state == State::failed || state == State::cancelled ? 0 : 1;
    EXPECT_EQ(fixture_.balance(alice_), metering::whole_credits(100 - spent));
    EXPECT_EQ(fixture_.held(alice_), metering::whole_credits(is_open(state) ? 1 : 0));
    EXPECT_EQ(fixture_.write([](sql::Tx& tx) { return broken_promises(tx); }), "");
  }
};

TEST_P(JobStates, follow_every_edge_of_the_diagram_and_no_other) {
  for (State from : all_states) {
    for (const auto& [event, name] : events) {
      SCOPED_TRACE(std::string(to_string(from)) + " + " + name);
      Walk walk(fixture_, from, event == Event::lose_third ? 2 : 0);
      auto before = walk.now();
      const Edge* edge = edge_of(from, event);
      EXPECT_EQ(walk.apply(event), edge != nullptr);
      auto after = walk.now();
      auto expected = edge ? edge->to : std::optional(from);
      ASSERT_EQ(after.has_value(), expected.has_value());
      if (after) {
        EXPECT_EQ(after->state, *expected);
        if (!edge) {
          EXPECT_EQ(after->completed_at, before->completed_at);
        }
      }
      expect_money(from, after ? std::optional(after->state) : std::nullopt);
      if (after) (void)fixture_.write([&](sql::Tx& tx) { return fixture_.queue().remove(tx, after->id); });
      // The books of the next pair start at 100 again.
      auto missing = metering::whole_credits(100) - fixture_.balance(alice_);
      fixture_.fund(alice_, missing.micros / metering::micros_per_credit);
    }
  }
}

TEST_P(JobStates, show_what_a_client_may_rely_on) {
  Walk processing(fixture_, State::processing);
  EXPECT_TRUE(processing.apply(Event::beat));
  EXPECT_EQ(processing.now()->progress, 50);
  EXPECT_EQ(processing.now()->started_at, fixture_.clock().now());
  EXPECT_FALSE(processing.now()->completed_at);
  Walk failed(fixture_, State::failed);
  ASSERT_TRUE(failed.now()->failure);
  EXPECT_EQ(failed.now()->failure->reason(), Reason::audio_too_long);
  EXPECT_EQ(failed.now()->failure->argument("limit"), "6&0=x");
  EXPECT_TRUE(failed.now()->completed_at);
  EXPECT_TRUE(failed.apply(Event::retry));
  EXPECT_FALSE(failed.now()->failure);
  EXPECT_FALSE(failed.now()->started_at);
  EXPECT_FALSE(failed.now()->completed_at);

  EXPECT_TRUE(processing.apply(Event::lose));
  EXPECT_EQ(processing.now()->progress, 0);
}

TEST_P(JobStates, count_lost_runs_anew_after_a_retry) {
  Walk walk(fixture_, State::processing, 2);
  EXPECT_TRUE(walk.apply(Event::lose_third));
  EXPECT_EQ(walk.now()->failure->reason(), Reason::worker_lost);
  EXPECT_EQ(walk.now()->lost_runs, 3);
  EXPECT_TRUE(walk.apply(Event::retry));
  EXPECT_EQ(walk.now()->lost_runs, 0);
}

TEST_P(JobStates, never_end_before_they_began) {
  Walk walk(fixture_, State::pending);
  fixture_.clock().advance(-std::chrono::hours(1));
  Claim claim = fixture_.claim_one();
  EXPECT_TRUE(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().complete(tx, claim); }));
  EXPECT_EQ(walk.now()->completed_at, walk.now()->created_at);
  EXPECT_EQ(walk.now()->started_at, walk.now()->created_at);
}

// Who is hurt: an old run that comes to its end late would complete, or fail, the job that runs anew.
TEST_P(JobStates, give_an_old_claim_no_say_in_a_new_run) {
  for (Event end : {Event::complete, Event::fail, Event::lose, Event::give_back, Event::beat}) {
    Walk walk(fixture_, State::processing);
    EXPECT_TRUE(walk.apply(Event::cancel));
    EXPECT_TRUE(walk.apply(Event::retry));
    Claim fresh = fixture_.claim_one();
    EXPECT_FALSE(walk.apply(end));
    EXPECT_EQ(walk.now()->state, State::processing);
    EXPECT_TRUE(fixture_.write([&](sql::Tx& tx) { return fixture_.queue().complete(tx, fresh); }));
  }
}

TOLL_ON_EVERY_ENGINE(JobStates);

}  // namespace
}  // namespace toll::jobs::testing
