#include <fmt/format.h>
#include <libpq-fe.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/text.h"
#include "workflows/steps/tables.h"

namespace toll::workflows::steps {

namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

// The parameters of a text for libpq; nullopt: it is none.
std::optional<Parameters> parse(const std::string& dsn) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(PQconninfoParse(dsn.c_str(), &error),
                                                                               PQconninfoFree);
  PQfreemem(error);
  if (!options) return std::nullopt;
  Parameters out;
  for (const auto* option = options.get(); option->keyword; ++option)
    if (option->val && *option->val) out.emplace_back(option->keyword, option->val);
  return out;
}

std::string of(const Parameters& parameters, std::string_view name) {
  for (const auto& [key, value] : parameters)
    if (key == name) return value;
  return {};
}

// Others would read files of this server, or lead elsewhere than the host that is judged.
bool is_harmless(const std::string& name) {
  static constexpr std::array<std::string_view, 8> allowed{
      "host", "port", "dbname", "user", "password", "sslmode", "application_name", "connect_timeout"};
  return std::find(allowed.begin(), allowed.end(), name) != allowed.end();
}

std::optional<Place> place_of(const Parameters& parameters) {
  for (const auto& [name, value] : parameters)
    if (!is_harmless(name)) return std::nullopt;
  const auto host = of(parameters, "host"), port = of(parameters, "port");
  const auto number = port.empty() ? 5432 : parse_int(port).value_or(0);
  if (host.empty() || host[0] == '/' || host[0] == '@' || host.find(',') != host.npos || number < 1 || number > 65535)
    return std::nullopt;
  if (of(parameters, "user").empty() || of(parameters, "dbname").empty()) return std::nullopt;
  return Place{host, static_cast<std::uint16_t>(number)};
}

struct Answer {
  explicit Answer(PGresult* result) : raw(result, PQclear) {}
  std::unique_ptr<PGresult, void (*)(PGresult*)> raw;
  bool ok() const {
    const auto status = PQresultStatus(raw.get());
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
  }
};

// The name of the error (SQLSTATE) is for everybody, its text for the log.
TableFault refused(PGconn* connection, const Answer& result) {
  const auto* state = PQresultErrorField(result.raw.get(), PG_DIAG_SQLSTATE);
  const std::string_view code = state ? state : "";
  // Connection lost, serialisation, deadlock, too many connections, shutting down.
  const bool again = code.empty() || code.starts_with("08") || code.starts_with("40") || code.starts_with("53") ||
                     code.starts_with("57");
  return {code.empty() ? "The connection to the database broke."
                       : fmt::format("The database refused it (SQLSTATE {}).", code),
          PQerrorMessage(connection), again};
}

const char* type_of(const Cell& cell) {
  static constexpr std::array<const char*, 7> types{"text", "bigint", "double precision", "boolean",
                                                    "text", "jsonb",  "timestamptz"};
  return types[cell.index()];
}

std::optional<std::string> text_of(const Cell& cell) {
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&cell)) return fmt::format("{}", *real);
  if (const auto* flag = std::get_if<bool>(&cell)) return *flag ? "true" : "false";
  if (const auto* value = std::get_if<std::string>(&cell)) return *value;
  if (const auto* value = std::get_if<Json>(&cell)) return value->text;
  if (const auto* value = std::get_if<Moment>(&cell)) return value->text;
  return std::nullopt;
}

class PostgresWriter final : public TableWriter {
 public:
  PostgresWriter(PGconn* connection, const std::stop_token& stop)
      : connection_(connection, PQfinish), wake_(stop, HangUp{PQsocket(connection)}) {}

  TableResult begin(const std::string& table) override {
    if (auto fault = run("BEGIN")) return fault;
    return run("SELECT pg_advisory_xact_lock(hashtextextended($1, 7012))", {std::optional(table)});
  }
  TableResult commit() override { return run("COMMIT"); }

  TableResult create(const std::string& table, const std::vector<Column>& columns,
                     const std::vector<std::string>& key) override {
    std::string list, keys;
    for (const auto& column : columns)
      list += (list.empty() ? "" : ", ") + in_quotes(column.name) + " " + type_of(column.value);
    for (const auto& name : key) keys += (keys.empty() ? "" : ", ") + in_quotes(name);
    if (auto fault = run("CREATE TABLE IF NOT EXISTS " + quoted_table(table) + " (" + list + ")")) return fault;
    if (keys.empty()) return std::nullopt;
    const auto bare = table.substr(table.find('.') == table.npos ? 0 : table.find('.') + 1);
    return run("CREATE INDEX IF NOT EXISTS " + in_quotes(bare + "_key_columns") + " ON " + quoted_table(table) + " (" +
               keys + ")");
  }

  std::variant<std::set<std::string>, TableFault> columns(const std::string& table) override {
    const auto result =
        ask("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
            {std::optional(quoted_table(table))});
    if (!result.ok()) return refused(connection_.get(), result);
    std::set<std::string> out;
    for (int i = 0; i < PQntuples(result.raw.get()); ++i) out.insert(PQgetvalue(result.raw.get(), i, 0));
    return out;
  }

  std::variant<std::int64_t, TableFault> update(const std::string& table, const std::vector<Column>& row,
                                                const std::vector<std::string>& key) override {
    std::string set, where;
    std::vector<std::optional<std::string>> values;
    for (const auto& column : row) {
      values.push_back(text_of(column.value));
      set += fmt::format("{}{} = ${}", set.empty() ? "" : ", ", in_quotes(column.name), values.size());
    }
    for (const auto& name : key)
      for (const auto& column : row) {
        if (column.name != name) continue;
        values.push_back(text_of(column.value));
        where +=
            fmt::format("{}{} IS NOT DISTINCT FROM ${}", where.empty() ? "" : " AND ", in_quotes(name), values.size());
      }
    const auto result = ask("UPDATE " + quoted_table(table) + " SET " + set + " WHERE " + where, values);
    if (!result.ok()) return refused(connection_.get(), result);
    return parse_int(PQcmdTuples(result.raw.get())).value_or(0);
  }

  TableResult insert(const std::string& table, const std::vector<Column>& row) override {
    std::string names, marks;
    std::vector<std::optional<std::string>> values;
    for (const auto& column : row) {
      values.push_back(text_of(column.value));
      names += (names.empty() ? "" : ", ") + in_quotes(column.name);
      marks += fmt::format("{}${}", marks.empty() ? "" : ", ", values.size());
    }
    return run("INSERT INTO " + quoted_table(table) + " (" + names + ") VALUES (" + marks + ")", values);
  }

  std::variant<bool, TableFault> exists(const std::string& table, const Column& where) override {
    const auto result = ask(
        "SELECT 1 FROM " + quoted_table(table) + " WHERE " + in_quotes(where.name) + " IS NOT DISTINCT FROM $1 LIMIT 1",
        {text_of(where.value)});
    if (!result.ok()) return refused(connection_.get(), result);
    return PQntuples(result.raw.get()) > 0;
  }

 private:
  // Whoever waits for the server then waits no more.
  struct HangUp {
    int socket;
    void operator()() const { ::shutdown(socket, SHUT_RDWR); }
  };

  // Parameters are texts whose types the statement says.
  Answer ask(const std::string& sql, const std::vector<std::optional<std::string>>& values = {}) {
    std::vector<const char*> pointers;
    for (const auto& value : values) pointers.push_back(value ? value->c_str() : nullptr);
    return Answer(PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                               pointers.data(), nullptr, nullptr, 0));
  }
  TableResult run(const std::string& sql, const std::vector<std::optional<std::string>>& values = {}) {
    const auto result = ask(sql, values);
    if (result.ok()) return std::nullopt;
    return refused(connection_.get(), result);
  }

  std::unique_ptr<PGconn, void (*)(PGconn*)> connection_;
  std::stop_callback<HangUp> wake_;
};

}  // namespace

std::optional<Place> place_of_dsn(const std::string& dsn) {
  const auto parameters = parse(dsn);
  return parameters ? place_of(*parameters) : std::nullopt;
}

OpenedTable open_postgres(const egress::Guard& guard, const std::string& dsn, std::stop_token stop) {
  auto parameters = parse(dsn).value_or(Parameters());
  const auto place = place_of(parameters);
  if (!place)
    return TableFault{"The dsn is none that can be used: host, port, dbname, user, password and sslmode.", ""};
  const auto addresses = guard.addresses(place->host, place->port, std::chrono::seconds(5), stop);
  if (!addresses) {
    const bool forbidden = addresses.error().reason() == Reason::egress_forbidden;
    return TableFault{addresses.error().detail() + ".", addresses.error().describe(), !forbidden,
                      forbidden ? fault::egress_forbidden : fault::sink_failed};
  }
  std::erase_if(parameters, [](const auto& one) { return one.first == "connect_timeout"; });
  if (of(parameters, "password").empty()) parameters.emplace_back("password", "none");
  // The address that was judged; and nothing that this server's own files and variables say about passwords and
  // certificates.
  const Parameters own{{"hostaddr", addresses.value().front().to_string()},
                       {"connect_timeout", "5"},
                       {"tcp_user_timeout", "30000"},
                       {"passfile", "/dev/null"},
                       {"sslcert", "/dev/null/none"},
                       {"sslkey", "/dev/null/none"},
                       {"gssencmode", "disable"},
                       {"options", "-c statement_timeout=30000 -c lock_timeout=20000"},
                       {"client_encoding", "UTF8"}};
  parameters.insert(parameters.end(), own.begin(), own.end());
  std::vector<const char*> names, values;
  for (const auto& [name, value] : parameters) names.push_back(name.c_str()), values.push_back(value.c_str());
  names.push_back(nullptr), values.push_back(nullptr);
  PGconn* connection = PQconnectdbParams(names.data(), values.data(), 0);
  if (PQstatus(connection) != CONNECTION_OK) {
    TableFault out{"The database could not be reached, or did not let us in.",
                   connection ? PQerrorMessage(connection) : "", true};
    PQfinish(connection);
    return out;
  }
  return std::make_unique<PostgresWriter>(connection, stop);
}

}  // namespace toll::workflows::steps
