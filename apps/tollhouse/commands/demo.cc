#include "tollhouse/commands/demo.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <ostream>
#include <set>
#include <sstream>
#include <system_error>
#include <thread>

#include "base/random.h"
#include "identity/admin.h"
#include "tollhouse/commands/api_client.h"
#include "tollhouse/commands/wav.h"

namespace toll::app {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr int ok = 200;
constexpr int unauthorized = 401;
constexpr double silence = 0.001;           // -60 dBFS
constexpr double most_seconds_apart = 0.1;  // between song and stem
constexpr auto poll_interval = std::chrono::milliseconds(200);
const std::set<std::string> expected_stems{"bass.wav", "drums.wav", "other.wav", "vocals.wav"};

// Ends the demonstration: what went wrong, and what to do about it.
struct Stop {
  std::string what, hint;
};

struct Credentials {
  std::string email, username, password, key;
};

struct Saved {
  std::string name;
  std::size_t bytes;
  double seconds;
};

std::string text_of(const json::object& object, std::string_view name) {
  auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

double number_of(const json::object& object, std::string_view name) {
  auto* value = object.if_contains(name);
  boost::system::error_code error;
  return value && value->is_number() ? value->to_number<double>(error) : 0;
}

Answer wanted(Result<Answer> answer, std::string_view what) {
  if (!answer) throw Stop{fmt::format("{}: {}", what, explain(answer.error())), "Is the server still running?"};
  if (answer->status != ok) throw Stop{fmt::format("{}: {}", what, answer->detail()), ""};
  return *std::move(answer);
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  if (!in) throw Stop{fmt::format("{} cannot be read", path.string()), "Give a song: tollhouse demo --file song.mp3"};
  return std::move(out).str();
}

// Whole or not at all, under its final name.
void write_file(const fs::path& path, std::string_view content, mode_t mode) {
  auto aside = path.string() + ".part";
  int fd = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), aside);
  for (std::string_view rest = content; !rest.empty();) {
    auto written = ::write(fd, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      int error = errno;
      ::close(fd);
      throw std::system_error(error, std::generic_category(), aside);
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  ::close(fd);
  fs::rename(aside, path);
}

// For a POSIX shell.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

// A path in curl's -F, inside its own double quotes.
std::string curl_quoted(std::string_view path) {
  std::string out = "\"";
  for (char c : path) out += (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
  return out + "\"";
}

class Demo {
 public:
  Demo(const Console& console, const DemoOptions& options, const OpenHouse& open_house)
      : console_(console), options_(options), open_house_(open_house), api_(options.url) {}

  int run() {
    auto song = read_file(options_.file);
    knock();
    sign_in();
    ensure_credits();
    auto job = separate(song);
    auto stems = download(job);
    check(stems, seconds_of(song));
    return report(job, stems);
  }

 private:
  void knock() {
    auto answer = api_.get("/api");
    if (!answer)
      throw Stop{fmt::format("no server answers on {}", options_.url), "Start one first: tollhouse serve, or ./run"};
  }

  fs::path credentials_file() const { return options_.data / "demo.json"; }

  std::optional<Credentials> remembered() const {
    std::ifstream in(credentials_file());
    if (!in) return std::nullopt;
    std::ostringstream text;
    text << in.rdbuf();
    boost::system::error_code error;
    auto value = json::parse(text.str(), error);
    if (error || !value.is_object()) return std::nullopt;
    const auto& object = value.as_object();
    return Credentials{text_of(object, "email"), text_of(object, "username"), text_of(object, "password"),
                       text_of(object, "api_key")};
  }

  void remember() const {
    json::object object{
        {"email", who_.email}, {"username", who_.username}, {"password", who_.password}, {"api_key", who_.key}};
    fs::create_directories(options_.data);
    write_file(credentials_file(), json::serialize(object) + "\n", 0600);
  }

  void sign_in() {
    if (auto known = remembered()) {
      who_ = *std::move(known);
      auto answer = api_.post("/auth/login", {{"email", who_.email}, {"password", who_.password}});
      if (answer && answer->status == ok)
        token_ = text_of(answer->json(), "access_token");
      else if (answer && answer->status != unauthorized)
        throw Stop{"logging in: " + answer->detail(), ""};
    }
    if (token_.empty()) create_account();  // also when the database is another one than last time
    api_.use(who_.key);
    auto answer = who_.key.empty() ? Result<Answer>(Answer{unauthorized, ""}) : api_.get("/jobs?limit=1");
    if (answer && answer->status == ok) return;
    api_.use(token_);
    auto fresh = wanted(api_.post("/api-key/regenerate", {}), "making an API key");
    who_.key = text_of(fresh.json(), "api_key");
    remember();
  }

  void create_account() {
    SystemRandom random;
    auto name = "demo-" + random.text(8, "abcdefghijkmnpqrstuvwxyz23456789");
    who_ = {name + "@example.com", name, random.text(24, base62_alphabet), ""};
    auto answer =
        wanted(api_.post("/auth/register", {{"email", who_.email}, {"username", name}, {"password", who_.password}}),
               "registering a demo account");
    token_ = text_of(answer.json(), "access_token");
    remember();
  }

  // Enough for this run and for the command that is printed at its end.
  void ensure_credits() {
    auto model = wanted(api_.get("/upload/models/htdemucs"), "looking up the model").json();
    double needed = 2 * number_of(model, "cost");
    served_by_ = text_of(model, "served_by");
    api_.use(token_);
    double balance = number_of(wanted(api_.get("/credits/balance"), "looking up the balance").json(), "credits");
    if (balance >= needed) return;
    auto house = open_house_();
    auto granted = house->db.write([&](sql::Tx& tx) -> Result<metering::Entry> {
      auto account = house->accounts.find_by_email(tx, who_.email);
      if (!account) return Fault(Reason::account_not_found).because(who_.email);
      auto missing = static_cast<std::int64_t>(std::ceil(needed - balance)) + 8;
      return identity::adjust_credits(tx, house->clock, house->accounts, house->ledger, account->id,
                                      metering::whole_credits(missing), "Credits for the demonstration", "demo",
                                      identity::operator_actor());
    });
    if (!granted)
      throw Stop{"the demo account is out of credits: " + explain(granted.error()),
                 "Is --data (or --database) the one of the server? Credits by hand: tollhouse accounts grant-credits " +
                     who_.email + " 10"};
  }

  // The id of the completed job.
  std::string separate(const std::string& song) {
    api_.use(who_.key);
    auto accepted = wanted(api_.upload("/upload", {{"model", "htdemucs"}, {"stem_count", "4"}},
                                       {"file", options_.file.filename().string(), song}),
                           "uploading");
    auto id = text_of(accepted.json(), "id");
    ProgressBar bar(console_, "Separating " + options_.file.filename().string());
    auto deadline = std::chrono::steady_clock::now() + options_.patience;
    while (std::chrono::steady_clock::now() < deadline) {
      auto job = wanted(api_.get("/jobs/" + id), "asking for the job").json();
      auto status = text_of(job, "status");
      if (status == "completed") return id;
      if (status == "failed") throw Stop{"the separation failed: " + text_of(job, "error_message"), ""};
      if (status == "cancelled") throw Stop{"somebody cancelled the separation", ""};
      bar.show(number_of(job, "progress") / 100);
      std::this_thread::sleep_for(poll_interval);
    }
    throw Stop{fmt::format("the separation was not done within {} seconds", options_.patience.count()),
               "Give it longer: --timeout SECONDS"};
  }

  std::vector<Saved> download(const std::string& id) {
    auto list = wanted(api_.get("/jobs/" + id + "/stems"), "listing the stems").json();
    auto* names = list.if_contains("stems");
    fs::create_directories(folder());
    std::vector<Saved> saved;
    for (const auto& value : names && names->is_array() ? names->as_array() : json::array{}) {
      std::string name(value.as_string());
      if (!expected_stems.contains(name)) throw Stop{"the server lists a stem that was not asked for: " + name, ""};
      auto file = wanted(api_.get("/download/" + id + "/" + name), "downloading " + name);
      auto audio = read_wav(file.body);
      if (!audio) throw Stop{name + " is not a whole WAV file", ""};
      if (audio->peak < silence) throw Stop{name + " is silent", ""};
      write_file(folder() / name, file.body, 0644);
      saved.push_back({name, file.body.size(), audio->seconds});
    }
    return saved;
  }

  void check(const std::vector<Saved>& stems, std::optional<double> song_seconds) const {
    if (stems.size() != expected_stems.size())
      throw Stop{fmt::format("there are {} stems instead of {}", stems.size(), expected_stems.size()), ""};
    double expected = song_seconds.value_or(stems.front().seconds);
    for (const auto& stem : stems)
      if (stem.seconds <= 0 || std::abs(stem.seconds - expected) > most_seconds_apart)
        throw Stop{fmt::format("{} is {:.2f} s long, the song {:.2f} s", stem.name, stem.seconds, expected), ""};
  }

  int report(const std::string& job, const std::vector<Saved>& stems) const {
    auto song = fs::absolute(options_.file).lexically_normal().string();
    auto upload =
        fmt::format("curl -X POST {}/upload -H 'Authorization: Bearer {}' -F {} -F model=htdemucs -F stem_count=4",
                    options_.url, who_.key, shell_quoted("file=@" + curl_quoted(song)));
    auto fetch =
        fmt::format("curl {}/download/{} -H 'Authorization: Bearer {}' -o stems.zip", options_.url, job, who_.key);
    std::vector<std::vector<std::string>> rows;
    json::array list;
    for (const auto& stem : stems) {
      auto path = (folder() / stem.name).lexically_normal().string();
      rows.push_back({"  " + path, human_bytes(stem.bytes), fmt::format("{:.1f} s", stem.seconds)});
      list.push_back(json::object{{"file", path}, {"bytes", stem.bytes}, {"seconds", stem.seconds}});
    }
    auto text = fmt::format(
        "{} separated by {}:\n{}\nAPI key  {}\nDocs     {}/docs\nAccount  {} (password in {})\n\nThe same with curl, "
        "and "
        "the stems as a ZIP:\n  {}\n  {}\n",
        options_.file.filename().string(), served_by_, as_columns(rows), who_.key, options_.url, who_.email,
        credentials_file().lexically_normal().string(), upload, fetch);
    return console_.show(text, json::object{{"stems", list},
                                            {"job", job},
                                            {"served_by", served_by_},
                                            {"api_key", who_.key},
                                            {"docs", options_.url + "/docs"},
                                            {"curl", upload}});
  }

  fs::path folder() const { return options_.data / "demo"; }

  const Console& console_;
  const DemoOptions& options_;
  const OpenHouse& open_house_;
  ApiClient api_;
  Credentials who_;
  std::string token_;
  std::string served_by_;
};

}  // namespace

int demo(const Console& console, const DemoOptions& options, const OpenHouse& open_house) try {
  return Demo(console, options, open_house).run();
} catch (const Stop& stop) {
  return console.fail(stop.what, stop.hint);
}

}  // namespace toll::app
