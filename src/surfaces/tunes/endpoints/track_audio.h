// The audio of a track: sent, fetched, and both by signed addresses that go past the API.
#pragma once

#include "surfaces/tunes/endpoints/tracks.h"

namespace toll::tunes {

struct PutAudio : Endpoint {
  using Call = AudioCall;
  struct Request {
    Uuid track_id;
    api::UploadedFile file;
    std::optional<bool> analyze;
  };
  using Response = TrackView;
  static constexpr Route route{Method::put, "/tracks/{track_id}/audio"};
  static constexpr std::string_view id = "tunes.audio.put", summary = "Send or replace a track's audio";
  static constexpr std::string_view description =
      "The body is the file. What it is is told by its content: WAV, AIFF, FLAC, MP3, Ogg Vorbis, Opus, AAC or M4A, at "
      "most two hours.";
  static constexpr std::string_view scope = "write:tracks";
  static constexpr Runs runs = Runs::write;
  static constexpr std::array reasons{Reason::track_not_found,   Reason::upload_too_large, Reason::unsupported_file,
                                      Reason::undecodable_audio, Reason::audio_too_long,   Reason::model_unusable,
                                      Reason::storage_full};
  static api::FormLimits form_limits(const House& house);
  static Result<void> admit(Call& call);
  static Result<void> prepare(Call& call, Request& in);
  static Result<Response> handle(Call& call, const Request& in);
};

struct GetAudio : Endpoint {
  using Request = OneTrack;
  using Response = http::Response;
  static constexpr Route route{Method::get, "/tracks/{track_id}/audio"};
  static constexpr std::string_view id = "tunes.audio.get",
                                    summary = "A track's audio; ranges and conditions are heeded";
  static constexpr std::string_view scope = "read:tracks";
  static constexpr std::string_view answers = "audio/*";
  static constexpr std::array reasons{Reason::track_not_found, Reason::track_without_audio};
  static Result<Response> handle(Call& call, const Request& in);
};

struct SignedUrl {
  std::string url;
  Stamp expires_at;
};

struct GetAudioUrl : Endpoint {
  struct Request {
    Uuid track_id;
    std::optional<std::int64_t> expires;
  };
  using Response = SignedUrl;
  static constexpr Route route{Method::get, "/tracks/{track_id}/audio/url"};
  static constexpr std::string_view id = "tunes.audio.url",
                                    summary = "An address that gives the audio to whoever has it, for a while";
  static constexpr std::string_view scope = "read:tracks";
  static constexpr std::array reasons{Reason::track_not_found, Reason::track_without_audio};
  static Result<Response> handle(Call& call, const Request& in);
};

struct UploadHeaders {
  std::string content_type;
};

struct AudioUploadView {
  std::string upload_id, url, method;
  UploadHeaders headers;
  Stamp expires_at;
};

struct OpenAudioUpload : Endpoint {
  struct Request {
    Uuid track_id;
    std::string content_type;
    std::int64_t size = 0;
    std::optional<std::string> sha256;
  };
  using Response = AudioUploadView;
  static constexpr int status = 201;
  static constexpr Route route{Method::post, "/tracks/{track_id}/audio/uploads"};
  static constexpr std::string_view id = "tunes.audio.uploads.open",
                                    summary = "An address to send the audio to, past the API";
  static constexpr std::string_view scope = "write:tracks";
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::track_not_found, Reason::upload_too_large};
  static void check(const Call& call, const Request& in, api::Checks& checks);
  static Result<Response> handle(Call& call, const Request& in);
};

struct CompleteAudioUpload : Endpoint {
  using Call = AudioCall;
  struct Request {
    Uuid track_id, upload_id;
    std::optional<bool> analyze;
  };
  using Response = TrackView;
  static constexpr Route route{Method::post, "/tracks/{track_id}/audio/uploads/{upload_id}/complete"};
  static constexpr std::string_view id = "tunes.audio.uploads.complete",
                                    summary = "What was sent becomes the track's audio";
  static constexpr std::string_view scope = "write:tracks";
  static constexpr Runs runs = Runs::write;
  static constexpr bool idempotent = true;
  static constexpr std::array reasons{Reason::track_not_found,  Reason::upload_not_found,  Reason::upload_incomplete,
                                      Reason::unsupported_file, Reason::undecodable_audio, Reason::audio_too_long,
                                      Reason::model_unusable};
  static Result<void> admit(Call& call);
  static Result<void> prepare(Call& call, Request& in);
  static Result<Response> handle(Call& call, const Request& in);
};

}  // namespace toll::tunes

namespace toll::json {

template <>
struct Schema<tunes::PutAudio::Request> {
  using R = tunes::PutAudio::Request;
  static constexpr std::string_view name = "PutAudio";
  static constexpr auto fields =
      std::tuple{field(&R::track_id, "track_id", "The track's id.", {.in = In::path}),
                 field(&R::file, "file", "The file.", {.in = In::raw}),
                 field(&R::analyze, "analyze", "Also analyse the audio.", {.in = In::query})};
};

template <>
struct Schema<tunes::SignedUrl> {
  using V = tunes::SignedUrl;
  static constexpr std::string_view name = "SignedUrl";
  static constexpr auto fields = std::tuple{field(&V::url, "url", "AWS SigV4, signed in the query."),
                                            field(&V::expires_at, "expires_at", "Until when it works.")};
};

template <>
struct Schema<tunes::GetAudioUrl::Request> {
  using R = tunes::GetAudioUrl::Request;
  static constexpr std::string_view name = "GetAudioUrl";
  static constexpr auto fields =
      std::tuple{field(&R::track_id, "track_id", "The track's id.", {.in = In::path}),
                 field(&R::expires, "expires", "Seconds it shall work; 3600 unless said otherwise.",
                       {.in = In::query, .min = 60, .max = 86400})};
};

template <>
struct Schema<tunes::UploadHeaders> {
  static constexpr std::string_view name = "UploadHeaders";
  static constexpr auto fields =
      std::tuple{field(&tunes::UploadHeaders::content_type, "Content-Type", "As announced.")};
};

template <>
struct Schema<tunes::AudioUploadView> {
  using V = tunes::AudioUploadView;
  static constexpr std::string_view name = "AudioUpload";
  static constexpr auto fields =
      std::tuple{field(&V::upload_id, "upload_id", "For `complete`."), field(&V::url, "url", "Where to send the file."),
                 field(&V::method, "method", "How.", {.example = "PUT"}),
                 field(&V::headers, "headers", "To send along."), field(&V::expires_at, "expires_at", "Until when.")};
};

template <>
struct Schema<tunes::OpenAudioUpload::Request> {
  using R = tunes::OpenAudioUpload::Request;
  static constexpr std::string_view name = "OpenAudioUpload";
  static constexpr auto fields =
      std::tuple{field(&R::track_id, "track_id", "The track's id.", {.in = In::path}),
                 field(&R::content_type, "content_type", "What the file is said to be.",
                       {.min = 1, .max = 200, .example = "audio/flac"}),
                 field(&R::size, "size", "Its bytes; others are refused.", {.min = 1}),
                 field(&R::sha256, "sha256", "Its digest, hexadecimal; other bytes are refused.")};
};

template <>
struct Schema<tunes::CompleteAudioUpload::Request> {
  using R = tunes::CompleteAudioUpload::Request;
  static constexpr std::string_view name = "CompleteAudioUpload";
  static constexpr auto fields =
      std::tuple{field(&R::track_id, "track_id", "The track's id.", {.in = In::path}),
                 field(&R::upload_id, "upload_id", "The upload's id.", {.in = In::path}),
                 field(&R::analyze, "analyze", "Also analyse the audio.", {.in = In::query})};
};

}  // namespace toll::json
