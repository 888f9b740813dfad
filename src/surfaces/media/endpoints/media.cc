#include "surfaces/media/endpoints/media.h"

#include "base/digest.h"

namespace toll::media_api {

namespace {

using media::MediaKind;
using media::ModelType;

// What `metadata` says; nothing when it is no object.
Metadata metadata_of(const CreateMedia::Request& in) {
  Metadata out;
  if (!in.metadata || !in.metadata->is_object()) return out;
  json::Reading ignored(Place::body, false);
  json::Codec<Metadata>::read(*in.metadata, out, {}, ignored);
  return out;
}

// Of two places and two spellings, the first that says anything.
bool first_of(std::initializer_list<const Switch*> places, bool usual) {
  for (const auto* place : places)
    if (place->on) return *place->on;
  return usual;
}

engines::forensics::Checks checks_of(const CreateMedia::Request& in) {
  const auto inner = metadata_of(in);
  engines::forensics::Checks out;
  out.single_face = first_of({&inner.is_single_face, &in.is_single_face}, true);
  out.faceswap =
      first_of({&inner.faceswap_check, &inner.face_swap_check, &in.faceswap_check, &in.face_swap_check}, false);
  out.liveness = first_of({&inner.liveness_check, &in.liveness_check}, false);
  out.similarity = first_of({&inner.face_similarity_check, &in.face_similarity_check}, false);
  if (!out.faceswap && !out.similarity) out.liveness = true;
  return out;
}

void check_switches(const Metadata& switches, std::string_view folder, api::Checks& checks) {
  json::for_each_field<Metadata>([&](const auto& f) {
    if (!(switches.*f.member).wrong) return;
    std::vector<std::variant<std::string, std::int64_t>> path;
    if (!folder.empty()) path.emplace_back(std::string(folder));
    path.emplace_back(std::string(f.name));
    checks.refuse_at(std::move(path), json::Value(nullptr), "must be a boolean");
  });
}

// Only what FI-1 would look at is judged.
void check_metadata(const CreateMedia::Request& in, api::Checks& checks) {
  if (in.metadata && !in.metadata->is_object()) checks.refuse("metadata", *in.metadata, "must be an object");
  check_switches(metadata_of(in), "metadata", checks);
  check_switches(
      {in.is_single_face, in.faceswap_check, in.face_swap_check, in.liveness_check, in.face_similarity_check}, "",
      checks);
}

MediaKind kind_of(const CreateMedia::Request& in) {
  return in.content_type.kind.value_or(media::only_kind(in.model_type.type).value_or(MediaKind::image));
}

std::string etag_of(const media::Record& record) {
  return "\"" + record.mid.value() + "-" + std::to_string(record.revision) + "\"";
}

bool names(std::string_view list, std::string_view etag) {
  return list.find(etag) != list.npos || list == "*";
}

// What a call that waits has to remember from one look to the next.
struct Waiting {
  Time until;
  media::Status on_arrival;
  std::shared_ptr<void> place;
  std::shared_ptr<void> listening;
};

}  // namespace

void CreateMedia::check(const Call& call, const Request& in, api::Checks& checks) {
  if (checks.unread("contentType") || checks.unread("modelType")) return;
  const auto type = in.model_type.type;
  if (!in.content_type.kind && !media::only_kind(type))
    checks.refuse("contentType", in.content_type.text, "must say whether it is a video or an image");
  const auto kind = kind_of(in);
  if (!media::takes(type, kind))
    checks.refuse(
        "contentType", in.content_type.text,
        kind == MediaKind::video ? "must be an image for this modelType" : "must be a video for this modelType");
  const auto most = kind == MediaKind::video ? call.house.max_video_bytes : call.house.max_image_bytes;
  if (!checks.unread("size") && static_cast<std::uint64_t>(in.size.value) > most)
    checks.refuse("size", in.size.value, "must be at most " + std::to_string(most));
  if (type != ModelType::fi1) return;
  check_metadata(in, checks);
  if (checks_of(in).faceswap && kind == MediaKind::image)
    checks.refuse_at({std::string("metadata"), std::string("faceswapCheck")}, json::Value(true), "needs a video");
}

Result<CreatedView> CreateMedia::handle(Call& call, const Request& in) {
  media::NewRecord wanted;
  wanted.account = call.account();
  wanted.name = in.name.text;
  wanted.model = in.model_type.type;
  wanted.kind = kind_of(in);
  wanted.content_type = in.content_type.text;
  wanted.size = static_cast<std::uint64_t>(in.size.value);
  if (wanted.model == ModelType::fi1) wanted.checks = checks_of(in);
  const auto made = TOLL_TRY(call.house.records.create(call.tx(), wanted));
  const auto& record = made.record;
  const auto origin = origin_of(call);
  const blob::sigv4::Pairs declared{{"Content-Length", std::to_string(record.size)},
                                    {"Content-Type", record.content_type}};
  const auto life = call.house.upload_time;
  CreatedView out;
  out.mid = record.mid.value();
  out.name = record.name;
  out.type = type_name(record.kind);
  out.status = to_string(record.status);
  out.model_type = {record.model};
  out.created_at = {record.created_at};
  out.upload_url = call.house.urls.write(origin, made.original, life, declared);
  out.expires_in = life.count();
  if (made.reference) out.reference_upload_url = call.house.urls.write(origin, *made.reference, life);
  out.content_type = record.content_type;
  out.size = in.size.value;
  return out;
}

Result<MediaList> ListMedia::handle(Call& call, const Request& in) {
  media::ListRecords which;
  which.account = call.account();
  if (in.status) which.status = in.status->status;
  if (in.model_type) which.model = in.model_type->type;
  which.limit = in.limit.value_or(10);
  which.offset = in.offset.value_or(0);
  MediaList out{which.limit, which.offset, call.house.records.count(call.tx(), which), {}};
  for (const auto& record : call.house.records.list(call.tx(), which)) out.data.push_back(item(call, record));
  return out;
}

Result<http::Response> GetMedia::handle(Call& call, const Request& in) {
  const auto heard = call.house.bells.count();
  const media::Mid mid(in.mid);
  const auto record = TOLL_TRY(call.house.records.get(call.tx(), call.account(), mid));
  const auto etag = etag_of(record);
  const auto known = call.request.fields.find("If-None-Match");
  const bool same = known && names(*known, etag);
  if (!call.kept)
    call.kept = std::make_shared<Waiting>(
        Waiting{call.house.clock.now() + std::chrono::seconds(in.wait.value_or(0)), record.status, nullptr, nullptr});
  auto& waiting = *static_cast<Waiting*>(call.kept.get());
  waiting.listening.reset();
  const bool news = is_final(record.status) || (known ? !same : record.status != waiting.on_arrival);
  const auto left = waiting.until - call.house.clock.now();
  const bool wants = !news && left.count() > 0 && !call.house.bells.closed();
  if (wants && !waiting.place) waiting.place = call.house.waits.take(call.account());
  if (wants && waiting.place) {
    constexpr Micros longest_pause = std::chrono::seconds(1);  // for what other processes change
    call.linger = api::Linger{std::chrono::ceil<std::chrono::milliseconds>(std::min<Micros>(left, longest_pause)),
                              [&house = call.house, &waiting, heard, topic = mid.value()](std::function<void()> wake) {
                                waiting.listening = house.bells.listen(topic, heard, std::move(wake));
                              }};
  }
  http::Response response;
  response.fields.add("ETag", etag);
  if (same) {
    response.status = 304;
    return response;
  }
  response.fields.add("Content-Type", "application/json");
  response.body = json::write(view(call, record));
  return response;
}

Result<http::Response> DeleteMedia::handle(Call& call, const Request& in) {
  TOLL_TRY(call.house.records.remove(call.tx(), call.account(), media::Mid(in.mid)));
  return bare(status);
}

}  // namespace toll::media_api
