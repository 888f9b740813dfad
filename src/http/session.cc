#include "http/session.h"

#include <boost/beast/http/status.hpp>

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/log.h"
#include "base/text.h"
#include "http/core.h"

namespace toll::http {

using std::chrono::milliseconds;

namespace {

// Up to here a copy into the head's buffer is cheaper than a second piece for the kernel.
constexpr std::size_t small_body = 16 << 10;
constexpr std::size_t copy_piece = 256 << 10;
constexpr milliseconds goodbye_patience{1000};

bool written_by_session(std::string_view name) {
  switch (name.size()) {
    case 4:
      return equal_ignoring_case(name, "date");
    case 10:
      return equal_ignoring_case(name, "connection");
    case 14:
      return equal_ignoring_case(name, "content-length");
    case 17:
      return equal_ignoring_case(name, "transfer-encoding");
    default:
      return false;
  }
}

// Whether a byte below 0x20 is among them (the zero-byte trick of Mycroft, eight at a time).
bool has_control(std::string_view text) {
  constexpr std::uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, text.data() + i, 8);
    if (((eight - ones * 0x20) & ~eight & high) != 0) return true;
  }
  for (; i < text.size(); ++i)
    if (static_cast<unsigned char>(text[i]) < ' ') return true;
  return false;
}

// No field of ours can begin another one (response splitting).
void append_clean(std::string& out, std::string_view text) {
  const std::size_t start = out.size();
  out += text;
  if (!has_control(text)) return;
  for (std::size_t i = start; i < out.size(); ++i)
    if (static_cast<unsigned char>(out[i]) < ' ' && out[i] != '\t') out[i] = ' ';
}

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

void append_status_line(std::string& out, int status) {
  if (status == 200) {
    out += "HTTP/1.1 200 OK\r\n";
    return;
  }
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(status));
  out += ' ';
  const auto words = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  out.append(words.data(), words.size());
  out += "\r\n";
}

Response bare_error() {
  Response response;
  response.status = 500;
  response.fields.add("Content-Type", "text/plain");
  response.body = "Internal Server Error\n";
  return response;
}

}  // namespace

Session::Session(Core& core, std::unique_ptr<Transport> transport, Peer peer)
    : core_(core), transport_(std::move(transport)), body_(*this), surplus_(peer.surplus) {
  head_.request.remote = std::move(peer.address);
  head_.request.tls = peer.tls;
  core_.joined(*this, surplus_);
}

Session::~Session() {
  unlink();
  core_.left(surplus_);
}

void Session::arm(milliseconds patience) {
  expired_ = false;
  deadline_ = core_.now() + patience;
}

void Session::tick(milliseconds now) {
  if (now < deadline_) return;
  disarm();
  expired_ = true;
  transport_->cancel();
}

void Session::drain() {
  // A request that is on its way already is still answered.
  if (idle_ && !transport_->has_unread()) transport_->cancel();
}

void Session::cut() {
  broken_ = true;
  transport_->close();
}

asio::awaitable<void> Session::run() {
  arm(core_.options().header_timeout);
  if (!co_await transport_->start()) co_return;
  if (surplus_) refuse_with(503);
  bool more = !surplus_;
  while (more) {
    begin_head();
    Arrival arrival = look_for_head();
    while (arrival == Arrival::incomplete) {
      const std::size_t count = co_await transport_->read_some(input_.prepare(512, core_.options().max_header_bytes));
      arrival = count > 0 ? heard(count) : heard_nothing();
    }
    more = false;
    if (arrival == Arrival::head) more = co_await serve();
  }
  if (refusal_ != 0) co_await refuse();
  co_await hang_up();
}

Session::Arrival Session::refuse_with(int status) {
  refusal_ = status;
  return Arrival::refused;
}

void Session::begin_head() {
  input_.relax();
  scanner_.restart();
  idle_ = input_.empty();
  arm(idle_ && !first_ ? core_.options().idle_timeout : core_.options().header_timeout);
  first_ = false;
}

Session::Arrival Session::look_for_head() {
  const std::size_t most = core_.options().max_header_bytes;
  while (scanner_.end() == 0 && input_.view().starts_with("\r\n")) input_.consume(2);  // RFC 9112, 2.2
  const auto found = scanner_.scan(input_.view());
  if (scanner_.end() > most || input_.size() - scanner_.end() > most) return refuse_with(431);
  if (found == HeadScanner::Found::bad) return refuse_with(400);
  if (found == HeadScanner::Found::nothing_yet)
    return idle_ && core_.draining() ? Arrival::nothing : Arrival::incomplete;
  disarm();
  if (!parse_head(input_.view().substr(0, scanner_.end()), head_)) return refuse_with(400);
  input_.consume(scanner_.end());
  return Arrival::head;
}

Session::Arrival Session::heard(std::size_t count) {
  if (idle_) arm(core_.options().header_timeout);
  idle_ = false;
  input_.commit(count);
  return look_for_head();
}

Session::Arrival Session::heard_nothing() {
  return expired_ && !input_.empty() ? refuse_with(408) : Arrival::nothing;
}

asio::awaitable<bool> Session::serve() {
  const auto& options = core_.options();
  const auto started = std::chrono::steady_clock::now();
  body_.begin(head_.request, head_.expects_continue);
  Response response;
  try {
    response = co_await core_.handler().handle(head_.request, body_);
  } catch (const std::exception& error) {
    log::error("http.handler_failed", {{"target", without_keys(head_.request.path)}, {"cause", error.what()}});
    response = bare_error();
  }
  body_.release();
  if (body_.lost()) broken_ = true;
  const bool keep = head_.keep_alive && !core_.draining() && body_.skippable(options.discard_bytes);
  bool sent = !broken_ && send_at_once(response, keep);
  if (!sent && !broken_) sent = co_await send_rest(response);
  if (!sent) broken_ = true;
  report(response, started, sent);
  if (!sent || !keep) co_return false;
  if (body_.complete()) co_return true;
  co_return co_await body_.skip(options.discard_bytes, options.discard_time);
}

void Session::report(const Response& response, std::chrono::steady_clock::time_point started, bool sent) {
  Handler::Served how;
  how.status = response.status;
  how.received = body_.received();
  how.sent = sent_;
  how.duration = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started);
  how.aborted = !sent;
  core_.handler().served(head_.request, response, how);
}

bool Session::bodiless(int status) const {
  return head_.request.method == Method::head || status == 204 || status == 304;
}

void Session::render_head(const Response& response, std::uint64_t length, bool keep) {
  out_.clear();
  append_status_line(out_, response.status);
  for (const auto& [name, value] : response.fields) {
    if (written_by_session(name)) continue;
    append_clean(out_, name);
    out_ += ": ";
    append_clean(out_, value);
    out_ += "\r\n";
  }
  out_ += core_.date_line();
  if (response.status != 204 && response.status != 304) {
    out_ += "Content-Length: ";
    append_number(out_, length);
    out_ += "\r\n";
  }
  if (!keep)
    out_ += "Connection: close\r\n";
  else if (head_.old_version)
    out_ += "Connection: keep-alive\r\n";
  out_ += "\r\n";
}

bool Session::send_at_once(const Response& response, bool keep) {
  const bool streamed = !response.stream.empty();
  const bool bare = bodiless(response.status);
  sent_ = 0;
  render_head(response, streamed ? length_of(response.stream) : response.body.size(), keep);
  const bool segments_follow = streamed && !bare;
  unsent_body_ = streamed || bare ? std::string_view{} : std::string_view(response.body);
  const std::size_t body_size = unsent_body_.size();
  if (body_size <= small_body) {
    out_ += unsent_body_;
    unsent_body_ = {};
  }
  unsent_head_ = out_;
  const std::size_t count = transport_->try_write(unsent_head_, unsent_body_, segments_follow);
  const bool all = count == unsent_head_.size() + unsent_body_.size() && !segments_follow;
  if (all) sent_ = body_size;
  const std::size_t of_head = std::min(count, unsent_head_.size());
  unsent_head_.remove_prefix(of_head);
  unsent_body_.remove_prefix(count - of_head);
  return all;
}

asio::awaitable<bool> Session::send_rest(const Response& response) {
  // g++ 12 calls write() with a wrong `this` when members are its arguments.
  const std::string_view head = unsent_head_, body = unsent_body_;
  if (!co_await write(head, body)) co_return false;
  if (bodiless(response.status)) co_return true;
  if (!response.stream.empty()) co_return co_await send_segments(response.stream);
  sent_ = response.body.size();
  co_return true;
}

asio::awaitable<bool> Session::send_segments(const std::vector<Segment>& segments) {
  for (const auto& segment : segments) {
    bool sent = false;
    if (const auto* text = std::get_if<std::string>(&segment)) {
      sent = co_await write(*text, {});
      if (sent) sent_ += text->size();
    } else if (const auto* file = std::get_if<FileSlice>(&segment)) {
      sent = co_await send_file(*file);
    } else {
      sent = co_await send_source(std::get<SourceSlice>(segment));
    }
    if (!sent) co_return false;
  }
  co_return true;
}

asio::awaitable<bool> Session::write(std::string_view first, std::string_view second) {
  while (!first.empty() || !second.empty()) {
    arm(core_.options().idle_timeout);
    const std::size_t count = co_await transport_->write_some(first, second);
    disarm();
    if (count == 0) co_return false;
    const std::size_t of_first = std::min(count, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(count - of_first);
  }
  co_return true;
}

asio::awaitable<bool> Session::send_file(FileSlice file) {
  std::string copy;
  while (file.length > 0) {
    std::size_t count = 0;
    if (transport_->sends_files()) {
      arm(core_.options().idle_timeout);
      count = co_await transport_->send_file(file.fd, file.offset, file.length);
      disarm();
    } else {
      copy.resize(std::min<std::uint64_t>(file.length, copy_piece));
      const auto got = ::pread(file.fd, copy.data(), copy.size(), static_cast<off_t>(file.offset));
      count = got > 0 ? static_cast<std::size_t>(got) : 0;
      if (count > 0 && !co_await write(std::string_view(copy).substr(0, count), {})) count = 0;
    }
    if (count == 0) co_return false;
    sent_ += count;
    file.offset += count;
    file.length -= count;
  }
  co_return true;
}

asio::awaitable<bool> Session::send_source(SourceSlice source) {
  std::string copy(std::min<std::uint64_t>(source.length, copy_piece), '\0');
  while (source.length > 0) {
    const std::span<char> room(copy.data(), std::min<std::uint64_t>(source.length, copy.size()));
    auto got = co_await source.source->read_at(source.offset, room);
    if (!got || *got == 0) {
      log::error("http.source_failed", {{"target", without_keys(head_.request.path)},
                                        {"cause", got ? "ended early" : got.error().describe()}});
      co_return false;
    }
    if (!co_await write(std::string_view(copy).substr(0, *got), {})) co_return false;
    sent_ += *got;
    source.offset += *got;
    source.length -= *got;
  }
  co_return true;
}

asio::awaitable<void> Session::refuse() {
  head_.request.method = Method::other;  // whatever it was, the refusal is shown whole
  const Response response = core_.handler().refuse(refusal_);
  bool sent = send_at_once(response, false);
  if (!sent) sent = co_await send_rest(response);
  if (!sent) broken_ = true;
}

asio::awaitable<void> Session::hang_up() {
  if (broken_) co_return;
  transport_->shutdown_send();
  if (refusal_ != 0 || !body_.complete() || !input_.empty()) co_await linger();
  arm(goodbye_patience);
  co_await transport_->finish();
}

// Closing with unread bytes would reset the connection, and the client could lose the answer (RFC 9112, 9.6).
asio::awaitable<void> Session::linger() {
  arm(core_.options().discard_time);
  std::uint64_t left = core_.options().discard_bytes;
  input_.consume(input_.size());
  while (!expired_) {
    const std::size_t count = co_await transport_->read_some(input_.prepare(16 << 10, 64 << 10));
    if (count == 0 || count > left) co_return;
    left -= count;
  }
}

asio::awaitable<BodyOwner::Receipt> Session::receive(std::size_t least, std::size_t most, milliseconds patience) {
  arm(patience);
  const std::size_t count = co_await transport_->read_some(input_.prepare(least, most));
  disarm();
  if (count == 0) co_return expired_ ? Receipt::late : Receipt::gone;
  input_.commit(count);
  co_return Receipt::some;
}

asio::awaitable<bool> Session::say_continue() {
  return write("HTTP/1.1 100 Continue\r\n\r\n", {});
}

milliseconds Session::body_patience() const {
  return core_.options().idle_timeout;
}

}  // namespace toll::http
