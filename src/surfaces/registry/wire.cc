#include "surfaces/registry/wire.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "identity/registry_users.h"

namespace toll::registry {

ModelView view(const models::Model& model) {
  auto utc = [](const std::optional<Time>& time) { return time ? std::optional(Utc{*time}) : std::nullopt; };
  const auto& card = model.card;
  return {.repo_id = model.repo_id,
          .canonical_url = card.canonical_url,
          .model_name = card.model_name,
          .author = card.author,
          .pipeline_tag = card.pipeline_tag,
          .license = card.license,
          .parameters = card.parameters,
          .parameters_readable = model.parameters_readable,
          .downloads = model.downloads,
          .likes = model.likes,
          .created_at = utc(model.created_at),
          .last_modified = utc(model.last_modified),
          .languages = card.languages,
          .tags = card.tags,
          .last_update_ts = model.last_update_ts,
          .file_count = model.file_count,
          .has_safetensors = {model.has_safetensors},
          .has_bin = {model.has_bin},
          .visibility = model.is_public ? "public" : "private",
          .engine = card.engine};
}

FileView view(const models::File& file, std::optional<std::string> url) {
  return {.rfilename = file.rfilename,
          .size = file.ready ? file.size : std::nullopt,
          .sha256 = file.ready ? file.sha256 : std::nullopt,
          .updated_ts = file.updated_ts,
          .object_key = file.object_key,
          .presigned_url = std::move(url),
          .version = file.version,
          .status = file.ready ? "ready" : "pending"};
}

std::optional<std::string> unquoted_object(std::string_view text) {
  constexpr std::string_view names = "abcdefghijklmnopqrstuvwxyz_";
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-";
  if (text.size() < 2 || !text.starts_with('{') || !text.ends_with('}')) return std::nullopt;
  text = text.substr(1, text.size() - 2);
  std::string out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto member = text.substr(0, comma);
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
    const auto colon = member.find(':');
    if (colon == member.npos || colon == 0 || colon + 1 == member.size()) return std::nullopt;
    const auto name = member.substr(0, colon), value = member.substr(colon + 1);
    if (name.find_first_not_of(names) != name.npos || value.find_first_not_of(plain) != value.npos) return std::nullopt;
    out += out.empty() ? "{" : ",";
    json::append_string(out, name);
    out += ':';
    if (parse_int(value) || value == "null")
      out += value;
    else
      json::append_string(out, value);
  }
  if (out.empty()) return std::nullopt;
  return out + "}";
}

}  // namespace toll::registry

namespace toll::json {

namespace {

using namespace registry;

std::string quoted(std::string_view text) {
  std::string out;
  append_string(out, text);
  return out;
}

void mismatch(std::string_view pattern, std::string_view input, Reading& reading) {
  reading.refuse(Bound::pattern, 0, "must match " + std::string(pattern), quoted(input), pattern);
}

template <std::size_t N>
bool one_of(const std::array<std::string_view, N>& words, std::string_view text) {
  return std::ranges::find(words, text) != words.end();
}

constexpr std::array<std::string_view, 2> visibilities{"private", "public"};
constexpr std::array<std::string_view, 3> roles{"developer", "platform", "admin"};
constexpr std::array<std::string_view, 2> permissions{"download", "run"};

// The pattern that a text of this type matches; empty: it has none.
constexpr std::string_view pattern_of(const RepoId&) {
  return models::repo_id_pattern;
}
constexpr std::string_view pattern_of(const Label&) {
  return models::label_pattern;
}
constexpr std::string_view pattern_of(const Visibility&) {
  return "^(private|public)$";
}
constexpr std::string_view pattern_of(const EngineName&) {
  return models::engine_pattern;
}
constexpr std::string_view pattern_of(const RoleName&) {
  return "^(developer|platform|admin)$";
}
constexpr std::string_view pattern_of(const Permission&) {
  return "^(download|run)$";
}
constexpr std::string_view pattern_of(const FileName&) {
  return "";
}
constexpr std::string_view pattern_of(const Email&) {
  return "";
}
constexpr std::string_view pattern_of(const PersonName&) {
  return "";
}

bool matches(const RepoId& v) {
  return models::valid_repo_id(v.text);
}
bool matches(const Label& v) {
  return models::valid_label(v.text);
}
bool matches(const Visibility& v) {
  return one_of(visibilities, v.text);
}
bool matches(const EngineName& v) {
  return models::is_engine(v.text);
}
bool matches(const RoleName& v) {
  return one_of(roles, v.text);
}
bool matches(const Permission& v) {
  return one_of(permissions, v.text);
}

template <class T>
void judge(T& out, std::string_view input, Reading& reading) {
  if (!matches(out)) mismatch(pattern_of(out), input, reading);
}

void judge(FileName& out, std::string_view input, Reading& reading) {
  if (auto why = models::file_name_problem(out.text)) reading.refuse_text(std::move(*why), input);
}

void judge_length(std::string_view text, std::int64_t least, std::int64_t most, std::string_view input,
                  Reading& reading) {
  const auto length = static_cast<std::int64_t>(utf8_length(text));
  if (length < least) reading.refuse(Bound::shortest, least, "is too short", quoted(input));
  if (length > most) reading.refuse(Bound::longest, most, "is too long", quoted(input));
}

void judge(Email& out, std::string_view input, Reading& reading) {
  out.text = std::string(trim(out.text));
  const auto length = utf8_length(out.text);
  if (length < 3 || length > 254) return judge_length(out.text, 3, 254, input, reading);
  if (auto why = identity::registry_email_problem(out.text)) reading.refuse_text(std::move(*why), input);
}

void judge(PersonName& out, std::string_view input, Reading& reading) {
  out.text = std::string(trim(out.text));
  if (out.text.find('\0') != out.text.npos) return reading.refuse_text("must not contain a NUL character", input);
  judge_length(out.text, 1, 200, input, reading);
}

}  // namespace

template <class T>
void TextCodec<T>::read(const Value& v, T& out, const Rules&, Reading& reading) {
  if (!v.is_string()) return reading.refuse(Problem::not_string, "must be a string", v);
  out.text = std::string(v.get_string());
  judge(out, v.get_string(), reading);
}

template <class T>
void TextCodec<T>::read_text(std::string_view text, T& out, const Rules&, Reading& reading) {
  if (!valid_utf8(text)) return reading.refuse_text("must be UTF-8", text);
  out.text = std::string(text);
  judge(out, text, reading);
}

template <class T>
Object TextCodec<T>::schema(const Rules&, Definitions&) {
  Object out{{"type", "string"}};
  if (const auto pattern = pattern_of(T()); !pattern.empty()) out["pattern"] = pattern;
  return out;
}

template struct TextCodec<RepoId>;
template struct TextCodec<Label>;
template struct TextCodec<FileName>;
template struct TextCodec<Visibility>;
template struct TextCodec<EngineName>;
template struct TextCodec<RoleName>;
template struct TextCodec<Permission>;
template struct TextCodec<Email>;
template struct TextCodec<PersonName>;

void Codec<Flag>::read_text(std::string_view text, Flag& out, const Rules&, Reading& reading) {
  static constexpr std::array<std::string_view, 6> yes{"true", "1", "yes", "on", "t", "y"};
  static constexpr std::array<std::string_view, 6> no{"false", "0", "no", "off", "f", "n"};
  const auto word = lower(trim(text));
  out.set = one_of(yes, word);
  if (!out.set && !one_of(no, word)) reading.refuse(Problem::not_boolean, "must be true or false", quoted(text));
}

void Codec<AliasMap>::write(std::string& out, const AliasMap& v, bool) {
  char separator = '{';
  for (const auto& [alias, version] : v.aliases) {
    out += std::exchange(separator, ',');
    append_string(out, alias);
    out += ':';
    append_string(out, version);
  }
  if (separator == '{') out += '{';
  out += '}';
}

void Codec<ModelDetail>::write(std::string& out, const ModelDetail& v, bool redact) {
  Codec<ModelView>::write(out, v.model, redact);
  out.back() = ',';
  out += "\"aliases\":";
  Codec<AliasMap>::write(out, {v.aliases}, redact);
  out += '}';
}

void Codec<ModelList>::write(std::string& out, const ModelList& v, bool) {
  std::size_t size = 2;
  for (const auto& row : v.rows) size += row->size() + 1;
  out.reserve(out.size() + size);
  out += '[';
  for (const auto& row : v.rows) {
    if (out.back() != '[') out += ',';
    out += *row;
  }
  out += ']';
}

}  // namespace toll::json
