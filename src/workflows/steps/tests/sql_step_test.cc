#include <sqlite3.h>

#include "workflows/steps/tables.h"
#include "workflows/steps/tests/calls.h"

namespace toll::workflows::steps {
namespace {

class SqlStep : public StepTest {
 protected:
  SqlStep() : roots({"db=" + folder.string(), "locked=" + folder.string() + ":ro"}) {}

  // The first column of each row.
  std::vector<std::string> rows(const std::string& sql) {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open((folder / "t.db").c_str(), &db), SQLITE_OK);
    std::vector<std::string> out;
    const auto add = [](void* list, int, char** values, char**) {
      static_cast<std::vector<std::string>*>(list)->push_back(values[0] ? values[0] : "NULL");
      return 0;
    };
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), add, &out, &error), SQLITE_OK) << (error ? error : "");
    sqlite3_free(error);
    sqlite3_close(db);
    return out;
  }
  StepResult run(const std::string& more, std::string name = "a.pdf", std::string token = "e:1:s") {
    auto call = this->call(*step, R"({"driver":"sqlite","root":"db","database":"t.db","table":"items")" + more + "}");
    call.item.name = std::move(name);
    call.token = std::move(token);
    call.before.push_back({"x", "extract.rules", parsed(R"({"total":42})"), {}});
    return step->run(call, {});
  }

  Roots roots;
  egress::Guard guard{{}};
  std::unique_ptr<StepKind> step = make_sink_sql(guard, roots, clock);
};

using Lines = std::vector<std::string>;

TEST_F(SqlStep, writes_one_row_for_one_item_however_often_it_runs) {
  EXPECT_EQ(value_text(succeeded(run(""))), R"({"table":"items","rows":1})");
  succeeded(run(""));
  succeeded(run("", "a.pdf", "other:1:s"));  // another execution of the same file
  succeeded(run("", "b.pdf"));
  EXPECT_EQ(rows("SELECT file_path || ' ' || data || ' ' || status FROM items ORDER BY 1"),
            (Lines{R"(a.pdf {"total":42} COMPLETED)", R"(b.pdf {"total":42} COMPLETED)"}));
  EXPECT_EQ(rows("SELECT token FROM items WHERE file_path = 'a.pdf'"), Lines{"other:1:s"});
}

TEST_F(SqlStep, inserts_once_for_each_token) {
  for (auto token : {"e:1:s", "e:1:s", "f:1:s"}) succeeded(run(R"(,"mode":"insert")", "a.pdf", token));
  EXPECT_EQ(rows("SELECT token FROM items ORDER BY 1"), (Lines{"e:1:s", "f:1:s"}));
}

TEST_F(SqlStep, has_columns_of_its_own_typed_by_their_values) {
  succeeded(run(
      R"(,"columns":{"total":42,"rate":0.5,"paid":true,"note":"it's \"x\"; DROP TABLE items","lines":[1],"none":null},"key":["file_path"])"));
  EXPECT_EQ(rows("SELECT (total + 1) || '|' || rate || '|' || paid || '|' || note || '|' || lines || '|' || (none IS "
                 "NULL) FROM items"),
            Lines{R"(43|0.5|1|it's "x"; DROP TABLE items|[1]|1)"});
  EXPECT_EQ(failed_run(run(R"(,"columns":{"other":1},"key":["file_path"])")).detail,
            "The table has no column \"other\".");
}

TEST_F(SqlStep, fits_a_table_that_was_there) {
  rows("CREATE TABLE items (file_path TEXT, total INTEGER)");
  succeeded(run(R"(,"columns":{"total":7},"key":["file_path"],"create":false)"));
  succeeded(run(R"(,"columns":{"total":8},"key":["file_path"],"create":false)"));
  EXPECT_EQ(rows("SELECT total FROM items"), Lines{"8"});
  EXPECT_EQ(failed_run(run(R"(,"columns":{"total":7},"key":["nothing"])")).code, "sink_failed");
}

TEST_F(SqlStep, needs_its_table_and_its_folder) {
  EXPECT_EQ(failed_run(run(R"(,"create":false)")).detail, "There is no such table.");
  for (auto place : {R"("root":"locked","database":"t.db")", R"("root":"none","database":"t.db")",
                     R"("root":"db","database":"../t.db")"}) {
    const auto with = R"({"driver":"sqlite","table":"items",)" + std::string(place) + "}";
    EXPECT_EQ(failed_run(step->run(call(*step, with), {})).code, "sink_failed") << place;
  }
}

TEST_F(SqlStep, reaches_no_database_inside) {
  const auto with = R"({"driver":"postgresql","table":"items","dsn":"postgresql://u:p@127.0.0.1:5432/d"})";
  EXPECT_EQ(failed_run(step->run(call(*step, with), {})).code, "egress_forbidden");
}

TEST(Dsn, names_one_host_and_nothing_of_ours) {
  EXPECT_EQ(place_of_dsn("postgresql://u:p@db.example:6000/d?sslmode=require")->port, 6000);
  EXPECT_EQ(place_of_dsn("host=db.example user=u dbname=d")->port, 5432);
  for (auto wrong : {"", "postgresql:///d", "postgresql://u@/d", "postgresql://u@a,b/d", "host=/run user=u dbname=d",
                     "postgresql://a.example/d", "host=a user=u dbname=d passfile=/x",
                     "host=a hostaddr=127.0.0.1 user=u dbname=d", "host=a user=u dbname=d sslkey=/etc/x",
                     "host=a user=u dbname=d service=x", "host=a user=u dbname=d options=-cx", "host=a user=u"})
    EXPECT_FALSE(place_of_dsn(wrong)) << wrong;
}

TEST(Identifiers, are_quoted) {
  EXPECT_EQ(in_quotes(R"(a"b)"), R"("a""b")");
  EXPECT_EQ(quoted_table("s.t"), R"("s"."t")");
}

}  // namespace
}  // namespace toll::workflows::steps
