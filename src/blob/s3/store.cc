#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "base/checksum.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "blob/folder/files.h"
#include "blob/folder/out_file.h"
#include "blob/s3/client.h"
#include "blob/s3/xml.h"
#include "blob/s3_store.h"

namespace toll::blob::s3 {

namespace {

using folder::Descriptor;
using folder::Temporary;

// S3 copies no more in one request, and takes no more than 10,000 parts.
constexpr std::uint64_t largest_copy = std::uint64_t{5} << 30;
constexpr std::uint64_t most_parts = 9'000;
// A reader fetches this much at once and gives it out in the pieces that are asked for.
constexpr std::size_t read_ahead = 4 << 20;
constexpr std::size_t read_piece = 256 << 10;
constexpr std::chrono::hours leftover_age{24};

const std::string blobs = "blobs/", staging = "staging/";

std::string key_of(const Sha256& digest) {
  auto name = hex(digest);
  return blobs + name.insert(2, "/");
}

std::optional<Sha256> digest_of(std::string_view key) {
  if (!key.starts_with(blobs)) return std::nullopt;
  key.remove_prefix(blobs.size());
  if (key.size() != 65 || key[2] != '/') return std::nullopt;
  const auto bytes = from_hex(std::string(key.substr(0, 2)) + std::string(key.substr(3)));
  if (!bytes || hex(as_span(*bytes)).insert(2, "/") != key) return std::nullopt;
  Sha256 out;
  std::ranges::copy(as_span(*bytes), out.begin());
  return out;
}

Fault refused(const Ask& ask, const Reply& reply) {
  return Fault(Reason::object_store_unavailable)
      .because(fmt::format("S3: {} {}: {} {}", ask.method, ask.key, reply.status, reply.body.substr(0, 300)));
}

// A 200 of CopyObject and CompleteMultipartUpload may hold an error: it was begun before the work was done.
Result<Reply> must(const Client& client, const Ask& ask) {
  auto reply = client.send(ask);
  if (reply && (!reply->ok() || element(reply->body, "Error"))) return refused(ask, *reply);
  return reply;
}

template <class T>
T or_throw(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().describe());
  return std::move(*result);
}

std::string digest_of_stretch(int fd, std::uint64_t offset, std::uint64_t length) {
  Sha256Stream hash;
  std::vector<std::byte> piece(read_piece);
  while (length > 0) {
    const auto room = std::span(piece).first(static_cast<std::size_t>(std::min<std::uint64_t>(length, piece.size())));
    const auto got = folder::read_at(fd, offset, room);
    if (got == 0) throw std::runtime_error("a file of the spool is shorter than it was");
    hash.update(room.first(got));
    offset += got;
    length -= got;
  }
  return hex(hash.finish());
}

// Several requests that make one object of parts; undone when it is not completed.
class Multipart {
 public:
  static Result<Multipart> begin(const Client& client, const std::string& key) {
    const auto reply = TOLL_TRY(must(client, {"POST", key, {{"uploads", ""}}, {}, {}}));
    const auto id = element(reply.body, "UploadId");
    if (!id) return Fault(Reason::object_store_unavailable).because("S3: an upload without an id");
    return Multipart(client, key, plain(*id));
  }
  Multipart(Multipart&& other) noexcept
      : client_(other.client_),
        key_(other.key_),
        id_(std::exchange(other.id_, "")),
        parts_(std::move(other.parts_)),
        number_(other.number_) {}
  ~Multipart() {
    if (!id_.empty()) (void)client_.send({"DELETE", key_, {{"uploadId", id_}}, {}, {}});
  }
  Result<void> send(Body body) {
    const auto reply = TOLL_TRY(must(client_, {"PUT", key_, numbered(), {}, std::move(body)}));
    add(reply.header("etag"));
    return {};
  }
  Result<void> copy(const std::string& source, std::uint64_t first, std::uint64_t last) {
    const auto reply = TOLL_TRY(must(
        client_, {"PUT",
                  key_,
                  numbered(),
                  {{"x-amz-copy-source", source}, {"x-amz-copy-source-range", fmt::format("bytes={}-{}", first, last)}},
                  {}}));
    add(plain(element(reply.body, "ETag").value_or("")));
    return {};
  }
  Result<void> complete() {
    const auto text = "<CompleteMultipartUpload>" + parts_ + "</CompleteMultipartUpload>";
    TOLL_TRY(must(client_, {"POST", key_, {{"uploadId", id_}}, {}, {.text = text, .sha256 = {}}}));
    id_.clear();
    return {};
  }

 private:
  Multipart(const Client& client, std::string key, std::string id)
      : client_(client), key_(std::move(key)), id_(std::move(id)) {}
  sigv4::Pairs numbered() const { return {{"partNumber", std::to_string(number_)}, {"uploadId", id_}}; }
  void add(const std::string& etag) {
    parts_ += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", number_++, etag);
  }

  const Client& client_;
  std::string key_, id_, parts_;
  int number_ = 1;
};

// What the parts of a store have in common.
struct Bucket {
  explicit Bucket(const S3Options& o) : options(o), client(o), spool(folder::make_folder(o.spool)) {}

  std::uint64_t part_size(std::uint64_t size) const { return std::max(options.part_size, size / most_parts + 1); }

  Result<void> upload(const std::string& key, int fd, const Stored& stored) const {
    if (stored.size <= options.part_size) {
      TOLL_TRY(must(client, {"PUT", key, {}, {}, {"", fd, 0, stored.size, hex(stored.digest)}}));
      return {};
    }
    auto parts = TOLL_TRY(Multipart::begin(client, key));
    const auto step = part_size(stored.size);
    for (std::uint64_t at = 0; at < stored.size; at += step) {
      const auto length = std::min(step, stored.size - at);
      TOLL_TRY(parts.send({"", fd, at, length, digest_of_stretch(fd, at, length)}));
    }
    return parts.complete();
  }

  Result<void> copy(const std::string& from, const std::string& to, std::uint64_t size) const {
    const auto source = sigv4::encode_path("/" + options.bucket + "/" + options.prefix + from);
    if (size <= largest_copy) {
      TOLL_TRY(must(client, {"PUT", to, {}, {{"x-amz-copy-source", source}}, {}}));
      return {};
    }
    auto parts = TOLL_TRY(Multipart::begin(client, to));
    const auto step = std::max<std::uint64_t>(part_size(size), std::uint64_t{1} << 30);
    for (std::uint64_t at = 0; at < size; at += step) TOLL_TRY(parts.copy(source, at, std::min(at + step, size) - 1));
    return parts.complete();
  }

  // nullopt: not there.
  Result<std::optional<std::uint64_t>> size_of(const std::string& key) const {
    const Ask ask{"HEAD", key, {}, {}, {}};
    const auto reply = TOLL_TRY(client.send(ask));
    if (reply.status == 404) return std::optional<std::uint64_t>();
    const auto size = parse_int(reply.header("content-length"));
    if (!reply.ok() || !size) return refused(ask, reply);
    return std::optional(static_cast<std::uint64_t>(*size));
  }

  // One page after the other; f is given each <Contents>.
  void list(const std::string& below, const std::function<void(std::string_view contents)>& f) const {
    std::string token;
    do {
      sigv4::Pairs query{{"list-type", "2"}, {"prefix", options.prefix + below}};
      if (!token.empty()) query.emplace_back("continuation-token", token);
      const auto reply = or_throw(must(client, {"GET", "", query, {}, {}}));
      for (auto contents : elements(reply.body, "Contents")) f(contents);
      const bool more = element(reply.body, "IsTruncated").value_or("") == "true";
      token = more ? plain(element(reply.body, "NextContinuationToken").value_or("")) : "";
    } while (!token.empty());
  }

  // Without the prefix.
  std::string key_in(std::string_view contents) const {
    const auto key = plain(element(contents, "Key").value_or(""));
    return key.starts_with(options.prefix) ? key.substr(options.prefix.size()) : "";
  }

  const S3Options options;
  const Client client;
  const Descriptor spool;
  mutable folder::WriteBehind disk{4};
};

class ObjectReader final : public Reader {
 public:
  ObjectReader(const Bucket& bucket, const Sha256& digest, std::uint64_t size)
      : bucket_(bucket), digest_(digest), size_(size) {}
  std::uint64_t size() const override { return size_; }

  std::size_t read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset >= size_ || out.empty()) return 0;
    std::lock_guard lock(mutex_);
    if (offset < held_from_ || offset >= held_from_ + held_.size()) {
      held_ = fetch(offset, std::max(out.size(), read_ahead));
      held_from_ = offset;
    }
    const auto from = static_cast<std::size_t>(offset - held_from_);
    const auto count = std::min(out.size(), held_.size() - from);
    std::ranges::copy(as_span(held_).subspan(from, count), out.begin());
    return count;
  }

  int local_fd() const override {
    std::lock_guard lock(mutex_);
    if (copy_) return copy_->fd();
    auto file = or_throw(Temporary::create(bucket_.spool, folder::Naming::unnamed));
    folder::OutFile out(file.fd(), bucket_.disk);
    Sha256Stream hash;
    for (std::uint64_t at = 0; at < size_;) {
      const auto piece = fetch(at, 16 << 20);
      hash.update(piece);
      or_throw_void(out.append(as_span(piece)));
      at += piece.size();
    }
    or_throw_void(out.finish());
    if (hash.finish() != digest_) throw std::runtime_error("S3: the bytes of " + key_of(digest_) + " are not its own");
    copy_.emplace(std::move(file));
    return copy_->fd();
  }

 private:
  static void or_throw_void(Result<void> result) {
    if (!result) throw std::runtime_error(result.error().describe());
  }
  std::string fetch(std::uint64_t offset, std::uint64_t length) const {
    const auto last = std::min(offset + length, size_) - 1;
    const Ask ask{"GET", key_of(digest_), {}, {{"range", fmt::format("bytes={}-{}", offset, last)}}, {}};
    // Not must(): what comes is somebody's bytes and may well say <Error>.
    auto reply = or_throw(bucket_.client.send(ask));
    if (!reply.ok()) throw std::runtime_error(refused(ask, reply).describe());
    if (reply.body.size() != last - offset + 1 || (reply.status != 206 && last - offset + 1 != size_))
      throw std::runtime_error("S3: a range of another length than was asked for");
    return std::move(reply.body);
  }

  const Bucket& bucket_;
  const Sha256 digest_;
  const std::uint64_t size_;
  mutable std::mutex mutex_;
  mutable std::string held_;
  mutable std::uint64_t held_from_ = 0;
  mutable std::optional<Temporary> copy_;
};

// Durable in the bucket below staging/, and in the spool for who wants a descriptor.
class StagedObject final : public Staged {
 public:
  StagedObject(const Bucket& bucket, Temporary file, std::string key, const Stored& stored)
      : bucket_(bucket), file_(std::move(file)), key_(std::move(key)) {
    stored_ = stored;
  }
  ~StagedObject() override { (void)bucket_.client.send({"DELETE", key_, {}, {}, {}}); }

  Result<void> publish() override {
    const auto name = key_of(stored_.digest);
    const auto there = TOLL_TRY(bucket_.size_of(name));
    if (there && *there == stored_.size) return {};
    return bucket_.copy(key_, name, stored_.size);
  }
  Result<void> publish_anew() override { return bucket_.copy(key_, key_of(stored_.digest), stored_.size); }
  int fd() const override { return file_.fd(); }

 private:
  const Bucket& bucket_;
  Temporary file_;
  std::string key_;
};

Result<std::unique_ptr<Staged>> stage(const Bucket& bucket, Temporary file, const Stored& stored) {
  const auto key = staging + SystemRandom().uuid4();
  TOLL_TRY(bucket.upload(key, file.fd(), stored));
  return std::unique_ptr<Staged>(std::make_unique<StagedObject>(bucket, std::move(file), key, stored));
}

class SpoolWriter final : public Writer {
 public:
  SpoolWriter(const Bucket& bucket, Temporary file)
      : bucket_(bucket), file_(std::move(file)), out_(file_.fd(), bucket_.disk) {}
  Result<void> write(std::span<const std::byte> bytes) override {
    hash_.update(bytes);
    stored_.crc32 = crc32(bytes, stored_.crc32);
    stored_.size += bytes.size();
    return out_.append(bytes);
  }
  Result<std::unique_ptr<Staged>> finish() override {
    TOLL_TRY(out_.finish());
    stored_.digest = hash_.finish();
    return stage(bucket_, std::move(file_), stored_);
  }

 private:
  const Bucket& bucket_;
  Temporary file_;
  folder::OutFile out_;
  Stored stored_;
  Sha256Stream hash_;
};

class SpoolScratch final : public Scratch {
 public:
  SpoolScratch(const Bucket& bucket, Temporary file) : bucket_(bucket), file_(std::move(file)) {}
  int fd() const override { return file_.fd(); }
  Result<std::unique_ptr<Staged>> seal() override {
    Stored stored;
    Sha256Stream hash;
    std::vector<std::byte> piece(read_piece);
    while (const auto got = folder::read_at(file_.fd(), stored.size, piece)) {
      const std::span bytes(piece.data(), got);
      hash.update(bytes);
      stored.crc32 = crc32(bytes, stored.crc32);
      stored.size += got;
    }
    stored.digest = hash.finish();
    return stage(bucket_, std::move(file_), stored);
  }

 private:
  const Bucket& bucket_;
  Temporary file_;
};

class S3Store final : public Store {
 public:
  explicit S3Store(const S3Options& options) : bucket_(options) {
    const auto there = or_throw(bucket_.client.send({"HEAD", "", {}, {}, {}}));
    if (there.status == 404) {
      or_throw(must(bucket_.client, {"PUT", "", {}, {}, {}}));
      log::info("blob.bucket_made", {{"bucket", options.bucket}});
    } else if (!there.ok()) {
      throw std::runtime_error(
          fmt::format("the S3 server refuses the bucket {}: status {}", options.bucket, there.status));
    }
  }

  Result<std::unique_ptr<Writer>> create() override {
    auto file = TOLL_TRY(Temporary::create(bucket_.spool, folder::Naming::unnamed));
    return std::unique_ptr<Writer>(std::make_unique<SpoolWriter>(bucket_, std::move(file)));
  }
  Result<std::unique_ptr<Scratch>> scratch() override {
    auto file = TOLL_TRY(Temporary::create(bucket_.spool, folder::Naming::unnamed));
    return std::unique_ptr<Scratch>(std::make_unique<SpoolScratch>(bucket_, std::move(file)));
  }
  Result<std::shared_ptr<const Reader>> open(const Sha256& digest) const override {
    const auto size = TOLL_TRY(bucket_.size_of(key_of(digest)));
    if (!size) return Fault(Reason::not_found).because("blob " + hex(digest));
    return std::shared_ptr<const Reader>(std::make_shared<ObjectReader>(bucket_, digest, *size));
  }
  bool exists(const Sha256& digest) const override { return or_throw(bucket_.size_of(key_of(digest))).has_value(); }
  bool remove(const Sha256& digest) override {
    if (!exists(digest)) return false;
    const Ask ask{"DELETE", key_of(digest), {}, {}, {}};
    const auto reply = or_throw(bucket_.client.send(ask));
    if (!reply.ok() && reply.status != 404) throw std::runtime_error(refused(ask, reply).describe());
    return true;
  }
  void for_each(const std::function<void(const Sha256&, std::uint64_t size)>& f) const override {
    bucket_.list(blobs, [&](std::string_view contents) {
      const auto digest = digest_of(bucket_.key_in(contents));
      const auto size = parse_int(element(contents, "Size").value_or(""));
      if (digest && size) f(*digest, static_cast<std::uint64_t>(*size));
    });
  }
  std::size_t remove_leftovers() override {
    // "2026-01-01T12:00:00.000Z": compares as text.
    const auto old = iso_seconds(SystemClock().now() - leftover_age);
    std::vector<std::string> keys;
    bucket_.list(staging, [&](std::string_view contents) {
      if (element(contents, "LastModified").value_or("9").substr(0, old.size()) < old)
        keys.push_back(bucket_.key_in(contents));
    });
    for (const auto& key : keys) or_throw(bucket_.client.send({"DELETE", key, {}, {}, {}}));
    return keys.size();
  }

 private:
  const Bucket bucket_;
};

}  // namespace

}  // namespace toll::blob::s3

namespace toll::blob {

std::unique_ptr<Store> open_s3_store(const S3Options& options) {
  return std::make_unique<s3::S3Store>(options);
}

}  // namespace toll::blob
