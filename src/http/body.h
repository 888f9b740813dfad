// A request's body as the handler sees it: decoded from the connection's input, and nothing beyond its end.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>

#include "http/chunks.h"
#include "http/input_buffer.h"
#include "http/message.h"

namespace toll::http {

// What a body needs of its connection.
class BodyOwner {
 public:
  enum class Receipt { some, gone, late };

 protected:
  friend class RequestBody;
  ~BodyOwner() = default;
  virtual InputBuffer& input() = 0;
  // Adds to the input.
  virtual asio::awaitable<Receipt> receive(std::size_t least, std::size_t most, std::chrono::milliseconds patience) = 0;
  virtual asio::awaitable<bool> say_continue() = 0;
  virtual std::chrono::milliseconds body_patience() const = 0;
  virtual int duplicate() = 0;
};

class RequestBody final : public BodyReader {
 public:
  explicit RequestBody(BodyOwner& owner) : owner_(owner) {}
  void begin(const Request& request, bool expects_continue);

  asio::awaitable<Result<std::string_view>> read() override;
  void set_limit(std::uint64_t bytes) override { limit_ = bytes; }
  int watch() override { return owner_.duplicate(); }

  std::uint64_t received() const { return received_; }
  // The client is not there any more.
  bool lost() const { return failure_ == Reason::client_gone; }
  // After the answer: whether reading on leads to the next request, and for how many bytes at least.
  bool skippable(std::uint64_t bytes) const;
  // Everything but the last piece is used up.
  bool complete() const { return complete_; }
  // Reads and throws away. False: the rest was more than `bytes`, took longer than `time`, or was broken.
  asio::awaitable<bool> skip(std::uint64_t bytes, std::chrono::milliseconds time);
  // Gives the last piece back to the input; its view becomes invalid.
  void release();

 private:
  asio::awaitable<Result<std::string_view>> pull(std::chrono::milliseconds patience);
  std::string_view take_sized();
  std::optional<std::string_view> take_chunk();
  Fault fail(Reason reason);
  std::size_t appetite() const;

  BodyOwner& owner_;
  ChunkDecoder chunks_;
  bool chunked_ = false;
  bool complete_ = true;
  bool continue_due_ = false;
  std::uint64_t left_ = 0;  // of a body with a length
  std::uint64_t received_ = 0;
  std::uint64_t limit_ = std::numeric_limits<std::uint64_t>::max();
  std::size_t given_ = 0;  // of the input, shown to the handler
  std::optional<Reason> failure_;
};

}  // namespace toll::http
