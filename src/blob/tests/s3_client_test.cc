// What the client makes of a server that stumbles: answers from a script, over a bare socket.
#include "blob/s3/client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

namespace toll::blob::s3 {
namespace {

// Gives each connection the next answer of the script, and hangs up; an empty answer hangs up at once.
class Scripted {
 public:
  explicit Scripted(std::vector<std::string> answers) : answers_(std::move(answers)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { serve(); });
  }
  ~Scripted() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  Client client(int attempts) const {
    S3Options options;
    options.endpoint = "http://127.0.0.1:" + std::to_string(port_);
    options.credentials = {"key", "secret"};
    options.bucket = "b";
    options.attempts = attempts;
    return Client(options);
  }
  std::size_t asked() const { return asked_; }
  std::string last() const { return last_; }

 private:
  void serve() {
    for (const auto& answer : answers_) {
      const int peer = ::accept(listener_, nullptr, nullptr);
      if (peer < 0) return;
      std::string head(64 << 10, '\0');
      const auto got = ::recv(peer, head.data(), head.size(), 0);
      last_ = head.substr(0, got > 0 ? static_cast<std::size_t>(got) : 0);
      ++asked_;
      if (!answer.empty()) ::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
      ::shutdown(peer, SHUT_RDWR);
      ::close(peer);
    }
  }

  std::vector<std::string> answers_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> asked_ = 0;
  std::string last_;
  std::jthread thread_;
};

std::string answer(std::string_view status, std::string_view body = "") {
  return "HTTP/1.1 " + std::string(status) + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

TEST(S3Client, tries_again_what_may_pass) {
  const Scripted server({"", answer("503 Slow Down"), answer("200 OK", "here")});
  const auto reply = server.client(3).send({"GET", "k", {}, {}, {}});
  ASSERT_TRUE(reply) << reply.error().describe();
  EXPECT_EQ(reply->body, "here");
  EXPECT_EQ(server.asked(), 3u);
}

TEST(S3Client, gives_up_in_the_end) {
  const Scripted server({answer("500 Oops", "<Code>InternalError</Code>"), answer("500 Oops"), answer("200 OK")});
  const auto reply = server.client(2).send({"GET", "k", {}, {}, {}});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().reason(), Reason::object_store_unavailable);
  EXPECT_EQ(server.asked(), 2u);
}

TEST(S3Client, tries_nothing_again_that_was_refused) {
  const Scripted server({answer("403 Forbidden", "<Code>AccessDenied</Code>"), answer("200 OK")});
  EXPECT_EQ(server.client(4).send({"GET", "k", {}, {}, {}}).value().status, 403);
  EXPECT_EQ(server.asked(), 1u);
}

TEST(S3Client, says_that_the_server_is_full) {
  const Scripted server({answer("507 Insufficient Storage")});
  EXPECT_EQ(server.client(4).send({"PUT", "k", {}, {}, {}}).error().reason(), Reason::storage_full);
}

TEST(S3Client, takes_no_half_of_an_answer) {
  const Scripted server({"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", answer("200 OK", "whole")});
  EXPECT_EQ(server.client(2).send({"GET", "k", {}, {}, {}}).value().body, "whole");
}

TEST(S3Client, signs_what_it_sends) {
  const Scripted server({answer("200 OK")});
  ASSERT_TRUE(server.client(1).send({"GET", "a b", {{"x", "1"}}, {{"range", "bytes=0-1"}}, {}}));
  const auto head = server.last();
  EXPECT_TRUE(head.starts_with("GET /b/a%20b?x=1 HTTP/1.1\r\n")) << head;
  EXPECT_NE(head.find("Authorization: AWS4-HMAC-SHA256 Credential=key/"), head.npos) << head;
  EXPECT_NE(head.find("SignedHeaders=host;range;x-amz-content-sha256;x-amz-date"), head.npos) << head;
}

}  // namespace
}  // namespace toll::blob::s3
