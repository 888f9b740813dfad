#include "blob/sigv4.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace toll::blob::sigv4 {

namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

std::string day_of(Time time) {
  return stamp(time).substr(0, 8);
}

std::string scope_text(Time time, const Scope& scope) {
  return fmt::format("{}/{}/{}/aws4_request", day_of(time), scope.region, scope.service);
}

// Leading, trailing and repeated blanks do not count.
std::string squeeze(std::string_view value) {
  std::string out;
  for (char c : trim(value)) {
    const bool blank = c == ' ' || c == '\t';
    if (blank && !out.empty() && out.back() == ' ') continue;
    out += blank ? ' ' : c;
  }
  return out;
}

// Lower-case names, sorted; values squeezed.
Pairs canonical_headers(const Pairs& headers) {
  Pairs out;
  for (const auto& [name, value] : headers) out.emplace_back(lower(name), squeeze(value));
  std::sort(out.begin(), out.end());
  return out;
}

std::string names_of(const Pairs& canonical) {
  std::string out;
  for (const auto& [name, value] : canonical) {
    if (!out.empty()) out += ';';
    out += name;
  }
  return out;
}

std::string_view host_of(std::string_view origin) {
  const auto scheme = origin.find("://");
  return scheme == origin.npos ? origin : origin.substr(scheme + 3);
}

std::optional<Pairs> decode_query(std::string_view text) {
  Pairs out;
  while (!text.empty()) {
    const auto one = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(one.size() + 1, text.size()));
    if (one.empty()) continue;
    const auto equals = one.find('=');
    auto name = percent_decode(one.substr(0, equals));
    auto value = percent_decode(equals == one.npos ? std::string_view{} : one.substr(equals + 1));
    if (!name || !value) return std::nullopt;
    out.emplace_back(std::move(*name), std::move(*value));
  }
  return out;
}

// The X-Amz-* parameters of a signed URL.
struct Parameters {
  std::string algorithm, credential, date, expires, headers, signature;
};

// Takes them out of the query, but for the signature only from `rest`: the others are signed as well.
std::variant<Parameters, Refusal> take_parameters(const Pairs& query) {
  Parameters out;
  const std::array<std::pair<std::string_view, std::string*>, 6> wanted{{{"X-Amz-Algorithm", &out.algorithm},
                                                                         {"X-Amz-Credential", &out.credential},
                                                                         {"X-Amz-Date", &out.date},
                                                                         {"X-Amz-Expires", &out.expires},
                                                                         {"X-Amz-SignedHeaders", &out.headers},
                                                                         {"X-Amz-Signature", &out.signature}}};
  std::array<int, 6> seen{};
  for (const auto& [name, value] : query)
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (name == wanted[i].first) {
        ++seen[i];
        *wanted[i].second = value;
      }
  if (std::ranges::all_of(seen, [](int count) { return count == 0; })) return Refusal::not_signed;
  if (!std::ranges::all_of(seen, [](int count) { return count == 1; })) return Refusal::malformed;
  return out;
}

struct CredentialScope {
  std::string_view access_key, day, region, service;
};

// "<access key>/<day>/<region>/<service>/aws4_request", read from the right: a key may hold slashes.
std::optional<CredentialScope> parse_credential(std::string_view text) {
  std::array<std::string_view, 4> tail;
  for (auto& part : tail) {
    const auto slash = text.rfind('/');
    if (slash == text.npos) return std::nullopt;
    part = text.substr(slash + 1);
    text = text.substr(0, slash);
  }
  if (tail[0] != "aws4_request") return std::nullopt;
  return CredentialScope{text, tail[3], tail[2], tail[1]};
}

std::optional<Pairs> signed_headers(std::string_view names, const Incoming& request) {
  Pairs out;
  bool host = false;
  while (!names.empty()) {
    const auto name = names.substr(0, names.find(';'));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    auto value = request.header(name);
    if (name.empty() || name != lower(name) || !value) return std::nullopt;
    host = host || name == "host";
    out.emplace_back(name, std::move(*value));
  }
  if (!host) return std::nullopt;
  return out;
}

Pairs without_amz(Pairs query) {
  std::erase_if(query, [](const auto& pair) { return pair.first.starts_with("X-Amz-"); });
  return query;
}

}  // namespace

std::string stamp(Time time) {
  const auto text = iso_seconds(time);  // 2013-05-24T00:00:00
  std::string out;
  for (char c : text)
    if (c != '-' && c != ':') out += c;
  return out + 'Z';
}

std::optional<Time> parse_stamp(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  auto number = [&](std::size_t at, std::size_t length) {
    int value = 0;
    const auto* end = text.data() + at + length;
    for (const auto* c = text.data() + at; c != end; ++c) {
      if (*c < '0' || *c > '9') return -1;
      value = value * 10 + (*c - '0');
    }
    return value;
  };
  using namespace std::chrono;
  const int y = number(0, 4), mo = number(4, 2), d = number(6, 2), h = number(9, 2), mi = number(11, 2),
            s = number(13, 2);
  if (y < 1970 || mo < 0 || d < 0 || h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 59) return std::nullopt;
  const year_month_day date{year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d))};
  if (!date.ok()) return std::nullopt;
  return Time(sys_days(date)) + hours(h) + minutes(mi) + seconds(s);
}

std::string encode_path(std::string_view path) {
  std::string out;
  for (;;) {
    const auto segment = path.substr(0, path.find('/'));
    out += percent_encode(segment);
    if (segment.size() == path.size()) return out;
    out += '/';
    path.remove_prefix(segment.size() + 1);
  }
}

std::string encode_query(const Pairs& query) {
  Pairs encoded;
  encoded.reserve(query.size());
  for (const auto& [name, value] : query) encoded.emplace_back(percent_encode(name), percent_encode(value));
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

std::string canonical_request(const Message& message) {
  const auto headers = canonical_headers(message.headers);
  std::string out = message.method + "\n" + encode_path(message.path) + "\n" + encode_query(message.query) + "\n";
  for (const auto& [name, value] : headers) out += name + ":" + value + "\n";
  return out + "\n" + names_of(headers) + "\n" + message.payload;
}

std::string string_to_sign(const Message& message, Time time, const Scope& scope) {
  return fmt::format("{}\n{}\n{}\n{}", algorithm, stamp(time), scope_text(time, scope),
                     hex(sha256(canonical_request(message))));
}

Sha256 signing_key(std::string_view secret_key, Time time, const Scope& scope) {
  auto key = hmac_sha256("AWS4" + std::string(secret_key), day_of(time));
  for (std::string_view step :
       {std::string_view(scope.region), std::string_view(scope.service), std::string_view("aws4_request")})
    key = hmac_sha256(as_text(key), step);
  return key;
}

std::string signature(const Sha256& key, const Message& message, Time time, const Scope& scope) {
  return hex(hmac_sha256(as_text(key), string_to_sign(message, time, scope)));
}

std::string presign(const Credentials& credentials, const Scope& scope, const Presign& what, Time now) {
  Message message{what.method, what.path, what.query, what.headers};
  message.headers.emplace_back("host", host_of(what.origin));
  message.query.emplace_back("X-Amz-Algorithm", algorithm);
  message.query.emplace_back("X-Amz-Credential", credentials.access_key + "/" + scope_text(now, scope));
  message.query.emplace_back("X-Amz-Date", stamp(now));
  message.query.emplace_back("X-Amz-Expires", std::to_string(what.expires));
  message.query.emplace_back("X-Amz-SignedHeaders", names_of(canonical_headers(message.headers)));
  const auto key = what.key ? *what.key : signing_key(credentials.secret_key, now, scope);
  return what.origin + encode_path(what.path) + "?" + encode_query(message.query) +
         "&X-Amz-Signature=" + signature(key, message, now, scope);
}

Pairs sign_headers(const Credentials& credentials, const Scope& scope, Message message, Time now) {
  Pairs out{{"x-amz-date", stamp(now)}, {"x-amz-content-sha256", message.payload}};
  message.headers.insert(message.headers.end(), out.begin(), out.end());
  const auto names = names_of(canonical_headers(message.headers));
  const auto made = signature(signing_key(credentials.secret_key, now, scope), message, now, scope);
  out.emplace_back("Authorization", fmt::format("{} Credential={}/{},SignedHeaders={},Signature={}", algorithm,
                                                credentials.access_key, scope_text(now, scope), names, made));
  return out;
}

std::string_view to_string(Refusal refusal) {
  constexpr std::array<std::string_view, 8> words{"not signed",  "malformed",     "unknown access key", "other scope",
                                                  "bad expires", "bad signature", "not yet valid",      "expired"};
  return words[static_cast<std::size_t>(refusal)];
}

std::optional<std::string> Verified::find(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return std::nullopt;
}

std::variant<Verified, Refusal> verify(const Incoming& request, const Credentials& credentials, const Scope& scope,
                                       Time now) {
  auto query = decode_query(request.query);
  auto path = percent_decode(request.path);
  if (!query || !path) return Refusal::malformed;
  auto taken = take_parameters(*query);
  if (const auto* refusal = std::get_if<Refusal>(&taken)) return *refusal;
  const auto& given = std::get<Parameters>(taken);
  const auto who = parse_credential(given.credential);
  const auto date = parse_stamp(given.date);
  const auto expires = parse_int(given.expires);
  const auto headers = signed_headers(given.headers, request);
  if (given.algorithm != algorithm || !who || !date || !expires || !headers || who->day != day_of(*date))
    return Refusal::malformed;
  if (!equal_constant_time(who->access_key, credentials.access_key)) return Refusal::unknown_key;
  if (who->service != scope.service || (!scope.region.empty() && who->region != scope.region))
    return Refusal::other_scope;
  if (*expires < 1 || *expires > longest_life) return Refusal::bad_expires;

  std::erase_if(*query, [](const auto& pair) { return pair.first == "X-Amz-Signature"; });
  Message message{std::string(request.method), *path, *query, *headers};
  for (const auto& [name, value] : *headers)
    if (name == "x-amz-content-sha256") message.payload = value;
  const Scope used{std::string(who->region), scope.service};
  const auto key = signing_key(credentials.secret_key, *date, used);
  if (!equal_constant_time(given.signature, signature(key, message, *date, used))) return Refusal::bad_signature;

  if (*date > now + clock_skew) return Refusal::not_yet_valid;
  const auto end = *date + std::chrono::seconds(*expires);
  if (now > end) return Refusal::expired;
  return Verified{std::move(*path), without_amz(std::move(*query)), *date, end};
}

}  // namespace toll::blob::sigv4
