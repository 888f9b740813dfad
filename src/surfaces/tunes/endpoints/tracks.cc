#include "surfaces/tunes/endpoints/tracks.h"

#include "api/gate.h"
#include "base/text.h"
#include "library/rules.h"
#include "surfaces/tunes/dialect.h"

namespace toll::tunes {

namespace {

constexpr std::size_t most_ids = 100;
constexpr std::int64_t page_size = 100;

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto comma = text.find(',');
    out.push_back(text.substr(0, comma));
    if (comma == text.npos) return out;
    text.remove_prefix(comma + 1);
  }
}

library::TrackFilter filter_of(const ListTracks::Request& in) {
  return {in.artist, in.genre, in.isrc, in.has_audio};
}

std::optional<AlbumView> album_view(library::Album album) {
  if (album.empty()) return std::nullopt;
  return AlbumView{std::move(album.name), std::move(album.release_date), image_views(std::move(album.images))};
}

std::optional<AudioView> audio_view(std::optional<library::Audio> audio) {
  if (!audio) return std::nullopt;
  return AudioView{std::move(audio->content_type),
                   static_cast<std::int64_t>(audio->size),
                   std::move(audio->sha256),
                   audio->sample_rate,
                   audio->channels,
                   {audio->uploaded_at}};
}

// A name from the file when nobody gave one: its title tag, else its file name without the ending.
std::string name_from(const api::UploadedFile& file, const probe::Recording& recording) {
  if (recording.title && !library::check_text(*recording.title, 1, library::max_name)) return *recording.title;
  std::string_view name = file.filename;
  if (const auto slash = name.find_last_of("/\\"); slash != name.npos) name.remove_prefix(slash + 1);
  if (const auto dot = name.rfind('.'); dot != name.npos && dot > 0) name = name.substr(0, dot);
  name = utf8_prefix(trim(name), library::max_name);
  return library::check_text(name, 1, library::max_name) ? "Untitled" : std::string(name);
}

// The JSON of a form's text part.
Result<TrackBody> parse_body(const std::string& text) {
  auto value = json::parse(text);
  if (!value) return std::move(value).error();
  TrackBody body;
  json::Reading reading(Place::body, true);
  reading.enter("metadata");
  json::Codec<TrackBody>::read(*value, body, {}, reading);
  if (!reading.ok()) return Fault(Reason::invalid_request).at(reading.take());
  return body;
}

}  // namespace

std::vector<ImageView> image_views(std::vector<std::string> urls) {
  std::vector<ImageView> out;
  out.reserve(urls.size());
  for (auto& url : urls) out.push_back({std::move(url)});
  return out;
}

TrackView view(library::Track t) {
  TrackView out;
  out.id = std::move(t.id).value();
  out.type = "track";
  out.name = std::move(t.name);
  out.artists.reserve(t.artists.size());
  for (auto& artist : t.artists) out.artists.push_back({std::move(artist.id), std::move(artist.name)});
  out.album = album_view(std::move(t.album));
  out.duration_ms = t.duration_ms;
  out.explicit_lyrics = t.explicit_lyrics;
  out.genres = std::move(t.genres);
  out.external_ids = {std::move(t.external_ids.isrc), std::move(t.external_ids.ean), std::move(t.external_ids.upc)};
  out.track_number = t.track_number;
  out.disc_number = t.disc_number;
  out.popularity = t.popularity;
  out.metadata = {std::move(t.metadata)};
  out.audio = audio_view(std::move(t.audio));
  out.audio_features_status = std::move(t.features_status);
  out.created_at = {t.created_at};
  out.updated_at = {t.updated_at};
  return out;
}

std::vector<TrackView> views(std::vector<library::Track> tracks) {
  std::vector<TrackView> out;
  out.reserve(tracks.size());
  for (auto& track : tracks) out.push_back(view(std::move(track)));
  return out;
}

Result<TrackView> view(Result<library::Track> track) {
  if (!track) return std::move(track).error();
  return view(std::move(*track));
}

void ListTracks::check(const Call&, const Request& in, api::Checks& checks) {
  if (in.isrc)
    if (const auto why = library::check_isrc(*in.isrc))
      checks.refuse("isrc", *in.isrc, *why, Problem::rejected, Place::query);
  if (!in.ids) return;
  const auto ids = split(*in.ids);
  if (ids.size() > most_ids)
    return checks.refuse("ids", *in.ids, "must be at most 100 ids", Problem::rejected, Place::query);
  for (const auto id : ids)
    if (!parse_uuid(id))
      checks.refuse("ids", *in.ids, "must be UUIDs with commas between", Problem::rejected, Place::query);
}

Result<ListTracks::Response> ListTracks::handle(Call& call, const Request& in) {
  const auto& tracks = call.house.library.tracks;
  if (in.ids) {
    std::vector<library::TrackId> ids;
    for (const auto id : split(*in.ids)) ids.emplace_back(*parse_uuid(id));
    SeveralTracks out;
    for (auto& track : tracks.find(call.tx(), call.account(), ids))
      out.tracks.push_back(track ? std::optional(view(std::move(*track))) : std::nullopt);
    return Response(std::move(out));
  }
  const auto limit = in.limit.value_or(page_size);
  std::optional<library::After> after;
  if (in.after) after = library::After{from_micros(in.after->numbers[0]), in.after->id};
  auto found = tracks.list(call.tx(), call.account(), filter_of(in), static_cast<std::size_t>(limit), after);
  std::optional<Cursor<1>> next;
  if (found.next) next = Cursor<1>{{to_micros(found.next->created_at)}, found.next->id};
  return Response(page(call, views(std::move(found.tracks)), limit, found.total, next));
}

Result<TrackView> GetTrack::handle(Call& call, const Request& in) {
  return view(call.house.library.tracks.get(call.tx(), call.account(), library::TrackId(in.track_id.value)));
}

api::FormLimits CreateTrack::form_limits(const House& house) {
  return {.file_bytes = house.library.max_audio_bytes};
}

Result<void> CreateTrack::admit(Call& call) {
  return admit_audio(call);
}

void CreateTrack::check(Call&, const Request& in, api::Checks& checks) {
  if (!in.track && !in.file) return checks.refuse("file", json::Value(nullptr), "is required", Problem::missing);
  if (in.track && !in.file && !in.track->name)
    checks.refuse("name", json::Value(nullptr), "is required", Problem::missing);
}

Result<void> CreateTrack::prepare(Call& call, Request& in) {
  if (!in.file) return {};
  in.track.emplace();
  if (in.metadata) {
    auto body = parse_body(*in.metadata);
    if (!body) return std::move(body).error();
    in.track = std::move(*body);
  }
  if (auto measured = measure_audio(call, *in.file); !measured) return measured;
  if (!in.track->name) in.track->name = name_from(*in.file, call.audio->recording);
  return {};
}

Result<TrackView> CreateTrack::handle(Call& call, const Request& in) {
  library::TrackFields fields;
  in.track->apply_to(fields);
  auto track = call.house.library.tracks.create(call.tx(), call.account(), fields, call.audio);
  if (track) call.reply.set("Location", "/tracks/" + track->id.value());
  return view(std::move(track));
}

Result<TrackView> UpdateTrack::handle(Call& call, const Request& in) {
  return view(call.house.library.tracks.update(call.tx(), call.account(), library::TrackId(in.track_id.value),
                                               [&](library::TrackFields& fields) { in.track.apply_to(fields); }));
}

Result<http::Response> DeleteTrack::handle(Call& call, const Request& in) {
  auto gone = call.house.library.tracks.remove(call.tx(), call.account(), library::TrackId(in.track_id.value));
  if (!gone) return std::move(gone).error();
  http::Response response;
  response.status = 204;
  return response;
}

namespace {

enum class Op { create, update, remove };

// An operation that could be read.
struct Operation {
  Op op = Op::create;
  std::string id;
  TrackBody track;
};

std::optional<Op> op_from(const json::Value* v) {
  if (!v || !v->is_string()) return std::nullopt;
  const std::string_view word = v->get_string();
  if (word == "create") return Op::create;
  if (word == "update") return Op::update;
  if (word == "delete") return Op::remove;
  return std::nullopt;
}

// What an operation needs beside its op is required, what it does not need is refused.
void read_part(const json::Object& object, std::string_view name, bool needed, json::Reading& reading, auto read) {
  const auto* v = object.if_contains(name);
  if (v && v->is_null()) v = nullptr;
  reading.enter(name);
  if (v && needed) read(*v);
  if (v && !needed) reading.refuse(Problem::rejected, "does not belong to this operation", *v);
  if (!v && needed) reading.refuse(Problem::missing, "is required", std::string("null"));
  reading.leave();
}

Result<Operation> read_operation(const json::Value& value, std::int64_t index) {
  Operation out;
  json::Reading reading(Place::body, true);
  reading.enter("operations");
  reading.enter(index);
  const auto op = value.is_object() ? op_from(value.get_object().if_contains("op")) : std::nullopt;
  if (!op) {
    reading.enter("op");
    reading.refuse(Problem::rejected, "must be create, update or delete", std::string("null"));
    return Fault(Reason::invalid_request).at(reading.take());
  }
  out.op = *op;
  const auto& object = value.get_object();
  read_part(object, "id", *op != Op::create, reading, [&](const json::Value& v) {
    Uuid id;
    json::Codec<Uuid>::read(v, id, {}, reading);
    out.id = std::move(id.value);
  });
  read_part(object, "track", *op != Op::remove, reading, [&](const json::Value& v) {
    json::Codec<TrackBody>::read(v, out.track, {}, reading);
    if (*op != Op::create || out.track.name || !v.is_object()) return;
    reading.enter("name");
    reading.refuse(Problem::missing, "is required", std::string("null"));
    reading.leave();
  });
  for (const auto& member : object) {
    if (member.key() == "op" || member.key() == "id" || member.key() == "track") continue;
    reading.enter(member.key());
    reading.refuse(Problem::rejected, "is not a field of this request", member.value());
    reading.leave();
  }
  if (!reading.ok()) return Fault(Reason::invalid_request).at(reading.take());
  return out;
}

BatchResult done(std::int64_t index, std::int64_t status, std::string id) {
  return {index, status, std::move(id), {}};
}

BatchResult failed(std::int64_t index, const Fault& fault) {
  auto answer = Dialect::fault(fault, Access::either);
  return {index, answer.status, {}, JsonText{std::move(answer.body)}};
}

// Faults here are found before anything is written, so that one operation does not undo the others.
BatchResult carry_out(api::Call<House>& call, const Operation& operation, std::int64_t index) {
  const auto& tracks = call.house.library.tracks;
  const library::TrackId id(operation.id);
  const auto change = [&](library::TrackFields& fields) { operation.track.apply_to(fields); };
  if (operation.op == Op::remove) {
    auto gone = tracks.remove(call.tx(), call.account(), id);
    return gone ? done(index, 204, id.value()) : failed(index, gone.error());
  }
  library::TrackFields fields;
  if (operation.op == Op::create) change(fields);
  auto track = operation.op == Op::create ? tracks.create(call.tx(), call.account(), fields)
                                          : tracks.update(call.tx(), call.account(), id, change);
  if (!track) return failed(index, track.error());
  return done(index, operation.op == Op::create ? 201 : 200, track->id.value());
}

}  // namespace

Result<BatchResults> BatchTracks::handle(Call& call, const Request& in) {
  std::vector<Result<Operation>> operations;
  for (std::size_t i = 0; i < in.operations.size(); ++i) {
    operations.push_back(read_operation(in.operations[i].value, static_cast<std::int64_t>(i)));
    if (operations.back() && operations.back()->op == Op::remove)
      if (auto may = api::authorize_scope(*call.who, DeleteTrack::scope); !may) return std::move(may).error();
  }
  BatchResults out;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    out.results.push_back(operations[i] ? carry_out(call, *operations[i], index)
                                        : failed(index, operations[i].error()));
  }
  return out;
}

Result<SummaryView> TrackSummary::handle(Call& call, const Request&) {
  const auto summary = call.house.library.tracks.summary(call.tx(), call.account());
  return SummaryView{summary.tracks, summary.artists, summary.genres};
}

}  // namespace toll::tunes
