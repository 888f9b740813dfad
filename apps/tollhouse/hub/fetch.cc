#include "tollhouse/hub/fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <system_error>
#include <thread>

#include "tollhouse/hub/part_file.h"
#include "tollhouse/hub/transfer.h"

namespace toll::app::hub {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds longest_pause{60'000};

// "bytes 100-199/200"; the whole is not known for "*". "bytes */200" has no first.
struct ContentRange {
  std::optional<std::uint64_t> first, whole;
};
ContentRange content_range_of(std::string_view text) {
  auto number = [](std::string_view digits) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
  };
  const auto slash = text.find('/'), dash = text.find('-');
  if (!text.starts_with("bytes ") || slash == text.npos) return {};
  return {dash == text.npos ? std::nullopt : number(text.substr(6, dash - 6)), number(text.substr(slash + 1))};
}

// What a part is the beginning of: the URL, and the strong validator that the server gave (RFC 9110, 13.1.5), if any.
struct Origin {
  std::string url, validator;

  static Origin read(const fs::path& path) {
    std::ifstream in(path);
    Origin out;
    std::getline(in, out.url);
    std::getline(in, out.validator);
    return out;
  }
  void write(const fs::path& path) const {
    std::ofstream out(path, std::ios::trunc);
    out << url << '\n' << validator << '\n';
    if (!out.flush()) throw std::system_error(errno, std::generic_category(), "write " + path.string());
  }
};

std::string validator_of(const Head& head) {
  if (!head.etag.empty()) return head.etag.starts_with("W/") ? "" : head.etag;
  return head.last_modified;
}

bool is_full(const std::system_error& error) {
  const int code = error.code().value();
  return code == ENOSPC || code == EDQUOT || code == EFBIG;
}

class Fetcher {
 public:
  Fetcher(const Options& options, const Fetch& wanted, const Watch& watch)
      : options_(options),
        wanted_(wanted),
        watch_(watch),
        deadline_(Clock::now() + wanted.most_time),
        part_(wanted.part),
        from_(wanted.part.string() + ".from"),
        origin_(Origin::read(from_)) {
    if (part_.size() > 0 && (origin_.url != wanted.url || part_.size() > wanted.most_bytes)) throw_away();
    old_ = part_.size() > 0;
  }

  Result<bool> run() {
    auto pause = options_.pause;
    for (int attempt = 1;;) {
      const auto begun = part_.size();
      watch_.arrived(begun, all_);
      Head head;
      const auto outcome = ask(head, begun);
      if (refused_) return *refused_;
      if (outcome.code == CURLE_OK && answered_ && (!all_ || part_.size() == *all_)) return old_;
      if (outcome.code == CURLE_OK && !answered_) return failed("the server sent an empty file");
      if (outcome.status == 416 && begun > 0) {
        if (content_range_of(head.content_range).whole == begun) return old_;
        throw_away();
      } else if (outcome.code != CURLE_OK && !outcome.passing()) {
        return fault_of(wanted_.url, outcome);
      }
      // Attempts that bring bytes do not count.
      const bool moved = part_.size() > begun;
      if (Clock::now() >= deadline_) return too_slow();
      if (!moved && ++attempt > options_.attempts) return fault_of(wanted_.url, outcome);
      const auto rest = std::max<milliseconds>(moved ? options_.pause : pause, head.retry_after);
      if (Clock::now() + rest >= deadline_) return too_slow();
      watch_.waiting(outcome.text(), rest);
      std::this_thread::sleep_for(rest);
      pause = moved ? options_.pause : std::min(pause * 2, longest_pause);
    }
  }

 private:
  Fault failed(std::string_view why) const {
    return Fault(Reason::upstream_failed).because(fmt::format("{}: {}", wanted_.url, why));
  }
  Fault too_slow() const {
    return failed(
        fmt::format("not here after the {} s that models.download_timeout gives it; {} bytes are, and the "
                    "same command goes on with them",
                    wanted_.most_time.count(), part_.size()));
  }
  Fault too_large() const {
    return failed(fmt::format("larger than the {} bytes that models.max_download_bytes allows", wanted_.most_bytes));
  }

  Outcome ask(Head& head, std::uint64_t begun) {
    answered_ = false;
    const auto left = std::chrono::ceil<milliseconds>(deadline_ - Clock::now());
    return perform(options_, {wanted_.url, begun, origin_.validator, std::max(left, milliseconds(1))}, head,
                   [&](std::string_view bytes) {
                     if (!std::exchange(answered_, true) && !begin(head, begun)) return false;
                     return take(bytes);
                   });
  }

  void throw_away() {
    part_.clear();
    origin_ = {};
    old_ = false;
    all_.reset();
    watch_.arrived(0, std::nullopt);
  }

  // Nothing of such a server is worth going on with.
  bool refuse(Fault fault) {
    throw_away();
    refused_ = std::move(fault);
    return false;
  }

  // Before the first bytes of an answer: where they belong.
  bool begin(const Head& head, std::uint64_t begun) {
    const auto range = content_range_of(head.content_range);
    if (head.status == 206) {
      if (range.first != begun) return refuse(failed("the server sent another part of the file than was asked for"));
    } else if (head.status == 200) {
      if (begun > 0) throw_away();
    } else {
      return refuse(failed(fmt::format("the server answered {}", head.status)));
    }
    all_ = head.status == 206 ? range.whole : head.content_length;
    if (all_ && *all_ > wanted_.most_bytes) return refuse(too_large());
    origin_ = {wanted_.url, validator_of(head)};
    origin_.write(from_);
    return true;
  }

  bool take(std::string_view bytes) {
    if (all_ && part_.size() + bytes.size() > *all_)
      return refuse(failed("the server sends more than it says the file has"));
    if (part_.size() + bytes.size() > wanted_.most_bytes) return refuse(too_large());
    part_.append(bytes);
    watch_.arrived(part_.size(), all_);
    return true;
  }

  const Options& options_;
  const Fetch& wanted_;
  const Watch& watch_;
  const Clock::time_point deadline_;
  PartFile part_;
  const fs::path from_;
  Origin origin_;
  std::optional<std::uint64_t> all_;
  std::optional<Fault> refused_;
  bool old_ = false;       // some of the part is of an earlier call
  bool answered_ = false;  // bytes have come in this attempt
};

}  // namespace

Result<bool> fetch(const Options& options, const Fetch& wanted, const Watch& watch) try {
  return Fetcher(options, wanted, watch).run();
} catch (const std::system_error& error) {
  if (!is_full(error)) throw;
  return Fault(Reason::storage_full).because(error.what());
}

}  // namespace toll::app::hub
