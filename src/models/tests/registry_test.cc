#include "models/names.h"
#include "models/tests/fixture.h"
#include "models/usage.h"
#include "objects/digest_text.h"

namespace toll::models {
namespace {

using Registry = testing::RegistryTest;
INSTANTIATE_TEST_SUITE_P(Engines, Registry, ::testing::ValuesIn(sql::testing::engines), sql::testing::engine_name);

std::string digest(std::string_view bytes) {
  return objects::digest_text(sha256(bytes));
}

TEST_P(Registry, shows_a_page_full_of_what_the_viewer_sees) {
  const auto me = account(), other = account();
  for (int i = 0; i < 5; ++i) model(other, "other/hidden" + std::to_string(i));
  model(me, "me/own");
  model(other, "other/open", true);
  clock.advance(std::chrono::seconds(5));
  model(other, "other/newer", true);
  EXPECT_EQ(listed(me), (std::vector<std::string>{"other/newer", "me/own", "other/open"}));
  EXPECT_EQ(listed(me, {.limit = 1, .offset = 1}), std::vector<std::string>{"me/own"});
  EXPECT_EQ(listed(Viewer::the_operator()).size(), 8u);
  EXPECT_TRUE(listed({me.account, identity::Role::platform}).empty());
}

TEST_P(Registry, finds_parts_of_names_and_takes_wildcards_as_characters) {
  const auto me = account();
  model(me, "acme/bert_base", false, {.model_name = "Finetune BERT", .author = "Zoë"});
  model(me, "acme/bertxbase", false, {.model_name = "100% \"quoted\""});
  auto found = [&](std::string q) { return listed(me, {.q = std::move(q)}).size(); };
  EXPECT_EQ(found("BERT"), 2u);
  EXPECT_EQ(found("tune b"), 1u);
  EXPECT_EQ(found("bert_b"), 1u);
  EXPECT_EQ(found("0%"), 1u);
  EXPECT_EQ(found("\"quoted\""), 1u);
  EXPECT_EQ(found("be"), 2u);
  EXPECT_EQ(found("Zoë"), 1u);
  EXPECT_EQ(found("bertzoë"), 0u);
  EXPECT_TRUE(write(
      [&](sql::Tx& tx) { return publishing.save(tx, me, "acme/bert_base", {.model_name = "Other"}, {}, trace); }));
  EXPECT_EQ(found("finetune"), 0u);
  EXPECT_EQ(found("other"), 1u);
}

TEST_P(Registry, keeps_the_figures_of_a_list_as_files_and_aliases_come_and_go) {
  const auto me = account();
  model(me, "me/m");
  for (auto name : {"v1", "v2"}) version(me, "me/m", name);
  upload(me, "me/m", "v1", "a.safetensors", "one");
  upload(me, "me/m", "v1", "b.bin", "two");
  auto now = [&] { return seen(me, "me/m")->model; };
  EXPECT_EQ(now().file_count, 2);
  EXPECT_TRUE(now().has_bin && now().has_safetensors);
  upload(me, "me/m", "v2", "c.txt", "three");
  EXPECT_EQ(now().file_count, 1);
  EXPECT_FALSE(now().has_bin || now().has_safetensors);
  EXPECT_TRUE(write([&](sql::Tx& tx) { return publishing.set_alias(tx, me, "me/m", "latest", "v1", trace); }));
  EXPECT_EQ(now().file_count, 2);
  EXPECT_EQ(write([&](sql::Tx& tx) { return publishing.remove_version(tx, me, "me/m", "v1", trace); }).error().reason(),
            Reason::version_in_use);
}

TEST_P(Registry, keeps_a_version_open_while_an_upload_of_it_is_outstanding) {
  const auto me = account();
  model(me, "me/m");
  version(me, "me/m", "v1");
  const auto first = initiate(me, "me/m", "v1", "a"), second = initiate(me, "me/m", "v1", "b");
  EXPECT_TRUE(put(first.id, "A"));
  EXPECT_TRUE(complete(me, "me/m", "v1", "a")->ready);
  auto completed = [&] {
    const auto repo = seen(me, "me/m")->model.key;
    return read([&](sql::Tx& tx) { return catalogue.version(tx, repo, "v1")->completed_at.has_value(); });
  };
  EXPECT_FALSE(completed());
  clock.advance(std::chrono::hours(2));
  EXPECT_EQ(write([&](sql::Tx& tx) { return uploads_->tick(tx); }), 2u);
  EXPECT_TRUE(completed()) << "its URL has ended";
}

TEST_P(Registry, makes_a_pending_file_ready_with_the_bytes_it_was_announced_with) {
  const auto me = account();
  model(me, "me/m");
  version(me, "me/m", "v1");
  const auto slot = initiate(me, "me/m", "v1", "a");
  EXPECT_FALSE(complete(me, "me/m", "v1", "a", digest("right"))->ready);
  EXPECT_EQ(put(slot.id, "wrong").error().reason(), Reason::bad_digest);
  EXPECT_TRUE(put(slot.id, "right"));
  const auto repo = seen(me, "me/m")->model.key;
  const auto file = read([&](sql::Tx& tx) { return catalogue.file(tx, repo, "a", "v1"); });
  EXPECT_TRUE(file && file->ready && file->sha256 == digest("right"));
}

TEST_P(Registry, never_changes_a_ready_file) {
  const auto me = account();
  model(me, "me/m");
  version(me, "me/m", "v1");
  upload(me, "me/m", "v1", "a", "first");
  EXPECT_TRUE(put(initiate(me, "me/m", "v1", "a").id, "second"));
  EXPECT_EQ(complete(me, "me/m", "v1", "a").error().reason(), Reason::file_exists);
  EXPECT_EQ(complete(me, "me/m", "v1", "a", digest("first")).error().reason(), Reason::digest_mismatch);
}

TEST_P(Registry, stamps_what_follows_a_page_with_a_later_second) {
  const auto me = account();
  model(me, "me/a");
  const auto first = changes(me);
  ASSERT_EQ(first.rows.size(), 1u);
  model(me, "me/b");
  const auto second = changes(me, {.since = first.rows.front().last_update_ts});
  ASSERT_EQ(second.rows.size(), 1u) << "the clock has not moved, the stamp has";
  EXPECT_EQ(second.rows.front().repo_id, "me/b");
  model(me, "me/c");
  EXPECT_TRUE(changes(me, {.since = second.rows.front().last_update_ts}).rows.empty()) << "stamped beyond now + 1";
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(changes(me, {.since = second.rows.front().last_update_ts}).rows.size(), 1u);
}

TEST_P(Registry, ends_a_page_before_a_second_that_it_cannot_hold) {
  const auto me = account();
  model(me, "me/a");
  clock.advance(std::chrono::seconds(10));
  for (auto name : {"me/b", "me/c", "me/d"}) model(me, name);
  EXPECT_EQ(changes(me, {.since = 0, .limit = 3}).rows.size(), 1u);
  const auto whole = changes(me, {.since = to_seconds(clock.now()) - 5, .limit = 2});
  EXPECT_EQ(whole.rows.size(), 2u) << "one second fills the page";
  const auto rest = changes(me, {.cursor = whole.cursor, .limit = 2});
  ASSERT_EQ(rest.rows.size(), 1u);
  EXPECT_EQ(rest.rows.front().repo_id, "me/d");
  EXPECT_TRUE(changes(me, {.cursor = rest.cursor}).rows.empty());
  EXPECT_EQ(feed.page(*db_, me, {.cursor = "nonsense"}).error().reason(), Reason::bad_cursor);
}

TEST_P(Registry, tells_of_grants_as_they_begin_and_end) {
  const auto me = account(), platform = account(identity::Role::platform);
  model(me, "me/m");
  const auto now = to_seconds(clock.now());
  EXPECT_TRUE(write([&](sql::Tx& tx) {
    return grants.set(tx, {.account = platform.account, .repo_id = "me/m", .from_ts = now + 10, .until_ts = now + 20},
                      trace);
  }));
  EXPECT_FALSE(seen(platform, "me/m"));
  auto cursor = changes(platform).cursor;
  auto tick = [&] { return write([&](sql::Tx& tx) { return grants.tick(tx); }); };
  EXPECT_EQ(tick(), 0u);
  clock.advance(std::chrono::seconds(10));
  EXPECT_EQ(tick(), 1u);
  auto page = changes(platform, {.cursor = cursor});
  ASSERT_EQ(page.rows.size(), 1u);
  EXPECT_FALSE(page.rows.front().deleted);
  EXPECT_TRUE(seen(platform, "me/m")->rights.files);
  EXPECT_FALSE(seen(platform, "me/m")->rights.run);
  clock.advance(std::chrono::seconds(11));
  EXPECT_EQ(tick(), 1u);
  page = changes(platform, {.cursor = page.cursor});
  ASSERT_EQ(page.rows.size(), 1u);
  EXPECT_TRUE(page.rows.front().deleted);
  EXPECT_EQ(tick(), 0u);
}

TEST_P(Registry, replaces_a_mirrored_snapshot_in_one_step) {
  auto replace = [&](std::vector<SnapshotFile> files, std::string repo_id = "hub/model") {
    return write([&](sql::Tx& tx) { return snapshots.replace(tx, repo_id, {.commit = "abc"}, files); });
  };
  EXPECT_TRUE(replace({{"a", staged("A"), {}}, {"b", staged("B"), {}}}));
  EXPECT_TRUE(replace({{"b", staged("B2"), {}}, {"c", {}, sha256("A")}}));
  const auto model_key = seen(Viewer::the_operator(), "hub/model")->model.key;
  const auto files = read([&](sql::Tx& tx) { return catalogue.manifest(tx, model_key, {}); });
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].sha256, digest("B2"));
  EXPECT_EQ(files[1].sha256, digest("A"));
  EXPECT_EQ(files[1].object_key, "hf/hub/model/c");
  const auto me = account();
  model(me, "me/m");
  EXPECT_EQ(replace({}, "me/m").error().reason(), Reason::repo_taken);
}

TEST_P(Registry, serves_what_production_names_and_notices_damage) {
  const auto me = account(), stranger = account();
  model(me, "me/m", false, {.engine = "onnx"});
  for (auto name : {"v1", "v2"}) version(me, "me/m", name);
  upload(me, "me/m", "v1", "a", "one");
  upload(me, "me/m", "v2", "a", "two");
  const ModelServing serving(clock, catalogue, *store_);
  auto resolve = [&](const Viewer& by) { return read([&](sql::Tx& tx) { return serving.resolve(tx, by, "me/m"); }); };
  EXPECT_EQ(resolve(me)->version, "v2");
  EXPECT_TRUE(write([&](sql::Tx& tx) { return publishing.set_alias(tx, me, "me/m", "production", "v1", trace); }));
  const auto chosen = resolve(me).value();
  EXPECT_EQ(chosen.version, "v1");
  EXPECT_EQ(chosen.digest, objects::digest_text(sha256(digest("one") + "  a\n")));
  EXPECT_EQ(resolve(stranger).error().reason(), Reason::model_not_found);
  EXPECT_TRUE(serving.load(chosen));
  store_->remove(sha256("one"));
  EXPECT_EQ(serving.load(chosen).error().reason(), Reason::model_unusable);
}

// What is kept of a look at a model must not outlive a change, whatever the change is.
TEST_P(Registry, resolves_anew_after_every_change_of_a_model) {
  const auto me = account();
  model(me, "me/m", false, {.engine = "onnx"});
  const ModelServing serving(clock, catalogue, *store_);
  const auto now = [&](std::string_view alias = "") -> std::string {
    const auto kept = read([&](sql::Tx& tx) { return serving.resolve_shared(tx, me, "me/m", alias); });
    const auto fresh = read([&](sql::Tx& tx) { return serving.resolve(tx, me, "me/m", alias); });
    EXPECT_EQ(kept.has_value(), fresh.has_value());
    if (!kept) return std::string(kept.error().code());
    EXPECT_EQ((*kept)->digest, fresh->digest);
    return (*kept)->version + " " + (*kept)->engine;
  };
  EXPECT_EQ(now(), "model_unusable");
  version(me, "me/m", "v1");
  upload(me, "me/m", "v1", "a", "one");
  EXPECT_EQ(now(), "v1 onnx");
  version(me, "me/m", "v2");
  upload(me, "me/m", "v2", "a", "two");
  EXPECT_EQ(now(), "v2 onnx");
  upload(me, "me/m", "v2", "b", "more");
  EXPECT_EQ(now(), "v2 onnx") << "with another digest";
  const auto point = [&](const std::string& alias, const std::string& to) {
    EXPECT_TRUE(write([&](sql::Tx& tx) { return publishing.set_alias(tx, me, "me/m", alias, to, trace); }));
  };
  point("production", "v1");
  EXPECT_EQ(now(), "v1 onnx");
  point("best", "v1");
  EXPECT_EQ(now("best"), "v1 onnx");
  point("best", "v2");
  EXPECT_EQ(now("best"), "v2 onnx");
  EXPECT_TRUE(write([&](sql::Tx& tx) { return publishing.save(tx, me, "me/m", {.engine = "other"}, {}, trace); }));
  EXPECT_EQ(now(), "v1 other");
  EXPECT_TRUE(write([&](sql::Tx& tx) { return publishing.remove_alias(tx, me, "me/m", "production", trace); }));
  EXPECT_EQ(now(), "v2 other");
  EXPECT_TRUE(write([&](sql::Tx& tx) { return publishing.remove_alias(tx, me, "me/m", "best", trace); }));
  EXPECT_EQ(now("best"), "version_not_found");
  EXPECT_TRUE(write([&](sql::Tx& tx) { return publishing.remove_version(tx, me, "me/m", "v2", trace); }));
  EXPECT_EQ(now(), "v1 other");
  EXPECT_TRUE(write([&](sql::Tx& tx) { return publishing.remove(tx, me, "me/m", trace); }));
  EXPECT_EQ(now(), "model_not_found");
}

TEST_P(Registry, offers_an_engine_what_the_viewer_may_run_in_one_statement) {
  const auto me = account(), other = account();
  model(me, "me/a", true, {.engine = "onnx"});
  model(me, "me/b", false, {.engine = "onnx"});
  model(me, "me/c", true, {.engine = "separation"});
  model(me, "me/d", true, {.engine = "onnx"});
  for (auto repo : {"me/a", "me/b", "me/c"})
    for (auto name : {"v1", "v2"}) {
      version(me, repo, name);
      for (auto file : {"model.onnx", "notes.txt", "x/other.onnx", "onnx"}) upload(me, repo, name, file, name);
    }
  EXPECT_TRUE(write([&](sql::Tx& tx) { return publishing.set_alias(tx, me, "me/b", "production", "v1", trace); }));
  const ModelServing serving(clock, catalogue, *store_);
  const auto offers = [&](const Viewer& viewer, std::int64_t limit = 10) {
    std::string out;
    for (const auto& one : read([&](sql::Tx& tx) { return serving.offers(tx, viewer, "onnx", ".onnx", limit); })) {
      out += one.repo_id + "@" + one.version;
      for (const auto& file : one.files) out += " " + file;
      out += ";";
    }
    return out;
  };
  EXPECT_EQ(offers(me), "me/a@v2 model.onnx x/other.onnx;me/b@v1 model.onnx x/other.onnx;me/d@;");
  EXPECT_EQ(offers(other), "me/a@v2 model.onnx x/other.onnx;me/d@;");
  EXPECT_EQ(offers(account(identity::Role::platform)), "");
  EXPECT_EQ(offers(account(identity::Role::admin), 2),
            "me/a@v2 model.onnx x/other.onnx;me/b@v1 model.onnx x/other.onnx;");
}

TEST_P(Registry, kills_urls_with_the_right_to_read) {
  const auto me = account(), other = account();
  model(me, "me/m", true);
  version(me, "me/m", "v1");
  upload(me, "me/m", "v1", "a", "bytes");
  AccessRecorder recorder(*db_, clock, {});
  const RegistryKeys keys(clock, *uploads_, recorder);
  const auto key = object_key("me/m", "v1", "a");
  auto find = [&](objects::Bearer bearer) { return read([&](sql::Tx& tx) { return keys.find(tx, key, bearer); }); };
  EXPECT_EQ(find(other.account)->size, 5u);
  EXPECT_TRUE(find({}));
  EXPECT_TRUE(write([&](sql::Tx& tx) { return publishing.save(tx, me, "me/m", {}, false, trace); }));
  EXPECT_EQ(find(other.account).error().reason(), Reason::url_not_valid);
  write([&](sql::Tx& tx) { return tx.exec("UPDATE accounts SET active = 0 WHERE id = $1", me.account); });
  EXPECT_EQ(find(me.account).error().reason(), Reason::url_not_valid);
}

TEST_P(Registry, never_names_a_model_to_who_has_not_seen_it) {
  const auto me = account(), early = account();
  model(me, "me/secret");
  const auto later = to_seconds(clock.now()) + 86'400;
  auto set = [&] {
    return write([&](sql::Tx& tx) {
      return grants.set(tx, {.account = early.account, .repo_id = "me/secret", .from_ts = later}, trace);
    });
  };
  EXPECT_TRUE(set());
  EXPECT_TRUE(set());
  EXPECT_TRUE(write([&](sql::Tx& tx) { return grants.remove(tx, early.account, "me/secret", trace); }));
  EXPECT_TRUE(set());
  EXPECT_TRUE(write([&](sql::Tx& tx) { return publishing.remove(tx, me, "me/secret", trace); }));
  clock.advance(std::chrono::seconds(5));
  EXPECT_TRUE(changes(early, {.since = 0}).rows.empty());
}

TEST_P(Registry, takes_no_bytes_from_who_lost_the_right_to_write) {
  const auto me = account();
  model(me, "me/m", true);
  version(me, "me/m", "v1");
  const auto slot = initiate(me, "me/m", "v1", "a");
  AccessRecorder recorder(*db_, clock, {});
  const RegistryKeys keys(clock, *uploads_, recorder);
  auto may_write = [&] { return read([&](sql::Tx& tx) { return keys.may_write(tx, slot); }); };
  EXPECT_TRUE(may_write());
  write([&](sql::Tx& tx) { return tx.exec("UPDATE accounts SET role = 'platform' WHERE id = $1", me.account); });
  EXPECT_EQ(may_write().error().reason(), Reason::url_not_valid);
}

TEST_P(Registry, gives_no_two_files_one_key) {
  auto replace = [&](std::string repo_id, std::string name, std::string bytes) {
    return write([&](sql::Tx& tx) -> Result<void> {
      if (auto done = snapshots.replace(tx, repo_id, {.commit = "abc"}, {{{name, staged(bytes), {}}}}); !done)
        return std::move(done).error();
      return {};
    });
  };
  EXPECT_TRUE(replace("gpt2", "onnx/decoder", "one"));
  EXPECT_EQ(replace("gpt2/onnx", "decoder", "two").error().reason(), Reason::conflict);
}

TEST_P(Registry, adds_usage_up_and_counts_issued_urls_as_downloads) {
  const auto me = account();
  model(me, "me/m");
  AccessRecorder recorder(*db_, clock, {});
  auto row = [&](std::string_view event, std::int64_t urls, std::int64_t bytes = 0) {
    AccessRow out;
    out.account = me.account;
    out.event = std::string(event);
    out.repo_id = "me/m";
    out.urls = urls;
    out.bytes = bytes;
    return out;
  };
  recorder.record(row(event_files_list, 3));
  recorder.record(row(event_download, 1));
  recorder.record(row(event_served, 0, 77));
  auto denied = row(event_download, 0);
  denied.status = "denied";
  recorder.record(denied);
  recorder.flush();
  const auto second = to_seconds(clock.now());
  const auto sums = read([&](sql::Tx& tx) {
    return usage(tx, {.since = second, .until = second, .account = me.account, .top_users = 5});
  });
  EXPECT_EQ(sums.totals.events(), 2);
  EXPECT_EQ(sums.totals.urls_issued, 4);
  EXPECT_EQ(sums.totals.bytes_served, 77);
  ASSERT_EQ(sums.top_users.size(), 1u);
  EXPECT_EQ(sums.top_users[0].downloads, 1);
  EXPECT_EQ(seen(me, "me/m")->model.downloads, 4);
  EXPECT_EQ(read([&](sql::Tx& tx) { return usage(tx, {.since = second + 1, .until = second}).totals.events(); }), 0);
}

TEST(Names, are_what_paths_can_hold) {
  EXPECT_TRUE(valid_repo_id("acme/finetune-bert") && valid_repo_id("a/b/c/d") && valid_repo_id("gpt2"));
  for (auto bad : {"", "/a", "a/", "a//b", "a/./b", "..", "a/b/c/d/e", "a b", "acme/files", "v1/x", "v2/x"})
    EXPECT_FALSE(valid_repo_id(bad)) << bad;
  EXPECT_FALSE(file_name_problem("onnx/model.onnx"));
  for (auto bad : {"", "/a", "a//b", "a/../b", "a\\b", "a\nb"}) EXPECT_TRUE(file_name_problem(bad)) << bad;
  EXPECT_EQ(readable_count(8'000'000'000), "8B");
  EXPECT_EQ(readable_count(1'540'000), "1.5M");
  EXPECT_EQ(readable_count(999), "999");
}

}  // namespace
}  // namespace toll::models
