// sink.sql.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "workflows/steps/outside.h"
#include "workflows/steps/schema_words.h"
#include "workflows/steps/tables.h"

namespace toll::workflows::steps {

namespace {

constexpr auto identifier = "^[A-Za-z_][A-Za-z0-9_$]{0,62}$";

json::Object names_schema(std::string_view description) {
  return {{"type", "array"},
          {"items", {{"type", "string"}, {"pattern", identifier}}},
          {"minItems", 1},
          {"maxItems", 16},
          {"description", description}};
}

Cell cell_of(const json::Value& value) {
  if (value.is_null()) return std::monostate();
  if (value.is_bool()) return value.get_bool();
  if (value.is_int64()) return value.get_int64();
  if (value.is_number()) return value.to_number<double>();
  if (value.is_string()) return std::string(value.get_string());
  return Json{boost::json::serialize(value)};
}

std::vector<std::string> key_of(const json::Object& with) {
  const auto* key = with.if_contains("key");
  if (!key) return {"file_path", "source_hash"};
  std::vector<std::string> out;
  for (const auto& name : key->get_array()) out.emplace_back(std::string_view(name.get_string()));
  return out;
}

// What the caller asked for, then what every row has.
std::vector<Column> own_columns(const Call& call) {
  std::vector<Column> out;
  const auto* columns = call.with.if_contains("columns");
  if (columns)
    for (const auto& column : columns->get_object())
      out.push_back({std::string(column.key()), cell_of(column.value())});
  else
    out.push_back({"data", Json{boost::json::serialize(call.nearest_data())}});
  return out;
}

// Of the bytes that the item is; a connector's item knows them since its source has run.
std::string digest_of(const Call& call) {
  if (!call.item.sha256.empty()) return call.item.sha256;
  for (const auto& step : call.before)
    if (step.uses.starts_with("source.") && step.value.is_object()) return text_in(step.value.get_object(), "sha256");
  return {};
}

std::vector<Column> fixed_columns(const Call& call, Time now) {
  const json::Object metadata{{"workflow_id", call.workflow.value()},
                              {"workflow_name", call.workflow_name},
                              {"step", call.step},
                              {"mime", call.item.mime}};
  return {{"file_path", call.item.name},
          {"source_hash", digest_of(call)},
          {"execution_id", call.execution.value()},
          {"created_by", std::string("tollhouse")},
          {"created_at", Moment{iso_micros(now)}},
          {"metadata", Json{boost::json::serialize(metadata)}},
          {"status", std::string("COMPLETED")},
          {"error_message", std::monostate()},
          {"token", call.token}};
}

StepFault fault_of(TableFault fault) {
  auto out = failed(fault.code, std::move(fault.detail), std::move(fault.cause));
  out.again = fault.again;
  return out;
}

// One row into one table, once for each token.
class Writing {
 public:
  Writing(TableWriter& writer, const Call& call, Time now)
      : writer_(writer),
        call_(call),
        table_(text_in(call.with, "table")),
        key_(key_of(call.with)),
        own_(own_columns(call)),
        fixed_(fixed_columns(call, now)) {}

  std::optional<StepFault> run() {
    const bool creates = flag_in(call_.with, "create", true);
    if (auto fault = writer_.begin(table_)) return fault_of(std::move(*fault));
    auto columns = writer_.columns(table_);
    if (std::holds_alternative<TableFault>(columns)) return fault_of(std::get<TableFault>(std::move(columns)));
    if (std::get<0>(columns).empty() && creates) {
      if (auto fault = writer_.create(table_, all(), keys_in(all()))) return fault_of(std::move(*fault));
      columns = writer_.columns(table_);
      if (std::holds_alternative<TableFault>(columns)) return fault_of(std::get<TableFault>(std::move(columns)));
    }
    const auto& there = std::get<0>(columns);
    if (there.empty()) return failed(fault::sink_failed, "There is no such table.");
    if (auto fault = put(there)) return fault;
    if (auto fault = writer_.commit()) return fault_of(std::move(*fault));
    return std::nullopt;
  }

 private:
  std::vector<Column> all() const {
    auto out = own_;
    for (const auto& column : fixed_)
      if (std::none_of(own_.begin(), own_.end(), [&](const Column& own) { return own.name == column.name; }))
        out.push_back(column);
    return out;
  }

  std::vector<std::string> keys_in(const std::vector<Column>& columns) const {
    std::vector<std::string> out;
    for (const auto& name : key_)
      if (std::any_of(columns.begin(), columns.end(), [&](const Column& column) { return column.name == name; }))
        out.push_back(name);
    return out;
  }

  // A table that somebody else made need not have our columns, but must have those that were asked for.
  std::optional<StepFault> put(const std::set<std::string>& there) {
    auto row = all();
    for (const auto& column : own_)
      if (!there.contains(column.name))
        return failed(fault::sink_failed, fmt::format("The table has no column \"{}\".", column.name));
    std::erase_if(row, [&](const Column& column) { return !there.contains(column.name); });
    if (text_in(call_.with, "mode", "upsert") == "insert") return insert_once(row, there);
    if (keys_in(row).size() != key_.size())
      return failed(fault::sink_failed, "The table or the row lacks a column of the key.");
    auto changed = writer_.update(table_, row, key_);
    if (auto* fault = std::get_if<TableFault>(&changed)) return fault_of(std::move(*fault));
    if (std::get<std::int64_t>(changed) > 0) return std::nullopt;
    if (auto fault = writer_.insert(table_, row)) return fault_of(std::move(*fault));
    return std::nullopt;
  }

  std::optional<StepFault> insert_once(const std::vector<Column>& row, const std::set<std::string>& there) {
    if (!there.contains("token"))
      return failed(fault::sink_failed, "To insert, the table needs a column \"token\" that tells a repeated attempt.");
    auto done = writer_.exists(table_, {"token", call_.token});
    if (auto* fault = std::get_if<TableFault>(&done)) return fault_of(std::move(*fault));
    if (std::get<bool>(done)) return std::nullopt;
    if (auto fault = writer_.insert(table_, row)) return fault_of(std::move(*fault));
    return std::nullopt;
  }

  TableWriter& writer_;
  const Call& call_;
  const std::string table_;
  const std::vector<std::string> key_;
  const std::vector<Column> own_, fixed_;
};

class SinkSql final : public StepKind {
 public:
  SinkSql(const egress::Guard& guard, const Roots& roots, const Clock& clock)
      : guard_(guard), roots_(roots), clock_(clock) {
    about_.name = "sink.sql";
    about_.summary = "A row of a table, in SQLite or PostgreSQL.";
    about_.role = Role::sink;
    about_.with = an_object(
        {{"driver", {{"enum", json::Array{"sqlite", "postgresql"}}, {"description", "Which database."}}},
         {"dsn", a_secret("Of postgresql: a URL of its own, with host, user and database.")},
         {"root", a_text("Of sqlite: the operator's name for the folder.", 64)},
         {"database", a_text("Of sqlite: the file below it.", 4096)},
         {"table",
          {{"type", "string"}, {"pattern", "^[A-Za-z_][A-Za-z0-9_$]{0,62}([.][A-Za-z_][A-Za-z0-9_$]{0,62})?$"}}},
         {"mode", one_of("upsert replaces the row with the same key.", json::Array{"upsert", "insert"}, "upsert")},
         {"key", names_schema("Columns that tell rows apart; file_path and source_hash by default.")},
         {"columns",
          {{"type", "object"},
           {"propertyNames", {{"pattern", identifier}}},
           {"minProperties", 1},
           {"maxProperties", 100},
           {"description", "Columns and their values; without it the column data has the nearest output."}}},
         {"create", a_flag("Make the table if it is not there.", true)}},
        {"driver", "table"});
    about_.outputs = {"table", "rows"};
    about_.secrets = true;
    about_.lasting = true;
  }
  const About& about() const override { return about_; }

  void check(Checking& what) const override {
    const auto& with = what.step.with;
    const bool sqlite = text_in(with, "driver") == "sqlite";
    for (const auto* name : {"root", "database"})
      if (sqlite && !with.contains(name)) what.problems.add("required", what.path / name, "This field is required.");
    if (!sqlite && !with.contains("dsn")) what.problems.add("required", what.path / "dsn", "This field is required.");
    if (!sqlite) return;
    const auto* root = roots_.find(text_in(with, "root"));
    if (with.contains("root") && (!root || !root->writable))
      what.problems.add("unknown_root", what.path / "root", "There is no such folder to write to on this server.");
    const auto database = text_in(with, "database");
    if (database.find("{{") == database.npos && !is_plain_path(database))
      what.problems.add("invalid", what.path / "database", "The path must be relative and stay below its folder.");
  }

  StepResult run(const Call& call, std::stop_token stop) override {
    auto opened = open(call, stop);
    if (auto* fault = std::get_if<TableFault>(&opened)) return fault_of(std::move(*fault));
    if (auto fault = Writing(*std::get<0>(opened), call, clock_.now()).run()) return std::move(*fault);
    Output out;
    out.value = json::Object{{"table", text_in(call.with, "table")}, {"rows", 1}};
    return out;
  }

 private:
  OpenedTable open(const Call& call, const std::stop_token& stop) const {
    if (text_in(call.with, "driver") == "postgresql") return open_postgres(guard_, text_in(call.with, "dsn"), stop);
    const auto* root = roots_.find(text_in(call.with, "root"));
    if (!root) return TableFault{"There is no such folder on this server.", ""};
    return open_sqlite(*root, text_in(call.with, "database"), stop);
  }

  About about_;
  const egress::Guard& guard_;
  const Roots& roots_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<StepKind> make_sink_sql(const egress::Guard& guard, const Roots& roots, const Clock& clock) {
  return std::make_unique<SinkSql>(guard, roots, clock);
}

}  // namespace toll::workflows::steps
