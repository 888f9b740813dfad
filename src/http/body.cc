#include "http/body.h"

#include <algorithm>

namespace toll::http {

void RequestBody::begin(const Request& request, bool expects_continue) {
  chunks_ = {};
  chunked_ = request.chunked;
  complete_ = !request.has_body();
  continue_due_ = expects_continue && !complete_;
  left_ = request.content_length.value_or(0);
  received_ = 0;
  limit_ = std::numeric_limits<std::uint64_t>::max();
  given_ = 0;
  failure_.reset();
}

asio::awaitable<Result<std::string_view>> RequestBody::read() {
  if (failure_) co_return Fault(*failure_);
  if (continue_due_ && owner_.input().empty() && !co_await owner_.say_continue()) co_return fail(Reason::client_gone);
  continue_due_ = false;
  auto piece = co_await pull(owner_.body_patience());
  if (piece && received_ > limit_) co_return Fault(Reason::body_too_large).with("limit", std::to_string(limit_));
  co_return piece;
}

asio::awaitable<Result<std::string_view>> RequestBody::pull(std::chrono::milliseconds patience) {
  release();
  while (!complete_) {
    if (chunked_) {
      const auto data = take_chunk();
      if (!data) co_return fail(Reason::invalid_request);
      if (!data->empty()) co_return *data;
      if (complete_) break;
    } else if (!owner_.input().empty()) {
      co_return take_sized();
    }
    const std::size_t most = appetite();
    const auto receipt =
        co_await owner_.receive(std::min<std::size_t>(most, InputBuffer::largest_piece), most, patience);
    if (receipt == BodyOwner::Receipt::late) co_return fail(Reason::request_timeout);
    if (receipt == BodyOwner::Receipt::gone) co_return fail(Reason::client_gone);
  }
  co_return std::string_view{};
}

// A body with a length is never read beyond its end; the length of a chunked one is not known.
std::size_t RequestBody::appetite() const {
  if (!chunked_) return static_cast<std::size_t>(std::min<std::uint64_t>(left_, InputBuffer::largest_piece));
  return received_ < InputBuffer::largest_piece ? 4 * InputBuffer::usual : InputBuffer::largest_piece;
}

std::string_view RequestBody::take_sized() {
  const auto view = owner_.input().view();
  const auto piece = view.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, view.size())));
  left_ -= piece.size();
  complete_ = left_ == 0;
  given_ = piece.size();
  received_ += piece.size();
  return piece;
}

std::optional<std::string_view> RequestBody::take_chunk() {
  const auto step = chunks_.next(owner_.input().view());
  if (step.bad) return std::nullopt;
  // The framing goes with the data, so that the view stays where it is.
  given_ = step.framing + step.data.size();
  received_ += step.data.size();
  complete_ = step.done;
  if (step.data.empty()) release();
  return step.data;
}

void RequestBody::release() {
  owner_.input().consume(given_);
  given_ = 0;
}

Fault RequestBody::fail(Reason reason) {
  failure_ = reason;
  return Fault(reason);
}

bool RequestBody::skippable(std::uint64_t bytes) const {
  if (failure_ || continue_due_) return complete_;
  return chunked_ || left_ <= bytes;
}

asio::awaitable<bool> RequestBody::skip(std::uint64_t bytes, std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  const std::uint64_t until = received_ + bytes;
  while (!failure_ && received_ <= until) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) co_return false;
    auto piece = co_await pull(left);
    if (!piece) co_return false;
    if (piece->empty()) co_return true;
  }
  co_return false;
}

}  // namespace toll::http
