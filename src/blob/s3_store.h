#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "blob/sigv4.h"
#include "blob/store.h"

namespace toll::blob {

struct S3Options {
  std::string endpoint;  // "https://s3.example.com", "http://127.0.0.1:9000"; path-style
  sigv4::Credentials credentials;
  std::string region = "us-east-1";
  std::string bucket = "models";
  std::string prefix;                // before every key: "" or "tollhouse/"
  std::filesystem::path spool;       // bytes wait here until their digest is known; made at construction
  std::chrono::seconds timeout{60};  // of a request without news; connecting has 10 s
  int attempts = 4;
  std::uint64_t part_size = 64u << 20;  // blobs beyond it travel in parts of at least this size
};

// Store over one bucket of an S3-compatible server: <prefix>blobs/ab/cdef..., and <prefix>staging/<uuid> for bytes that
// have no name yet. The bucket is made if it is not there. Throws std::runtime_error when the server cannot be reached
// or refuses the credentials.
//
// Where this cannot be what the folder store is:
// - publish() is a copy inside the server, in the caller's transaction: some milliseconds, and seconds for gigabytes.
// - A blob that is removed takes the bytes from under open readers; their next read throws.
// - Faults besides storage_full: object_store_unavailable, after `attempts` tries with growing pauses.
// - Reader::fd() is -1; local_fd() fetches the whole blob into the spool first. Staged and Scratch have descriptors.
// - remove_leftovers() takes staging objects older than a day: those of running processes are younger.
std::unique_ptr<Store> open_s3_store(const S3Options& options);

}  // namespace toll::blob
