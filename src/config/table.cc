#include "config/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <type_traits>

#include "config/check.h"

namespace toll::config {
namespace {

template <class T>
constexpr bool is_tables = std::is_same_v<T, std::vector<Package>> || std::is_same_v<T, std::vector<ModelPrice>>;

template <class T>
constexpr std::string_view type_name() {
  if constexpr (std::is_same_v<T, std::string>) return "text";
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  if constexpr (std::is_same_v<T, std::int64_t>) return "whole number";
  if constexpr (std::is_same_v<T, std::chrono::seconds>) return "seconds";
  if constexpr (std::is_same_v<T, Credits>) return "credits";
  if constexpr (std::is_same_v<T, std::vector<std::string>>) return "list";
  if constexpr (is_tables<T>) return "tables";
}

template <class T>
std::string no_check(const T&) {
  return {};
}

template <class Section, class T, class Check = std::string (*)(const T&)>
Row row(Section Settings::*section, T Section::*member, std::string_view name, std::string_view doc,
        Check check = &no_check<T>, Secrecy secrecy = Secrecy::open) {
  Row out{.name = name, .type = type_name<T>(), .doc = doc, .secrecy = secrecy};
  out.file_only = is_tables<T>;
  out.assign = [=](Settings& settings, const Value& value) {
    T converted{};
    std::string problem = convert(value, converted);
    if (problem.empty()) problem = check(converted);
    if (problem.empty()) settings.*section.*member = std::move(converted);
    return problem;
  };
  out.show = [=](const Settings& settings) { return show(settings.*section.*member); };
  return out;
}

auto between(std::int64_t least, std::int64_t most) {
  return [=](const auto& value) -> std::string {
    std::int64_t count;
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, std::chrono::seconds>)
      count = value.count();
    else
      count = value;
    return count < least || count > most ? fmt::format("must be {} to {}", least, most) : "";
  };
}

auto one_of(std::vector<std::string> words) {
  return [words = std::move(words)](const std::string& value) {
    if (std::find(words.begin(), words.end(), value) != words.end()) return std::string();
    std::string list;
    for (const auto& word : words) list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", word);
    return "must be one of " + list;
  };
}

constexpr std::int64_t hundred_years = 100ll * 366 * 24 * 3600;
constexpr std::int64_t most_calls = 1'000'000'000'000;
constexpr std::int64_t tebibyte = std::int64_t{1} << 40;
constexpr std::int64_t largest_put = std::int64_t{5} << 30;  // S3's own limit

std::vector<Row> server_rows() {
  constexpr auto s = &Settings::server;
  return {
      row(s, &Server::listen, "server.listen", "Address and port to listen on; port 0 takes any free one.", is_listen),
      row(s, &Server::data, "server.data", "Folder for the database, the stored files and the server's own secrets.",
          is_not_empty),
      row(s, &Server::database, "server.database",
          "Database: postgresql://USER@HOST:PORT/NAME or sqlite:///PATH; empty for SQLite in the data folder.",
          is_database_url, Secrecy::url_password),
      row(s, &Server::certificate, "server.certificate",
          "PEM file with the TLS certificate chain; empty for plain HTTP."),
      row(s, &Server::key, "server.key", "PEM file with the private key of server.certificate."),
      row(s, &Server::threads, "server.threads", "Threads that serve connections; 0 for one a core.", between(0, 1024)),
      row(s, &Server::public_url, "server.public_url",
          "How clients reach this server, for links in answers; empty to use the request's own Host.", is_base_url),
      row(s, &Server::cors_origins, "server.cors_origins",
          "Origins whose pages may call the API from a browser; none by default.", are_origins),
      row(s, &Server::trusted_proxies, "server.trusted_proxies",
          "Addresses and CIDR blocks of proxies whose X-Forwarded-For is believed; nobody's by default."),
      row(s, &Server::operator_token, "server.operator_token",
          "Bearer token for /metrics, /livez and /readyz; without one they answer on loopback only.", is_strong_secret,
          Secrecy::secret),
      row(s, &Server::max_connections, "server.max_connections",
          "Open connections before new ones are refused with 503.", between(1, 1'000'000)),
      row(s, &Server::log_level, "server.log_level", "Least severe level that is logged.",
          one_of({"debug", "info", "warn", "error"})),
  };
}

std::vector<Row> stems_rows() {
  constexpr auto s = &Settings::stems;
  return {
      row(s, &Stems::max_upload_bytes, "stems.max_upload_bytes", "Largest file that can be uploaded, in bytes.",
          between(1, tebibyte)),
      row(s, &Stems::retention_hours, "stems.retention_hours",
          "Hours after its end until a job's files are deleted; 0 keeps them.", between(0, 876'600)),
      row(s, &Stems::max_concurrent_jobs, "stems.max_concurrent_jobs", "Jobs processed at the same time.",
          between(0, 1024)),
      row(s, &Stems::max_audio_seconds, "stems.max_audio_seconds", "Longest audio that is processed.",
          between(1, hundred_years)),
      row(s, &Stems::job_timeout, "stems.job_timeout", "Time after which a running job fails.",
          between(1, hundred_years)),
      row(s, &Stems::starter_credits, "stems.starter_credits", "Credits of a new account."),
      row(s, &Stems::price_separation, "stems.price_separation", "Credits that one separation costs."),
      row(s, &Stems::builtin_fallback, "stems.builtin_fallback",
          "Serve a model whose trained weights are missing by the built-in signal-processing separator."),
      row(s, &Stems::packages, "stems.packages", "What accounts can buy.", are_packages),
  };
}

std::vector<Row> payment_rows() {
  constexpr auto p = &Settings::payments;
  return {
      row(p, &Payments::provider, "payments.provider", "Payment provider; empty to sell nothing.",
          one_of({"", "square"})),
      row(p, &Payments::square_application_id, "payments.square_application_id", "Square's id of the application."),
      row(p, &Payments::square_location_id, "payments.square_location_id", "Square's id of the selling location."),
      row(p, &Payments::square_environment, "payments.square_environment", "Square's environment.",
          one_of({"sandbox", "production"})),
      row(p, &Payments::square_access_token, "payments.square_access_token", "Square's access token.",
          no_check<std::string>, Secrecy::secret),
      row(p, &Payments::square_base_url, "payments.square_base_url",
          "Address of Square's API; empty for the environment's own.", is_base_url),
  };
}

Row also(Row row, std::vector<std::string_view> variables) {
  row.also = std::move(variables);
  return row;
}

std::vector<Row> registry_rows() {
  constexpr auto r = &Settings::registry;
  return {
      also(row(r, &Registry::admin_token, "registry.admin_token",
               "The x-admin-token of the registry's admin routes; without one server.operator_token is it.",
               is_strong_secret, Secrecy::secret),
           {"REGISTRY_ADMIN_TOKEN"}),
      row(r, &Registry::registration, "registry.registration",
          "Who may register at the registry: everybody, nobody, or the addresses of registry.allowed_emails.",
          one_of({"open", "closed", "allow_list"})),
      row(r, &Registry::allowed_emails, "registry.allowed_emails",
          "Addresses (you@example.com) and domains (example.com) that may register with allow_list."),
      also(row(r, &Registry::presign_seconds, "registry.presign_seconds",
               "Life of a signed URL whose request names none, in seconds.", between(60, 86'400)),
           {"DEFAULT_PRESIGN_EXP"}),
  };
}

std::vector<Row> model_rows() {
  constexpr auto m = &Settings::models;
  return {
      row(m, &Models::base_url, "models.base_url",
          "Where the files of trained models are published, for models pull: the URL above their folders.",
          is_base_url),
      row(m, &Models::max_download_bytes, "models.max_download_bytes",
          "Largest file that models pull takes from there, in bytes.", between(1, tebibyte)),
      row(m, &Models::download_timeout, "models.download_timeout",
          "Time that models pull gives one file, all attempts together.", between(1, hundred_years)),
  };
}

std::vector<Row> store_rows() {
  constexpr auto o = &Settings::objects;
  constexpr auto s = &Settings::s3;
  return {
      also(row(o, &Objects::bucket, "objects.bucket", "Bucket in the signed URLs of this server's object store.",
               is_not_empty),
           {"MINIO_BUCKET"}),
      row(o, &Objects::access_key, "objects.access_key", "Access key in the signed URLs of this server's object store.",
          is_not_empty),
      row(o, &Objects::secret_key, "objects.secret_key",
          "Key that signs URLs of this server's object store; without it one comes from the server's own secrets.",
          is_given_secret, Secrecy::secret),
      row(o, &Objects::upload_retention_hours, "objects.upload_retention_hours",
          "Hours after the end of its last URL until an unfinished upload is dropped.", between(0, 876'600)),
      also(row(s, &S3::endpoint, "s3.endpoint",
               "S3-compatible server that keeps the bytes, HOST[:PORT] or a URL; empty for the data folder."),
           {"AWS_ENDPOINT_URL", "MINIO_ENDPOINT"}),
      also(row(s, &S3::access_key, "s3.access_key", "Access key for s3.endpoint."),
           {"AWS_ACCESS_KEY_ID", "MINIO_ROOT_USER"}),
      also(row(s, &S3::secret_key, "s3.secret_key", "Secret key for s3.endpoint.", no_check<std::string>,
               Secrecy::secret),
           {"AWS_SECRET_ACCESS_KEY", "MINIO_ROOT_PASSWORD"}),
      also(row(s, &S3::bucket, "s3.bucket", "Bucket on s3.endpoint; made if it is not there.", is_not_empty),
           {"MINIO_BUCKET"}),
      also(row(s, &S3::secure, "s3.secure", "Use https where s3.endpoint names no scheme."), {"MINIO_SECURE"}),
      also(row(s, &S3::region, "s3.region", "Region that requests to s3.endpoint are signed for.", is_not_empty),
           {"AWS_REGION"}),
      row(s, &S3::prefix, "s3.prefix", "Before every key in the bucket, to share it: \"tollhouse/\"."),
  };
}

std::vector<Row> inference_rows() {
  constexpr auto i = &Settings::inference;
  return {
      row(i, &Inference::workers, "inference.workers",
          "Worker processes that keep a model of the registry loaded; each holds one model at a time.",
          between(1, 256)),
      row(i, &Inference::threads, "inference.threads",
          "Threads of one such worker; 0 shares the machine's cores among them.", between(0, 64)),
      row(i, &Inference::memory_bytes, "inference.memory_bytes",
          "Memory that one such worker may use for a model and its run, in bytes.",
          between(std::int64_t{256} << 20, tebibyte)),
      row(i, &Inference::timeout, "inference.timeout", "Time after which one run of a model is ended.",
          between(1, 24 * 3600)),
      row(i, &Inference::queue, "inference.queue", "Calls that may wait for a worker before more are answered 503.",
          between(0, 1024)),
      row(i, &Inference::batch, "inference.batch",
          "Rows of the first axis that calls waiting for the same model are put together up to; 0 never does that.",
          between(0, 65'536)),
      row(i, &Inference::batch_delay, "inference.batch_delay",
          "Milliseconds that a run waits for other calls to join its batch.", between(0, 1000)),
      row(i, &Inference::price, "inference.price", "Credits that one call of a model costs."),
      row(i, &Inference::prices, "inference.prices", "Credits that a call of certain models costs instead.",
          are_prices),
      row(i, &Inference::max_body_bytes, "inference.max_body_bytes",
          "Largest request with tensors, and largest output tensor, in bytes.", between(1024, std::int64_t{4} << 30)),
  };
}

std::vector<Row> outside_rows() {
  constexpr auto e = &Settings::egress;
  constexpr auto d = &Settings::documents;
  return {
      row(e, &Egress::allow, "egress.allow",
          "Addresses, CIDR blocks and host names, with or without a port, that URLs named by users may lead to though "
          "they are not public; none by default.",
          are_exceptions),
      row(e, &Egress::gateways, "egress.gateways",
          "Base URLs of language models that are called at another address instead: URL=URL.", are_gateways),
      row(&Settings::folders, &Folders::roots, "folders.roots",
          "Folders that workflows may read and write: NAME=/PATH, or NAME=/PATH:ro for reading alone.", are_roots),
      row(d, &Documents::workers, "documents.workers", "Documents that are read at the same time.", between(1, 256)),
      row(d, &Documents::memory_bytes, "documents.memory_bytes",
          "Memory that one process that reads a document may use, in bytes.",
          between(std::int64_t{128} << 20, tebibyte)),
      row(d, &Documents::timeout, "documents.timeout", "Time after which reading one document is given up.",
          between(1, 24 * 3600)),
      row(d, &Documents::languages, "documents.languages",
          "Folder with Tesseract's language data, LANGUAGE.traineddata; without it no text is read from pictures."),
  };
}

std::vector<Row> workflow_rows() {
  constexpr auto w = &Settings::workflows;
  return {
      row(w, &Workflows::workers, "workflows.workers",
          "Items of workflow executions that this process works on at the same time; 0 leaves them to other processes.",
          between(0, 256)),
      row(w, &Workflows::max_file_mb, "workflows.max_file_mb",
          "Largest file, in MB, that a workflow or deployment may allow.", between(1, 4096)),
      row(w, &Workflows::max_files, "workflows.max_files",
          "Most files of one execution that a workflow or deployment may allow.", between(1, 1000)),
      row(w, &Workflows::max_timeout, "workflows.max_timeout",
          "Longest time that a workflow or deployment may give an execution.", between(1, 86'400)),
      row(w, &Workflows::history_days, "workflows.history_days",
          "Days after its end until an execution is forgotten; 0 keeps them.", between(0, 36'500)),
      row(&Settings::deployments, &Deployments::presigned_hosts, "deployments.presigned_hosts",
          "Hosts besides those of Amazon S3 whose presigned URLs deployed APIs fetch files from.", are_exceptions),
  };
}

std::vector<Row> media_rows() {
  constexpr auto m = &Settings::media;
  const auto quota = between(-1, most_calls);
  const auto life = between(60, 604'800);
  return {
      row(m, &Media::price_df1, "media.price_df1", "Credits that the analysis of a video by DF-1 costs."),
      row(m, &Media::price_ac1, "media.price_ac1", "The same of an image by AC-1."),
      row(m, &Media::price_fd1, "media.price_fd1", "The same of an image by FD-1."),
      row(m, &Media::price_fe1, "media.price_fe1", "The same of an image by FE-1."),
      row(m, &Media::price_fi1, "media.price_fi1", "The same of a video or an image by FI-1."),
      row(m, &Media::mutation_quota, "media.mutation_quota",
          "POST and DELETE calls of an account's client keys, for ever, unless an administrator grants others; -1 for "
          "no limit.",
          quota),
      row(m, &Media::query_quota, "media.query_quota", "The same of their GET calls.", quota),
      row(m, &Media::access_approval, "media.access_approval",
          "Accounts ask for access and an administrator approves it before they can make client keys."),
      row(m, &Media::max_video_bytes, "media.max_video_bytes", "Largest video, in bytes.", between(1, largest_put)),
      row(m, &Media::max_image_bytes, "media.max_image_bytes", "Largest image, in bytes.", between(1, largest_put)),
      row(m, &Media::max_pixels, "media.max_pixels", "Largest picture that is analysed, in pixels.",
          between(1, 1'000'000'000)),
      row(m, &Media::max_video_seconds, "media.max_video_seconds", "Longest video that is analysed.",
          between(1, 24 * 3600)),
      row(m, &Media::upload_time, "media.upload_time", "Life of a link to send a file to.", life),
      row(m, &Media::link_time, "media.link_time", "Life of a link to a file or result.", life),
      row(m, &Media::abandoned_days, "media.abandoned_days",
          "Days after the end of its link until a record without its file is removed; 0 keeps it.", between(0, 36'500)),
      row(m, &Media::timeout, "media.timeout", "Time after which one step of an analysis is ended.",
          between(1, hundred_years)),
  };
}

std::vector<Row> other_rows() {
  constexpr auto k = &Settings::secrets;
  constexpr auto e = &Settings::engine;
  constexpr auto l = &Settings::limits;
  return {
      row(&Settings::admin, &Admin::emails, "admin.emails",
          "Accounts with these addresses are administrators, and no others; empty makes the first account one.",
          are_emails),
      row(&Settings::passwords, &Passwords::cost, "passwords.cost",
          "Work for hashing a password (Argon2id): minimal is for tests only.",
          one_of({"interactive", "moderate", "minimal"})),
      row(k, &Secrets::session_key, "secrets.session_key",
          "Key that signs sessions; without it one is made at the first start and kept in the data folder.",
          is_given_secret, Secrecy::secret),
      row(k, &Secrets::api_key_pepper, "secrets.api_key_pepper",
          "Key under which API keys are hashed; without it one is made at the first start and kept in the data folder.",
          is_given_secret, Secrecy::secret),
      row(e, &Engine::memory_bytes, "engine.memory_bytes", "Memory that one worker process may use, in bytes.",
          between(std::int64_t{64} << 20, tebibyte)),
      row(e, &Engine::sandbox, "engine.sandbox",
          "Run decoders and separators without access to network and files; off only for debugging."),
      row(&Settings::limits, &Limits::requests_per_second, "limits.requests_per_second",
          "Requests a second that the server takes of everybody together before it answers 429; 0 for no limit.",
          between(0, 1'000'000)),
      row(l, &Limits::session_minute, "limits.session_minute",
          "Calls a minute of an account's sessions together, where calls are counted.", between(1, most_calls)),
      row(l, &Limits::session_hour, "limits.session_hour", "The same an hour.", between(1, most_calls)),
      row(l, &Limits::session_day, "limits.session_day", "The same a day.", between(1, most_calls)),
      row(l, &Limits::account_minute, "limits.account_minute",
          "Calls a minute of all of an account's keys together; 0 for no such cap.", between(0, most_calls)),
      row(l, &Limits::account_hour, "limits.account_hour", "The same an hour.", between(0, most_calls)),
      row(l, &Limits::account_day, "limits.account_day", "The same a day.", between(0, most_calls)),
      row(l, &Limits::redis, "limits.redis",
          "Redis in which several servers share their counts: redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE] or "
          "unix:///PATH; empty to count in this process.",
          no_check<std::string>, Secrecy::url_password),
      row(l, &Limits::redis_down, "limits.redis_down",
          "When Redis is silent: degrade counts in this process until it is back, refuse answers 503.",
          one_of({"degrade", "refuse"})),
      row(&Settings::accounts, &Accounts::plan, "accounts.plan", "The plan of new accounts.",
          one_of({"free", "starter", "pro", "enterprise"})),
      row(&Settings::tunes, &Tunes::max_audio_bytes, "tunes.max_audio_bytes",
          "Largest audio file of a track, in bytes.", between(1, tebibyte)),
  };
}

}  // namespace

std::span<const Row> table() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> all;
    for (auto part : {server_rows(), stems_rows(), payment_rows(), registry_rows(), inference_rows(), workflow_rows(),
                      model_rows(), store_rows(), media_rows(), outside_rows(), other_rows()})
      std::move(part.begin(), part.end(), std::back_inserter(all));
    return all;
  }();
  return rows;
}

const Row* find_row(std::string_view name) {
  auto rows = table();
  auto it = std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.name == name; });
  return it == rows.end() ? nullptr : &*it;
}

std::string flag_of(const Row& row) {
  if (row.secrecy == Secrecy::secret || row.file_only) return {};
  std::string_view name = row.name;
  if (name.starts_with("server.")) name.remove_prefix(std::string_view("server.").size());
  std::string flag = "--" + std::string(name);
  std::replace_if(
      flag.begin(), flag.end(), [](char c) { return c == '.' || c == '_'; }, '-');
  return flag;
}

std::string variable_of(const Row& row) {
  if (row.file_only) return {};
  std::string out = "TOLLHOUSE_";
  for (char c : row.name) out += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return out;
}

std::string masked(const Row& row, const std::string& shown) {
  constexpr auto mask = "******";
  if (shown.empty() || row.secrecy == Secrecy::open) return shown;
  if (row.secrecy == Secrecy::secret) return mask;
  auto scheme = shown.find("://");
  auto at = shown.find('@');
  if (scheme == shown.npos || at == shown.npos) return shown;
  auto colon = shown.find(':', scheme + 3);
  if (colon == shown.npos || colon > at) return shown;
  return shown.substr(0, colon + 1) + mask + shown.substr(at);
}

}  // namespace toll::config
