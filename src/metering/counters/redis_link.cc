#include "metering/counters/redis_link.h"

#include <hiredis/hiredis.h>
#include <poll.h>

#include <algorithm>
#include <string_view>

namespace toll::metering {

namespace {

// Windows (limits.h) in Lua: the same rules for clocks that jump. A value is the number and count of minute, hour and
// day. What comes in of each key: three limits, and the numbers and counts that the caller knows of.
constexpr std::string_view script = R"lua(
local charges, ttl = ARGV[1] == '1', ARGV[2]
local now = {tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])}
local format = '>I4I8I4I8I4I8'
local all, room = {}, true
for k = 1, #KEYS do
  local first = 6 + (k - 1) * 9
  local kept = redis.call('GET', KEYS[k])
  local c = kept and {struct.unpack(format, kept)} or {0, 0, 0, 0, 0, 0}
  for i = 1, 3 do
    local number, used = tonumber(ARGV[first + 2 + i]), tonumber(ARGV[first + 5 + i])
    local n = 2 * i - 1
    if c[n] < now[i] then
      c[n], c[n + 1] = now[i], 0
    elseif c[n] - now[i] > 1 then
      c[n] = now[i]
    end
    if number == c[n] then
      c[n + 1] = math.max(c[n + 1], used)
    elseif number > c[n] then
      c[n], c[n + 1] = number, used
    end
    if c[n + 1] >= tonumber(ARGV[first - 1 + i]) then room = false end
  end
  all[k] = c
end
local reply = {room and 1 or 0}
for k = 1, #KEYS do
  local c = all[k]
  if charges then
    if room then
      for i = 2, 6, 2 do c[i] = c[i] + 1 end
    end
    redis.call('SET', KEYS[k], struct.pack(format, c[1], c[2], c[3], c[4], c[5], c[6]), 'EX', ttl)
  end
  for i = 1, 6 do reply[#reply + 1] = c[i] end
end
return reply
)lua";

constexpr timeval connect_timeout{1, 0};

// Until the day is over by the caller's clock, and a while for other callers' clocks.
std::int64_t seconds_kept(Time now) {
  const auto day_end = (Windows::number_of(Window::day, now) + 1) * 86'400;
  return std::max<std::int64_t>(day_end - to_micros(now) / 1'000'000, 0) + 3600;
}

}  // namespace

void RedisLink::Free::operator()(redisContext* context) const {
  redisFree(context);
}
void RedisLink::Free::operator()(redisReply* reply) const {
  freeReplyObject(reply);
}

RedisLink::~RedisLink() = default;

RedisLink::RedisLink(const RedisAddress& address, std::string prefix) : prefix_(std::move(prefix)) {
  context_.reset(address.unix_path.empty()
                     ? redisConnectWithTimeout(address.host.c_str(), address.port, connect_timeout)
                     : redisConnectUnixWithTimeout(address.unix_path.c_str(), connect_timeout));
  if (!context_ || context_->err) lost("connect");
  redisSetTimeout(context_.get(), connect_timeout);
  if (address.unix_path.empty()) redisEnableKeepAlive(context_.get());
  if (!address.user.empty())
    command({"AUTH", address.user, address.password});
  else if (!address.password.empty())
    command({"AUTH", address.password});
  if (address.database != 0) command({"SELECT", std::to_string(address.database)});
  script_sha_ = command({"SCRIPT", "LOAD", std::string(script)})->str;
  const CountingCall probe{true, Time(), {{Subject(), {1, 1, 1}, {}}}};
  const auto* const only = &probe;
  run({&only, 1}, std::chrono::steady_clock::now() + std::chrono::seconds(1));
}

void RedisLink::lost(const char* what) const {
  std::string cause = context_ && context_->err ? context_->errstr : "no memory";
  throw RedisLost(std::string(what) + ": " + cause);
}

RedisLink::Reply RedisLink::command(const std::vector<std::string>& words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const auto& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  Reply reply(static_cast<redisReply*>(
      redisCommandArgv(context_.get(), static_cast<int>(words.size()), texts.data(), sizes.data())));
  if (!reply) lost(words[0].c_str());
  if (reply->type == REDIS_REPLY_ERROR) throw RedisLost(words[0] + ": " + std::string(reply->str, reply->len));
  return reply;
}

void RedisLink::append(const CountingCall& call, bool by_text) {
  std::vector<std::string> words{by_text ? "EVAL" : "EVALSHA", by_text ? std::string(script) : script_sha_,
                                 std::to_string(call.subjects.size())};
  for (const auto& counted : call.subjects) words.push_back(prefix_ + counted.subject.bytes());
  words.push_back(call.charges ? "1" : "0");
  words.push_back(std::to_string(seconds_kept(call.now)));
  for (auto window : all_windows) words.push_back(std::to_string(Windows::number_of(window, call.now)));
  for (const auto& counted : call.subjects) {
    for (auto window : all_windows) words.push_back(std::to_string(counted.limits.of(window)));
    for (const auto& count : counted.floor) words.push_back(std::to_string(count.number));
    for (const auto& count : counted.floor) words.push_back(std::to_string(count.used));
  }
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const auto& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), texts.data(), sizes.data());
}

void RedisLink::wait(short events, Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  pollfd waiting{context_->fd, events, 0};
  if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) <= 0) throw RedisLost("silent");
}

void RedisLink::send(Deadline deadline) {
  for (int done = 0; done == 0;) {
    wait(POLLOUT, deadline);
    if (redisBufferWrite(context_.get(), &done) != REDIS_OK) lost("write");
  }
}

RedisLink::Reply RedisLink::receive(Deadline deadline) {
  for (;;) {
    void* reply = nullptr;
    if (redisGetReplyFromReader(context_.get(), &reply) != REDIS_OK) lost("read");
    if (reply) return Reply(static_cast<redisReply*>(reply));
    wait(POLLIN, deadline);
    if (redisBufferRead(context_.get()) != REDIS_OK) lost("read");
  }
}

namespace {

bool knows_no_script(const redisReply& reply) {
  return reply.type == REDIS_REPLY_ERROR && std::string_view(reply.str, reply.len).starts_with("NOSCRIPT");
}

CountingAnswer answer_of(const redisReply& reply, std::size_t subjects) {
  if (reply.type == REDIS_REPLY_ERROR) throw RedisLost(std::string(reply.str, reply.len));
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 1 + 6 * subjects) throw RedisLost("a strange answer");
  CountingAnswer out;
  out.admitted = reply.element[0]->integer == 1;
  for (std::size_t s = 0; s < subjects; ++s) {
    Windows::Counts counts;
    for (std::size_t i = 0; i < counts.size(); ++i)
      counts[i] = {reply.element[1 + 6 * s + 2 * i]->integer, reply.element[2 + 6 * s + 2 * i]->integer};
    out.counts.push_back(counts);
  }
  return out;
}

}  // namespace

std::vector<CountingAnswer> RedisLink::run(std::span<const CountingCall* const> calls, Deadline deadline) {
  for (const auto* call : calls) append(*call, false);
  send(deadline);
  std::vector<CountingAnswer> out(calls.size());
  std::vector<std::size_t> again;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const auto reply = receive(deadline);
    if (knows_no_script(*reply))
      again.push_back(i);
    else
      out[i] = answer_of(*reply, calls[i]->subjects.size());
  }
  // Redis was restarted or its scripts were flushed: the text loads it anew.
  for (auto i : again) append(*calls[i], true);
  if (!again.empty()) send(deadline);
  for (auto i : again) out[i] = answer_of(*receive(deadline), calls[i]->subjects.size());
  return out;
}

}  // namespace toll::metering
