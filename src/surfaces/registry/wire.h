// How this surface writes and reads models, files and parameters.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "json/schema.h"
#include "models/model.h"
#include "models/names.h"
#include "surfaces/registry/row_cache.h"

namespace toll::registry {

// A parameter that may be absent. Unlike std::optional, an empty text is not absence.
template <class T>
struct Param : std::optional<T> {
  using std::optional<T>::optional;
};

// true false 1 0 yes no on off t f y n, any case.
struct Flag {
  bool set = false;
};

// A time to the second: "2024-01-10T00:00:00Z".
struct Utc {
  Time time{};
};

// 0 or 1.
struct Bit {
  bool set = false;
};

// Texts with a shape of their own; reading refuses any other.
struct RepoId {
  std::string text;
};
struct Label {  // a version or an alias
  std::string text;
};
struct FileName {
  std::string text;
};
struct Visibility {
  std::string text;
};
struct EngineName {
  std::string text;
};
struct RoleName {
  std::string text;
};
struct Permission {
  std::string text;
};
struct Email {  // trimmed
  std::string text;
};
struct PersonName {  // trimmed
  std::string text;
};

struct ModelView {
  std::string repo_id;
  std::optional<std::string> canonical_url, model_name, author, pipeline_tag, license;
  std::optional<std::int64_t> parameters;
  std::optional<std::string> parameters_readable;
  std::int64_t downloads = 0;
  std::optional<std::int64_t> likes;
  std::optional<Utc> created_at, last_modified;
  std::optional<std::string> languages, tags;
  std::int64_t last_update_ts = 0, file_count = 0;
  Bit has_safetensors, has_bin;
  std::string visibility;
  std::optional<std::string> engine;
};
ModelView view(const models::Model& model);

// A ModelView with the aliases behind it.
struct ModelDetail {
  ModelView model;
  models::Aliases aliases;
};

// ModelViews, written already.
struct ModelList {
  std::vector<RowCache::Text> rows;
};

struct AliasMap {
  models::Aliases aliases;
};

struct FileView {
  std::string rfilename;
  std::optional<std::int64_t> size;
  std::optional<std::string> sha256;
  std::int64_t updated_ts = 0;
  std::string object_key;
  std::optional<std::string> presigned_url, version;
  std::string status;
};
FileView view(const models::File& file, std::optional<std::string> url);

// "{a:1,b:acme/bert}": a JSON object of plain members whose quotes the shell took, as the document's own grant example
// arrives. With its quotes; nullopt: it is something else.
std::optional<std::string> unquoted_object(std::string_view text);

struct Ok {
  bool ok = true;
};

}  // namespace toll::registry

namespace toll::json {

template <class T>
struct is_optional<registry::Param<T>> : std::true_type {};

template <class T>
struct Codec<registry::Param<T>> {
  static void read(const Value& v, registry::Param<T>& out, const Rules& rules, Reading& reading) {
    Codec<T>::read(v, out.emplace(), rules, reading);
  }
  static void read_text(std::string_view text, registry::Param<T>& out, const Rules& rules, Reading& reading) {
    Codec<T>::read_text(text, out.emplace(), rules, reading);
  }
  static Object schema(const Rules& rules, Definitions& all) { return Codec<T>::schema(rules, all); }
};

template <>
struct Codec<registry::Flag> {
  static void read(const Value& v, registry::Flag& out, const Rules& rules, Reading& reading) {
    Codec<bool>::read(v, out.set, rules, reading);
  }
  static void read_text(std::string_view text, registry::Flag& out, const Rules& rules, Reading& reading);
  static Object schema(const Rules&, Definitions&) { return {{"type", "boolean"}}; }
};

template <>
struct Codec<registry::Utc> {
  static void write(std::string& out, const registry::Utc& v, bool) { out += '"' + iso_seconds(v.time) + "Z\""; }
  static Object schema(const Rules&, Definitions&) { return {{"type", "string"}, {"format", "date-time"}}; }
};

template <>
struct Codec<registry::Bit> {
  static void write(std::string& out, const registry::Bit& v, bool) { out += v.set ? '1' : '0'; }
  static Object schema(const Rules&, Definitions&) { return {{"type", "integer"}, {"enum", Array{0, 1}}}; }
};

// The trimmed text, or a problem: reads T::text for the types below.
template <class T>
struct TextCodec {
  static void read(const Value& v, T& out, const Rules& rules, Reading& reading);
  static void read_text(std::string_view text, T& out, const Rules& rules, Reading& reading);
  static void write(std::string& out, const T& v, bool) { append_string(out, v.text); }
  static Object schema(const Rules& rules, Definitions&);
};

template <>
struct Codec<registry::RepoId> : TextCodec<registry::RepoId> {};
template <>
struct Codec<registry::Label> : TextCodec<registry::Label> {};
template <>
struct Codec<registry::FileName> : TextCodec<registry::FileName> {};
template <>
struct Codec<registry::Visibility> : TextCodec<registry::Visibility> {};
template <>
struct Codec<registry::EngineName> : TextCodec<registry::EngineName> {};
template <>
struct Codec<registry::RoleName> : TextCodec<registry::RoleName> {};
template <>
struct Codec<registry::Permission> : TextCodec<registry::Permission> {};
template <>
struct Codec<registry::Email> : TextCodec<registry::Email> {};
template <>
struct Codec<registry::PersonName> : TextCodec<registry::PersonName> {};

template <>
struct Schema<registry::ModelView> {
  using V = registry::ModelView;
  static constexpr std::string_view name = "Model";
  static constexpr auto fields = std::tuple{
      field(&V::repo_id, "repo_id", "The model's id.", {.example = "acme/finetune-bert"}),
      field(&V::canonical_url, "canonical_url", "Where it comes from."),
      field(&V::model_name, "model_name", "Its name for people."),
      field(&V::author, "author", "Who made it."),
      field(&V::pipeline_tag, "pipeline_tag", "What it is for.", {.example = "text-generation"}),
      field(&V::license, "license", "Its licence."),
      field(&V::parameters, "parameters", "How many parameters it has."),
      field(&V::parameters_readable, "parameters_readable", "The same for people.", {.example = "8B"}),
      field(&V::downloads, "downloads", "Signed URLs that were issued; of a mirrored model, the source's number."),
      field(&V::likes, "likes", "The source's number, for a mirrored model."),
      field(&V::created_at, "created_at", "When it was made."),
      field(&V::last_modified, "last_modified", "When its card or files last changed."),
      field(&V::languages, "languages", "Languages."),
      field(&V::tags, "tags", "Tags, joined with a comma and a blank."),
      field(&V::last_update_ts, "last_update_ts", "The second of its last change in the feed."),
      field(&V::file_count, "file_count", "Ready files that a download without a version reaches."),
      field(&V::has_safetensors, "has_safetensors", "1 if one of them is a .safetensors file."),
      field(&V::has_bin, "has_bin", "1 if one of them is a .bin file."),
      field(&V::visibility, "visibility", "private or public."),
      field(&V::engine, "engine", "What can run it here.")};
};

template <>
struct Codec<registry::AliasMap> {
  static void write(std::string& out, const registry::AliasMap& v, bool);
  static Object schema(const Rules&, Definitions&) {
    return {{"type", "object"}, {"additionalProperties", Object{{"type", "string"}}}};
  }
};

template <>
struct Codec<registry::ModelDetail> {
  static void write(std::string& out, const registry::ModelDetail& v, bool);
  static Object schema(const Rules&, Definitions& all) {
    Object aliases{{"aliases", Codec<registry::AliasMap>::schema({}, all)}};
    return {{"allOf", Array{Codec<registry::ModelView>::schema({}, all),
                            Object{{"type", "object"}, {"properties", std::move(aliases)}}}}};
  }
};

template <>
struct Codec<registry::ModelList> {
  static void write(std::string& out, const registry::ModelList& v, bool);
  static Object schema(const Rules&, Definitions& all) {
    return {{"type", "array"}, {"items", Codec<registry::ModelView>::schema({}, all)}};
  }
};

template <>
struct Schema<registry::FileView> {
  using V = registry::FileView;
  static constexpr std::string_view name = "File";
  static constexpr auto fields = std::tuple{
      field(&V::rfilename, "rfilename", "The file's name in the repository.", {.example = "onnx/model.onnx"}),
      field(&V::size, "size", "Bytes; null while pending."),
      field(&V::sha256, "sha256", "SHA-256 of the bytes; null while pending."),
      field(&V::updated_ts, "updated_ts", "The second of its last change."),
      field(&V::object_key, "object_key", "Its key in the object store."),
      field(&V::presigned_url, "presigned_url", "A signed URL to read it, with presign=true."),
      field(&V::version, "version", "The version it belongs to; null: none."),
      field(&V::status, "status", "ready or pending.")};
};

template <>
struct Schema<registry::Ok> {
  static constexpr std::string_view name = "Ok";
  static constexpr auto fields = std::tuple{field(&registry::Ok::ok, "ok", "True.")};
};

}  // namespace toll::json
