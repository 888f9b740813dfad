// What an operator can set, typed. The members give type and default; table.cc gives each its name, sentence and check.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace toll::config {

// An amount of credits in integer micro-credits; written as a decimal with at most six places.
struct Credits {
  std::int64_t micros = 0;
  bool operator==(const Credits&) const = default;
};

// What an account can buy.
struct Package {
  std::string id;
  std::string name;
  Credits credits;
  std::int64_t price_cents = 0;
  std::string currency;  // ISO 4217
  bool operator==(const Package&) const = default;
};

// What one call of a registry model costs.
struct ModelPrice {
  std::string repo;
  Credits credits;
  bool operator==(const ModelPrice&) const = default;
};

// Starter 5 for $1.00, Popular 25 for $4.00, Pro 100 for $15.00.
std::vector<Package> standard_packages();

struct Server {
  std::string listen = "127.0.0.1:8080";
  std::string data = "./data";
  std::string database;  // empty: SQLite in the data folder
  std::string certificate;
  std::string key;
  std::int64_t threads = 0;  // 0: one a core
  std::string public_url;    // without a final slash; empty: as the request names it
  std::vector<std::string> cors_origins;
  std::vector<std::string> trusted_proxies;  // addresses and CIDR blocks
  std::string operator_token;
  std::int64_t max_connections = 4096;
  std::string log_level = "info";
};

struct Stems {
  std::int64_t max_upload_bytes = 5'368'709'120;
  std::int64_t retention_hours = 24;  // 0: for ever
  std::int64_t max_concurrent_jobs = 2;
  std::chrono::seconds max_audio_seconds{43'200};
  std::chrono::seconds job_timeout{6 * 3600};
  Credits starter_credits{3'000'000};
  Credits price_separation{1'000'000};
  bool builtin_fallback = true;
  std::vector<Package> packages = standard_packages();
};

struct Payments {
  std::string provider;  // empty: nothing is sold
  std::string square_application_id;
  std::string square_location_id;
  std::string square_environment = "sandbox";
  std::string square_access_token;
  std::string square_base_url;  // empty: the provider's own for the environment
};

struct Admin {
  std::vector<std::string> emails;
};

struct Passwords {
  std::string cost = "interactive";
};

struct Secrets {
  std::string session_key;     // empty: made at the first start and kept in the data folder
  std::string api_key_pepper;  // the same
};

struct Engine {
  std::int64_t memory_bytes = std::int64_t{4} << 30;
  bool sandbox = true;
};

struct Limits {
  std::int64_t requests_per_second = 0;  // 0: off
  // Of an account's sessions together, where calls are counted.
  std::int64_t session_minute = 6'000, session_hour = 100'000, session_day = 1'000'000;
  // Of all of an account's keys together; all 0: off.
  std::int64_t account_minute = 0, account_hour = 0, account_day = 0;
  std::string redis;  // empty: every process counts for itself
  std::string redis_down = "degrade";
};

struct Accounts {
  std::string plan = "free";  // of new accounts
};

struct Tunes {
  std::int64_t max_audio_bytes = std::int64_t{200} << 20;
};

struct Registry {
  std::string admin_token;  // empty: server.operator_token
  std::string registration = "open";
  std::vector<std::string> allowed_emails;
  std::int64_t presign_seconds = 3600;
};

// Models of the registry, run for their users.
struct Inference {
  std::int64_t workers = 2;
  std::int64_t threads = 0;  // of a worker; 0: the cores, shared among the workers
  std::int64_t memory_bytes = std::int64_t{2} << 30;
  std::chrono::seconds timeout{60};
  std::int64_t queue = 32;
  std::int64_t batch = 0;        // rows; 0: off
  std::int64_t batch_delay = 2;  // milliseconds
  Credits price{1'000};
  std::vector<ModelPrice> prices;
  std::int64_t max_body_bytes = std::int64_t{64} << 20;
};

// Workflows and their executions.
struct Workflows {
  std::int64_t workers = 4;  // items at a time, in this process
  std::int64_t max_file_mb = 4096;
  std::int64_t max_files = 1000;
  std::chrono::seconds max_timeout{86'400};
  std::int64_t history_days = 90;  // 0: for ever
};

// Workflows deployed as APIs.
struct Deployments {
  std::vector<std::string> presigned_hosts;  // besides S3's own, whose presigned URLs are fetched
};

// Trained weights from elsewhere.
struct Models {
  std::string base_url;  // without a final slash; empty: nowhere
  std::int64_t max_download_bytes = std::int64_t{1} << 30;
  std::chrono::seconds download_timeout{3600};
};

// The embedded object store at /objects.
struct Objects {
  std::string bucket = "models";
  std::string access_key = "tollhouse";
  std::string secret_key;  // empty: made from the server's own secrets
  std::int64_t upload_retention_hours = 24;
};

// Blobs on an S3-compatible server instead of in the data folder.
struct S3 {
  std::string endpoint;  // host[:port] or URL; empty: the data folder
  std::string access_key;
  std::string secret_key;
  std::string bucket = "models";
  bool secure = true;  // https, where the endpoint names no scheme
  std::string region = "us-east-1";
  std::string prefix;
};

// Calls to addresses that users name.
struct Egress {
  std::vector<std::string> allow;     // CIDR blocks, addresses and hosts, each with or without a port
  std::vector<std::string> gateways;  // URL=URL
};

// Folders that workflows may use.
struct Folders {
  std::vector<std::string> roots;  // NAME=PATH, or NAME=PATH:ro
};

// Media records: what they cost, how many calls their keys have, what is taken, and for how long.
struct Media {
  Credits price_df1{1'000'000}, price_ac1{1'000'000}, price_fd1{1'000'000}, price_fe1{1'000'000}, price_fi1{1'000'000};
  std::int64_t mutation_quota = 10'000, query_quota = 15'000;  // of an account; -1: without limit
  bool access_approval = false;
  std::int64_t max_video_bytes = std::int64_t{2} << 30, max_image_bytes = std::int64_t{100} << 20;
  std::int64_t max_pixels = 100'000'000;
  std::chrono::seconds max_video_seconds{600};
  std::chrono::seconds upload_time{3600};  // of an upload link
  std::chrono::seconds link_time{3600};    // of a link to read
  std::int64_t abandoned_days = 7;         // until a record without an upload goes; 0: never
  std::chrono::seconds timeout{1800};      // of one step of one analysis
};

// Text out of documents and pictures.
struct Documents {
  std::int64_t workers = 2;  // files at a time
  std::int64_t memory_bytes = std::int64_t{1} << 30;
  std::chrono::seconds timeout{300};
  std::string languages = "/usr/share/tesseract-ocr/5/tessdata";
};

struct Settings {
  Server server;
  Stems stems;
  Payments payments;
  Admin admin;
  Passwords passwords;
  Secrets secrets;
  Engine engine;
  Limits limits;
  Accounts accounts;
  Tunes tunes;
  Registry registry;
  Inference inference;
  Workflows workflows;
  Deployments deployments;
  Models models;
  Objects objects;
  S3 s3;
  Egress egress;
  Folders folders;
  Media media;
  Documents documents;
};

struct HostPort {
  std::string host;  // without the brackets of an IPv6 address
  std::uint16_t port = 0;
};
// The two halves of server.listen: "127.0.0.1:8080", "[::1]:8080", "localhost:0". Throws std::invalid_argument on text
// that the table's check refuses.
HostPort split_listen(std::string_view listen);

// "3.0", "0.25": at least one decimal, at most six.
std::string to_string(Credits credits);

}  // namespace toll::config
